package machine

import (
	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
)

// transaction carries out what was queued, as one, unless something that it depends on has changed.
// Other nodes than the client's own pass over the reads: nobody waits for their answers, unless the
// replies are kept for a request that may be asked again (SAFETY A15).
func (m *Machine) transaction(c *call, answered bool) caucus.Reply {
	why := m.refusal(c.op.Queue)
	switch {
	case why != nil:
		return caucus.Fail(caucus.ErrExecAbort, "Transaction discarded because of: %s", why)
	case !m.watchesHold(c.op.Watch) || !m.guardsHold(c.op.Queue):
		return caucus.NilArray()
	}
	replies := make([]caucus.Reply, len(c.op.Queue))
	for i, args := range c.op.Queue {
		replies[i] = m.queued(c, args, answered)
	}
	return caucus.Array(replies...)
}

// refusal says why a command of a transaction is refused for what it would grow, nil when none is: then
// nothing of the transaction is carried out.
func (m *Machine) refusal(queue []caucus.Command) *caucus.Error {
	for _, args := range queue {
		if spec, err := m.table.Lookup(args); err == nil {
			if why := m.exceeds(spec, args); why != nil {
				return why
			}
		}
	}
	return nil
}

func (m *Machine) queued(c *call, args caucus.Command, answered bool) caucus.Reply {
	inner := call{query: c.query, m: m, node: c.node, boot: c.boot, here: answered}
	defer func() { c.attach = max(c.attach, inner.attach) }()
	inner.args = args
	spec, err := m.table.Lookup(args)
	switch {
	case err != nil:
		return caucus.ErrorReply(err)
	case isGuard(args):
		return caucus.OK()
	case spec.Home != command.Machine:
		return caucus.Fail(caucus.ErrBad, "'%s' may not stand in a transaction", spec.Name)
	case spec.Writes():
		return m.writes[spec.Name](&inner)
	case spec.Has(command.PubSub):
		return m.queuedPublish(&inner, answered)
	case answered || c.op.Once > 0:
		return m.read(&inner.query)
	}
	return caucus.Nil()
}

// queuedPublish publishes, on the client's own node only. A reply that is kept must be the same on every node
// (SAFETY A15), so there it does not count who is listening.
func (m *Machine) queuedPublish(c *call, answered bool) caucus.Reply {
	reply := caucus.Int(0)
	if answered {
		reply = m.read(&c.query)
	}
	if c.op.Once > 0 {
		return caucus.Int(0)
	}
	return reply
}

// readTransaction answers a transaction that changes nothing, all of it from one state.
func (m *Machine) readTransaction(q *query) caucus.Reply {
	if !m.watchesHold(q.op.Watch) || !m.guardsHold(q.op.Queue) {
		return caucus.NilArray()
	}
	replies := make([]caucus.Reply, len(q.op.Queue))
	for i, args := range q.op.Queue {
		inner := *q
		inner.args = args
		if isGuard(args) {
			replies[i] = caucus.OK()
		} else {
			replies[i] = m.read(&inner)
		}
	}
	return caucus.Array(replies...)
}
