package replica_test

import (
	"testing"

	"github.com/caucus-project/caucus/internal/replica"
	pb "go.etcd.io/raft/v3/raftpb"
)

// What comes while an entry is under way shares the next one, but does not wait for the network for ever.
func TestEntriesGrowWhileOneIsUnderWay(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	w.hold = func(_, to uint64, f replica.Frame) bool {
		return to == lead.id && f.Raft != nil && f.Raft.GetType() == pb.MsgAppResp
	}
	before := len(lead.disk.Entries)
	entries := func() int { return len(lead.disk.Entries) - before }
	list := []*replica.Batch{w.ask(lead, write("SET", "k", "0"))}
	w.settle()
	if entries() != 1 {
		t.Fatalf("%d entries for the first write", entries())
	}
	for range 10 {
		list = append(list, w.ask(lead, write("SET", "k", "1")))
		w.settle()
	}
	if entries() != 1 {
		t.Errorf("%d entries while the first has not landed", entries())
	}
	w.pass(heartbeat / 2)
	if entries() != 2 {
		t.Errorf("%d entries after half of a heartbeat; the writes that came share one", entries())
	}
	w.hold = nil
	w.pass(2 * heartbeat)
	for i, b := range list {
		if a, ok := w.answer(b); !ok || a.Err != nil {
			t.Errorf("write %d is answered %v: %v", i, ok, a.Err)
		}
	}
}
