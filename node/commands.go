package node

import (
	"errors"
	"fmt"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/machine"
)

// Command is a command of your own. Every client of every node can say it, as it says GET or SET: a read is
// answered from a state that is certainly not old, a write is one entry of the log, which every node applies
// once, in the same place. It works inside of MULTI, with WATCH, GUARD and ONCE, and COMMAND lists it.
//
// Register the same commands on every node, before any client says them. A node that finds one in the log
// that it lacks stops, with an error that names it, and goes on from there once it is started with it;
// while a node that lacks it leads, it is refused. Both are noticed; that the functions of two nodes differ
// is not, until their states do and are compared: then the nodes that are outvoted stop.
type Command struct {
	// Name is what clients say, in any case: 1 to 32 letters, digits and "._-", no dot in front. Open refuses
	// the name of a built-in command, and "post", with which HTTP begins; no built-in one has a dot, nor will
	// have, so "shop.order" stays free.
	Name string
	// Writes says that it may change the store; while memory or disks are full it is then refused with OOM
	// or NOSPACE, as SET is. False: it only reads. All nodes must say the same.
	Writes bool
	// Least and Most bound the number of arguments, the name not counted; Most below 0 is no limit. Both 0:
	// it takes none. All nodes must say the same, and a node with narrower bounds than before stops at what
	// they would refuse in the log.
	Least, Most int
	// Usage names the arguments, such as "from to amount", and Summary says in a sentence what the command
	// does. They are for COMMAND DOCS, which redis-cli shows while one types. Both may be empty.
	Usage, Summary string
	// Run carries the command out and gives the answer, made by caucus.Int, caucus.Bulk, caucus.Array and
	// their like. Args are the arguments without the name, their number as stated.
	//
	// Every node runs a write on its own copy of the state, and anew when it starts. So the answer and what
	// is changed must follow from tx and args alone: no clock but tx.Now, no random numbers, no order of a
	// map, nothing that is kept outside from one call to the next. Run must not wait, nor call this node or
	// another but through tx: while it runs, the node does nothing else, and one that never returns stops
	// every node, also when they are started again. It runs on one goroutine at a time, but for several
	// nodes in one process; tx is for that goroutine, and void when Run returns.
	//
	// When it answers an error (caucus.Fail, caucus.ErrorReply), or panics, nothing of what it did is
	// applied. A panic is answered with ERR and logged with its stack.
	Run func(tx *Tx, args []string) caucus.Reply
}

// Tx is the state, as one command sees it while it runs: in a write all that came before in the log, in a
// read one moment. Its methods are for the goroutine that runs the command.
type Tx struct{ tx *machine.Tx }

// Do carries out a built-in command, such as tx.Do("SET", "k", "v"), and gives its reply; an error among
// them is a reply of caucus.KindError. What reads the store, groups, votes or locks may be said, in a write
// also what changes the store. All else is answered with ERR: custom commands, PUBLISH, MULTI and their
// like, and what speaks for a session, as GROUP JOIN does.
func (tx *Tx) Do(words ...string) caucus.Reply { return tx.tx.Do(words...) }

// Now gives the ensemble's clock, in UTC, to the microsecond: in a write the time of its log entry, which is
// the same on every node, in a read what the node that answers knows of it.
func (tx *Tx) Now() time.Time { return time.UnixMicro(tx.tx.Now()).UTC() }

// commands are all that clients can say: the table of all commands, and those that are the program's own.
type commands struct {
	table  *command.Table
	custom []machine.Custom
}

// withCommands checks a program's own commands and puts them beside those that are built in.
func withCommands(list []Command) (k commands, err error) {
	specs := make([]command.Spec, len(list))
	for i, c := range list {
		if specs[i], err = command.Custom(c.Name, c.Writes, c.Least, c.Most); err == nil && c.Run == nil {
			err = errors.New("the command '" + c.Name + "' has no function Run")
		}
		if err != nil {
			return k, fmt.Errorf("node: Commands: %w", err)
		}
		specs[i].Usage, specs[i].Summary = c.Usage, c.Summary
		k.custom = append(k.custom, machine.Custom{Spec: specs[i],
			Run: func(tx *machine.Tx, args []string) caucus.Reply { return c.Run(&Tx{tx}, args) }})
	}
	if k.table, err = command.Extended(specs); err != nil {
		return k, fmt.Errorf("node: Commands: %w", err)
	}
	return k, nil
}

// teach gives the commands to a machine that was just made or loaded.
func (k commands) teach(m *machine.Machine) { m.Know(k.table, k.custom) }
