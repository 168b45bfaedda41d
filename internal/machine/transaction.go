package machine

import (
	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/waist"
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
	sum := answers{most: m.replyLimit(), work: &m.looked}
	if c.op.Once > 0 {
		sum.work = new(effort) // what is kept depends on nothing beside the request
	}
	for i, args := range c.op.Queue {
		replies[i] = m.queued(c, i, args, answered, &sum)
	}
	return caucus.Array(replies...)
}

// answers is what the answers in a transaction are counted with. What reads answer decides nothing about
// writes, since only some nodes know it.
type answers struct {
	most, ofWrites, ofReads int64
	work                    *effort // of the reads
}

// weigh gives what one more answer is counted with.
func (a *answers) weigh(reply *caucus.Reply) int64 {
	return waist.ItemBytes + waist.Weight(reply, a.most)
}

// read gives the answer of a read unless with it all together would be too large.
func (a *answers) read(reply caucus.Reply) caucus.Reply {
	w := a.weigh(&reply)
	if a.ofWrites+a.ofReads+w > a.most {
		return caucus.ErrorReply(tooLarge(a.most))
	}
	a.ofReads += w
	return reply
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

func (m *Machine) queued(c *call, nth int, args caucus.Command, answered bool, sum *answers) caucus.Reply {
	inner := call{query: c.query, m: m, node: c.node, boot: c.boot, here: answered}
	defer func() { c.attach = max(c.attach, inner.attach) }()
	inner.args, inner.place = args, uint64(nth)+1
	spec, err := m.table.Lookup(args)
	if err == nil && !isGuard(args) && spec.Home == command.Machine {
		err = m.may(&inner.query, spec)
	}
	switch {
	case err != nil:
		return caucus.ErrorReply(err)
	case isGuard(args):
		return caucus.OK()
	case spec.Home != command.Machine:
		return caucus.Fail(caucus.ErrBad, "'%s' may not stand in a transaction", spec.Name)
	case spec.Writes() && sum.ofWrites > sum.most:
		return caucus.ErrorReply(tooLarge(sum.most))
	case spec.Writes():
		reply := m.carryOut(spec, &inner)
		sum.ofWrites += sum.weigh(&reply)
		return reply
	case spec.Has(command.PubSub):
		return m.queuedPublish(&inner, answered)
	case answered || c.op.Once > 0:
		inner.work = sum.work
		return sum.read(m.read(&inner.query))
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
	sum := answers{most: m.replyLimit()}
	for i, args := range q.op.Queue {
		inner := *q
		inner.args, inner.place = args, uint64(i)+1
		if isGuard(args) {
			replies[i] = caucus.OK()
		} else {
			replies[i] = sum.read(m.read(&inner))
		}
	}
	return caucus.Array(replies...)
}
