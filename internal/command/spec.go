package command

import (
	"math"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
)

// Home says which room carries a command out.
type Home uint8

// The homes.
const (
	Machine Home = iota // the replicated state: writes go through the log, reads are linearizable
	Talk                // the conversation of one connection: transactions, the session it carries
	Door                // the protocol of one connection: HELLO, CLIENT, SUBSCRIBE
	Node                // this node: INFO, ROLE, PUBLISH
)

// Flags say how a command may be used. Their names in COMMAND are those of Redis.
type Flags uint16

// The flags.
const (
	Write    Flags = 1 << iota // changes the state
	ReadOnly                   // reads the state
	Fast                       // takes constant or logarithmic time
	NoMulti                    // may not stand in a transaction
	Blocking                   // may wait
	Admin                      // for operators
	PubSub                     // about channels
	NoAuth                     // allowed before AUTH
	Stale                      // allowed when there is no leader
	DenyOOM                    // refused when memory is full
)

// Spec is one row: a command, or one subcommand of a container such as GROUP.
type Spec struct {
	Name  string // lower case; "group|join" for a subcommand
	Arity int    // arguments with all words of the name; negative: at least so many
	Most  int    // and at most so many; 0: no more is said than by Arity
	Flags Flags
	Home  Home
	// First, Last and Step say which arguments are keys, as COMMAND does: First 0 means none, Last -1 the
	// last argument.
	First, Last, Step int
	// Counted is the argument that says how many keys follow it, 0 for none.
	Counted int
	// Timeout is where a command that may wait for elements states for how many seconds, counted from the end
	// when it is below 0; 0: it is none.
	Timeout    int
	Group      string // Redis' command group: string, generic, connection ...; ours: session, group
	Since      string // the Redis version it follows, or the caucus version; "" for a custom command
	Usage      string // the arguments, as in "key value [NX | XX] [GET]"
	Summary    string // one sentence, without the final stop
	Complexity string // "O(1)"; "" for a custom command

	place    int  // in its table
	contains bool // it has subcommands beside
}

// Place gives the row's place among all of its table, from 0 on, so that what is kept for each row need not
// be looked up by a name.
func (s *Spec) Place() int { return s.place }

// Writes says whether the command changes the state.
func (s *Spec) Writes() bool { return s.Flags&Write != 0 }

// Waits says whether a command asks to wait for its answer, and for how many milliseconds at most, 0
// for no limit (SAFETY B7). One that may is Blocking, and its options are pairs that end it, unless it has
// a Timeout: then it always asks to wait.
func (s *Spec) Waits(cmd caucus.Command) (millis int64, ok bool) {
	switch {
	case !s.Has(Blocking):
		return 0, false
	case s.Timeout != 0:
		return millisIn(cmd[(len(cmd)+s.Timeout)%len(cmd)]), true
	}
	for i := len(cmd) - 2; i > 0; i -= 2 {
		if strings.EqualFold(cmd[i], "BLOCK") || strings.EqualFold(cmd[i], "WAIT") {
			n, err := strconv.ParseInt(cmd[i+1], 10, 64)
			return n, err == nil && n >= 0 && n <= MaxBlock
		}
	}
	return 0, false
}

// millisIn gives the milliseconds in a number of seconds, 0 for what is none; that is for the machine to
// judge.
func millisIn(seconds string) int64 {
	f, err := strconv.ParseFloat(seconds, 64)
	if err != nil || !(f > 0) {
		return 0
	}
	return int64(math.Ceil(min(f*1000, MaxBlock)))
}

// MaxBlock is the longest that a command may ask to wait for, in milliseconds: some decades.
const MaxBlock = 1 << 40

// Has says whether all the given flags are set.
func (s *Spec) Has(f Flags) bool { return s.Flags&f == f }
