package machine

import (
	"fmt"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/entry"
)

// Apply applies the committed entry at index, whose raft term is term. An error means that this node cannot
// go on: the entry asks for something that this version, or this program, does not know. Then what clients
// asked for in it has not been carried out.
func (m *Machine) Apply(index, term uint64, e *entry.Entry, host Host) (Output, error) {
	if err := m.supported(e); err != nil {
		return Output{}, fmt.Errorf("entry %d: %w", index, err)
	}
	if err := m.knows(e); err != nil {
		return Output{}, fmt.Errorf("entry %d: %w", index, err)
	}
	m.host = host
	m.out = Output{Batches: make([]BatchResult, 0, len(e.Batches))}
	m.begin(index, term, e)
	m.settleDeadlines(m.now)
	for i := range e.Notes {
		if err := m.note(&e.Notes[i]); err != nil {
			return Output{}, fmt.Errorf("entry %d: %w", index, err)
		}
	}
	m.finish()
	for i := range e.Batches {
		m.out.Batches = append(m.out.Batches, m.batch(&e.Batches[i]))
	}
	return m.out, nil
}

// Skip notes that the entry at index holds nothing for the state.
func (m *Machine) Skip(index, term uint64) { m.index, m.term = index, term }

func (m *Machine) begin(index, term uint64, e *entry.Entry) {
	m.index, m.term = index, term
	m.stamp = max(m.stamp, e.Stamp)
	m.now = m.stamp
	m.rng, m.work = draw(e.Seed), effort{}
	if m.level >= Next && m.supports >= Next {
		m.beyond++
	}
}

// note carries out a decision of the leader. One that this version does not know cannot be passed over.
func (m *Machine) note(op *entry.Op) error {
	if len(op.Args) == 0 {
		return fmt.Errorf("a decision without a name")
	}
	do := m.notes[op.Args[0]]
	if do == nil {
		return fmt.Errorf("unknown decision %q: start the version that the other nodes run", op.Args[0])
	}
	do(m.call(op))
	return nil
}

// batch applies a batch unless it was applied before. With the steps of its own node at hand it answers the
// reads among them at their places (SAFETY A10).
func (m *Machine) batch(b *entry.Batch) BatchResult {
	r := BatchResult{Node: b.Node, Boot: b.Boot, Number: b.Number}
	if !m.accept(b) {
		r.Duplicate = true
		return r
	}
	steps := m.host.Steps(b)
	m.looked = effort{}
	c := new(call) // for all of them, one after the other
	if steps == nil {
		for i := range b.Ops {
			m.do(c, b, &b.Ops[i], false)
		}
		return r
	}
	r.Results = make([]entry.Result, len(steps))
	next := 0
	for i, s := range steps {
		if !s.Write {
			r.Results[i].Reply = m.look(&c.query, s.Op, m.now, false, m.host, &m.looked)
		} else if next < len(b.Ops) {
			r.Results[i] = m.do(c, b, &b.Ops[next], true)
			next++
		}
	}
	return r
}

// accept checks that the batch is the next of its stream (SAFETY A9). A node's new boot begins with the
// announcement of that boot; batches of earlier boots are over.
func (m *Machine) accept(b *entry.Batch) bool {
	o, _ := m.origins.Get(b.Node)
	if b.Boot != o.Boot && !m.announces(b) {
		return false
	}
	if b.Boot == o.Boot && (m.term < o.Term || m.term == o.Term && b.Number <= o.Number) {
		return false
	}
	m.origins.Set(b.Node, origin{Boot: b.Boot, Term: m.term, Number: b.Number})
	return true
}

// do carries out one operation of a batch, as a call whose memory is free. Answered says that the
// client sits on this node.
func (m *Machine) do(c *call, b *entry.Batch, op *entry.Op, answered bool) entry.Result {
	*c = m.callOf(op)
	c.node, c.boot, c.here = b.Node, b.Boot, answered
	c.alone = len(op.Queue) == 0 && op.Once == 0
	reply := m.once(c, func() caucus.Reply {
		if len(op.Queue) > 0 {
			return m.transaction(c, answered)
		}
		return m.write(c)
	})
	m.serve()
	return entry.Result{Reply: reply, Attach: c.attach}
}

func (m *Machine) call(op *entry.Op) *call {
	c := m.callOf(op)
	return &c
}

func (m *Machine) callOf(op *entry.Op) call {
	return call{query: query{s: &m.state, op: op, args: op.Args, now: m.now, host: m.host,
		work: &m.work}, m: m}
}

// write finds and runs the handler of a command. What a node of a newer version may have logged and this one
// does not know cannot come here: the level of the entry was checked before, and its commands.
func (m *Machine) write(c *call) caucus.Reply {
	spec, err := m.row(c.args)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	if m.handler(spec).write == nil {
		return caucus.Fail(caucus.ErrBad, "'%s' does not change the state", spec.Name)
	}
	if err := m.may(&c.query, spec); err != nil {
		return caucus.ErrorReply(err)
	}
	return m.carryOut(spec, c)
}

// row gives the table's row of a command. What a node reports and no client can send has only a name.
func (m *Machine) row(args caucus.Command) (*command.Spec, *caucus.Error) {
	if len(args) > 0 && len(args[0]) > 0 && args[0][0] == '.' {
		return &command.Spec{Name: args[0]}, nil
	}
	return m.table.Lookup(args)
}

// Read answers a command from the state as it is. Now is the caller's estimate of the ensemble's clock, in
// microseconds; local says that the answer may be stale.
func (m *Machine) Read(op *entry.Op, now int64, local bool, host Host) caucus.Reply {
	return m.look(new(query), op, now, local, host, new(effort))
}

// ReadAll answers the reads of a pipeline, all of them from the state as it is. When they come to more than a
// node should do at once, the last are answered with TRYAGAIN.
func (m *Machine) ReadAll(steps []entry.Step, now int64, local bool, host Host) []entry.Result {
	results := make([]entry.Result, len(steps))
	q, work := new(query), new(effort) // for all of them, one after the other
	for i, s := range steps {
		results[i].Reply = m.look(q, s.Op, now, local, host, work)
	}
	return results
}

// look answers a read, as a query whose memory is free.
func (m *Machine) look(q *query, op *entry.Op, now int64, local bool, host Host, work *effort) caucus.Reply {
	*q = query{s: &m.state, op: op, args: op.Args, now: now, local: local, host: host, work: work}
	if len(op.Queue) > 0 {
		return m.readTransaction(q)
	}
	return m.read(q)
}

func (m *Machine) read(q *query) caucus.Reply {
	spec, err := m.row(q.args)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	do := m.handler(spec).read
	if do == nil {
		return caucus.Fail(caucus.ErrBad, "'%s' cannot be answered from the state", spec.Name)
	}
	if err := m.may(q, spec); err != nil {
		return caucus.ErrorReply(err)
	}
	if q.work.over() && isLaborious(spec) {
		return caucus.ErrorReply(errEffort)
	}
	return q.checked(do(q))
}
