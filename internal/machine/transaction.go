package machine

import (
	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
)

// transaction carries out what was queued, as one, unless something that it depends on has changed. Other
// nodes than the client's own pass over the reads: nobody waits for their answers.
func (m *Machine) transaction(c *call, answered bool) caucus.Reply {
	if !m.watchesHold(c.op.Watch) {
		return caucus.NilArray()
	}
	replies := make([]caucus.Reply, len(c.op.Queue))
	for i, args := range c.op.Queue {
		replies[i] = m.queued(c, args, answered)
	}
	return caucus.Array(replies...)
}

func (m *Machine) queued(c *call, args caucus.Command, answered bool) caucus.Reply {
	inner := call{query: c.query, m: m, node: c.node, boot: c.boot}
	defer func() { c.attach = max(c.attach, inner.attach) }()
	inner.args = args
	spec, err := m.table.Lookup(args)
	switch {
	case err != nil:
		return caucus.ErrorReply(err)
	case spec.Home != command.Machine:
		return caucus.Fail(caucus.ErrBad, "'%s' may not stand in a transaction", spec.Name)
	case spec.Writes():
		return m.write(&inner)
	case answered:
		return m.read(&inner.query)
	}
	return caucus.Nil()
}

// readTransaction answers a transaction that changes nothing, all of it from one state.
func (m *Machine) readTransaction(q *query) caucus.Reply {
	if !m.watchesHold(q.op.Watch) {
		return caucus.NilArray()
	}
	replies := make([]caucus.Reply, len(q.op.Queue))
	for i, args := range q.op.Queue {
		inner := *q
		inner.args = args
		replies[i] = m.read(&inner)
	}
	return caucus.Array(replies...)
}
