package machine

import (
	"slices"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
)

// Custom is a command of the program around the node.
type Custom struct {
	Spec command.Spec // made by command.Custom
	// Run carries it out. Its answer and what it changes may follow from nothing but the state, the arguments
	// and the transaction's time, so that every node does the same. Args lack the name.
	Run func(tx *Tx, args []string) caucus.Reply
}

// Know gives the machine custom commands, and the table that has a row for each. A machine that was just made
// or loaded knows none.
func (m *Machine) Know(t *command.Table, custom []Custom) {
	m.table = t
	for _, c := range custom {
		if c.Spec.Writes() {
			m.writes[c.Spec.Name] = func(on *call) caucus.Reply { return m.custom(&c, &on.query, on) }
		} else {
			m.reads[c.Spec.Name] = func(q *query) caucus.Reply { return m.custom(&c, q, nil) }
		}
	}
	m.assign()
}

// custom carries out a custom command, for on if it may change the state. One that fails has changed nothing.
func (m *Machine) custom(c *Custom, q *query, on *call) caucus.Reply {
	tx := &Tx{m: m, of: &c.Spec, query: q, call: on}
	reply := c.run(tx)
	if reply.Kind == caucus.KindError && tx.before != nil {
		m.rollBack(tx.before)
	}
	return reply
}

// run calls the function. When it panics that is told where the node is watched over; the reply, which may be
// kept and must be the same everywhere, says only that it did.
func (c *Custom) run(tx *Tx) (reply caucus.Reply) {
	defer func() {
		tx.over = true
		if tx.doing {
			return // it is the machine that panics, which no function may hide
		}
		if p := recover(); p != nil {
			if tx.query.host != nil {
				tx.query.host.Panicked(c.Spec.Name, p)
			}
			reply = caucus.Fail(caucus.ErrBad, "the command '%s' panicked; nothing of it was applied", c.Spec.Name)
		}
	}()
	reply = c.Run(tx, slices.Clone(tx.query.args[1:]))
	if why := unsendable(&reply, deepest); why != "" {
		return caucus.Fail(caucus.ErrBad, "the command '%s' answered %s; nothing of it was applied",
			c.Spec.Name, why)
	}
	return tx.query.checked(reply)
}

// deepest is how deep the reply of a custom command may be nested: in a transaction's array it is one deeper,
// and kept under a ONCE number it must be read back.
const deepest = maxDepth - 1

// unsendable says why a reply would confuse the client that it is sent to, "" when it would not.
func unsendable(r *caucus.Reply, depth int) string {
	switch r.Kind {
	case caucus.KindStatus, caucus.KindError:
		if strings.ContainsAny(r.Str, "\r\n") {
			return "a line with a line break"
		}
	case caucus.KindNil, caucus.KindNilArray, caucus.KindInt, caucus.KindBulk, caucus.KindDouble,
		caucus.KindBool, caucus.KindVerbatim:
	case caucus.KindMap, caucus.KindArray, caucus.KindSet, caucus.KindPairs:
		if (r.Kind == caucus.KindMap || r.Kind == caucus.KindPairs) && len(r.Items)%2 != 0 {
			return "a map with a key that has no value"
		}
		return unsendableAmong(r.Items, depth-1)
	default:
		return "what is no reply"
	}
	return ""
}

func unsendableAmong(items []caucus.Reply, depth int) string {
	if depth < 0 {
		return "something nested too deep"
	}
	for i := range items {
		if why := unsendable(&items[i], depth); why != "" {
			return why
		}
	}
	return ""
}
