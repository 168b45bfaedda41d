package sim

import (
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/replica"
)

// A confirmation that was meant for a node's former boot arrives at the present one, whose first round
// is out. It speaks of a time before the read was asked for, so it must not answer it.
func TestConfirmationOfAFormerBoot(t *testing.T) {
	s := newScene(t)
	lead := s.leader()
	n, third := s.others(lead)[0], s.others(lead)[1]
	s.call(third).must("SET", "k0", "old")
	s.until(second, s.agreed)
	n.stop(false, true)
	n.start()
	s.until(second, s.agreed)
	s.net.blocked[[2]uint64{lead.id, n.id}] = true
	s.call(third).must("SET", "k0", "new")
	c := s.call(n)
	c.send(caucus.Command{"GET", "k0"})
	s.pass(10 * millisecond)
	term := lead.r.Status().Term
	for id := range uint64(20) {
		late := &replica.Confirm{Term: term, ID: id, Index: 1}
		n.input(func(now replica.Time) { n.r.Receive(now, lead.id, replica.Frame{Confirm: late}) })
	}
	s.pass(10 * millisecond)
	if c.replies != nil {
		t.Fatalf("the answer was %v", c.replies)
	}
	delete(s.net.blocked, [2]uint64{lead.id, n.id})
	if r := c.wait(second); r.Str != "new" {
		t.Fatalf("the answer was %v", r)
	}
}

// Batches of a node's former boot arrive when those of the present one have been taken: they must not
// make the leader forget how far it has come.
func TestBatchesOfAFormerBoot(t *testing.T) {
	s := newScene(t)
	lead := s.leader()
	n := s.others(lead)[0]
	record, former := n.record(), n.boot
	s.call(n).must("APPEND", journal, "a")
	n.stop(false, true)
	n.start()
	s.until(second, s.agreed)
	s.call(n).must("APPEND", journal, "b")
	late := &replica.Batches{Term: lead.r.Status().Term, List: []entry.Batch{
		{Node: n.id, Boot: former, Number: 1, Ops: []entry.Op{machine.Boot(record)}},
		{Node: n.id, Boot: former, Number: 2, Ops: []entry.Op{
			{Conn: 1, Request: 1, Args: caucus.Command{"APPEND", journal, "x"}}}}}}
	lead.input(func(now replica.Time) { lead.r.Receive(now, n.id, replica.Frame{Batches: late}) })
	s.pass(20 * millisecond)
	if r := s.call(n).must("APPEND", journal, "c"); r.Int != 3 {
		t.Fatalf("the answer was %v, the journal is %q", r, lead.value(journal))
	}
}
