package machine

import (
	"slices"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
)

// Tx is the state as one custom command sees it, and may change it if it was registered as a write. It is
// that command's, and over when its function returns.
type Tx struct {
	m      *Machine
	of     *command.Spec
	query  *query
	call   *call    // nil for a read
	before *restore // what it goes back to if it fails; nil while nothing was changed
	doing  bool     // a command of the machine's own is under way
	over   bool
	said   uint64 // commands so far
}

// restore is all that a command may have changed, as it was.
type restore struct {
	state  *state
	out    Output
	counts Counts
}

// restore takes the state as it is. The history is taken with its room, where a copy would begin a piece of
// its own at every failure: what is written there meanwhile nobody else will have seen.
func (m *Machine) restore() *restore {
	s := m.state.copy()
	s.history = m.history
	return &restore{s, m.out, m.counts}
}

func (m *Machine) rollBack(to *restore) { m.state, m.out, m.counts = *to.state, to.out, to.counts }

// Now gives the ensemble's clock, in microseconds since 1970: for what changes the state the stamp of its
// entry, for what reads the best estimate of the node that answers.
func (tx *Tx) Now() int64 { return tx.query.now }

// Do carries out a built-in command: one that reads the store, groups, votes or locks and, for a custom
// command that was registered as a write, one that changes the store. Others are refused.
func (tx *Tx) Do(words ...string) caucus.Reply {
	spec, err := tx.m.table.Lookup(words)
	if err == nil {
		err = tx.may(spec)
	}
	if err != nil {
		return caucus.ErrorReply(err)
	}
	inner := *tx.query
	tx.said++
	inner.args, inner.place, inner.trusted = words, inner.place<<20+tx.said, true
	if !spec.Writes() {
		tx.doing = true
		reply := tx.m.read(&inner)
		tx.doing = false
		return reply
	}
	if tx.before == nil {
		tx.before = tx.m.restore()
	}
	tx.doing = true
	reply := tx.m.carryOut(spec, &call{query: inner, m: tx.m, node: tx.call.node, boot: tx.call.boot})
	tx.doing = false
	return reply
}

// may says whether a command may be said in this one, with nil. What belongs to a connection has no place
// here, and who changes groups or votes speaks for a session.
func (tx *Tx) may(s *command.Spec) *caucus.Error {
	why := ""
	switch {
	case tx.over:
		why = "that has ended, and its transaction with it"
	case s.IsCustom():
		why = "custom commands are not nested"
	case s.Home != command.Machine || s.Has(command.Admin) || slices.Contains(personal, s.Group):
		why = "it is about a connection or a node"
	case s.Writes() && tx.call == nil:
		why = "it changes the state, and the command was registered as one that reads"
	case s.Writes() && slices.Contains(gatherings, s.Group):
		why = "groups, votes and locks can be read here, not changed"
	default:
		return nil
	}
	return caucus.Errorf(caucus.ErrBad, "'%s' may not be said in the command '%s': %s",
		strings.ReplaceAll(s.Name, "|", " "), tx.of.Name, why)
}

// Families of commands that have no place, or may only be read, in a custom command.
var (
	personal   = []string{"session", "transactions", "pubsub"}
	gatherings = []string{"group", "vote", "lock"}
)
