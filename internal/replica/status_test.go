package replica_test

import (
	"testing"

	"github.com/caucus-project/caucus/internal/machine"
)

// The turns of the leadership are counted where they are seen, and a life before is not counted again.
func TestStatusCountsWhatIsNew(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	s := lead.r.Status()
	if s.Won != 1 || s.Campaigns == 0 || s.Leaders != 1 || s.First != 2 || s.Newest < s.Commit {
		t.Errorf("the leader says %+v", s)
	}
	p := w.open(lead, 9)
	w.must(w.ask(lead, p.say(write("SESSION", "CLOSE"))))
	w.pass(heartbeat)
	for _, one := range w.nodes {
		if got := one.r.Status().Ended; got != (machine.Counts{Closed: 1}) {
			t.Errorf("node %d has counted %+v", one.id, got)
		}
	}
	w.die(lead)
	w.pass(2 * election)
	w.start(lead)
	w.pass(2 * election)
	s = lead.r.Status()
	if s.Ended != (machine.Counts{}) || s.Won != 0 || s.Leaders != 1 {
		t.Errorf("after a restart it says %+v", s)
	}
	if now := w.leader().r.Status(); now.Won != 1 || now.Leaders != 2 {
		t.Errorf("the new leader says %+v", now)
	}
}
