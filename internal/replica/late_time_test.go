package replica_test

import (
	"testing"

	"github.com/caucus-project/caucus/internal/replica"
)

// SAFETY A14: a node that has just started asks for the time. What it is told comes late, when it has applied
// entries that were stamped since: it does not go behind them, or the ensemble's clock would when it leads.
func TestA14TheTimeComesLate(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	s, third := w.others(lead)[0], w.others(lead)[1]
	w.pass(100 * millisecond)
	var late *replica.Frame
	w.hold = func(_, to uint64, f replica.Frame) bool {
		if f.Confirm == nil || to != s.id || late != nil {
			return false
		}
		late = &f
		return true
	}
	w.crash(s)
	w.start(s)
	for range 100 {
		if late == nil {
			w.pass(millisecond)
		}
	}
	w.pass(10 * millisecond)
	w.must(w.ask(third, write("SET", "k", "1")))
	w.pass(2 * millisecond)
	stamp := s.r.State().Stamp()
	w.input(s, func(r *replica.Replica) { r.Receive(w.at(s), lead.id, *late) })
	if !s.r.Timed() {
		t.Fatal("the answer came too late; the test shows nothing")
	}
	if shown := s.r.Clock(w.at(s)); shown < stamp {
		t.Errorf("it shows %d and has applied the stamp %d", shown, stamp)
	}
}
