package replica_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/replica"
	pb "go.etcd.io/raft/v3/raftpb"
)

// founder runs a lone node for a second, whose table also holds others that never start, and gives the level
// that its ensemble came to.
func founder(t *testing.T, levels ...uint16) uint16 {
	t.Helper()
	m := machine.New([16]byte{1}, 1)
	for i, level := range levels {
		n := record(uint64(i+1), 0)
		n.Level = level
		m.Admit(1, 1, n)
	}
	index, term := uint64(1), uint64(1)
	meta := &pb.SnapshotMetadata{Index: &index, Term: &term, ConfState: &pb.ConfState{Voters: []uint64{1}}}
	me := record(1, 1)
	me.Level = levels[0]
	now := replica.Time{Mono: 1_000_000, Wall: 1_000_000}
	r, err := replica.Open(replica.Config{Node: me}, replica.Restored{Snapshot: meta, State: m}, now)
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		now.Mono += millisecond
		r.Tick(now)
		out := r.Output()
		if out.Fatal != nil {
			t.Fatal(out.Fatal)
		}
		for _, w := range out.Writes {
			r.Stored(now, w.Seq)
		}
	}
	if !r.Leads() {
		t.Fatal("a lone node does not lead")
	}
	return r.State().Level()
}

// SAFETY B20: changed behaviour asks for the level, which rises when the last node supports it, not before.
func TestB20TheLevelRisesOnceEveryNodeSupportsIt(t *testing.T) {
	if got := founder(t, entry.Level); got != entry.Level {
		t.Errorf("alone: level %d, want %d", got, entry.Level)
	}
	if got := founder(t, entry.Level, entry.Level); got != entry.Level {
		t.Errorf("two that support it: level %d, want %d", got, entry.Level)
	}
	if got := founder(t, entry.Level, entry.Level-1); got != entry.Level-1 {
		t.Errorf("with one that does not: level %d, want %d", got, entry.Level-1)
	}
}

// become starts a node again, with a version of that level.
func (w *trio) become(s *seat, level uint16) {
	w.t.Helper()
	w.crash(s)
	s.level = level
	w.start(s)
	w.settle()
}

// mixed is a trio at level 1, of which all but one have the next version. The one does not lead.
func mixed(t *testing.T) (w *trio, lead, old *seat) {
	w = newTrio(t)
	lead = w.leader()
	old = w.others(lead)[0]
	for _, s := range w.nodes {
		s.level = machine.Next
		if s == old {
			s.level = entry.Level
		}
		w.become(s, s.level)
		w.pass(3 * election)
	}
	if w.leader() == old {
		w.crash(old)
		w.pass(3 * election)
		w.start(old)
		w.pass(heartbeat)
	}
	lead = w.leader()
	if got := lead.r.State().Level(); got != entry.Level {
		t.Fatalf("with one that supports no more the level is %d", got)
	}
	return w, lead, old
}

// SAFETY B20: a node that goes back to its old version while the level is about to rise keeps it down, and
// the same leader raises it when that node has the next version again.
func TestB20ARiseThatWasPassedOverIsLoggedAgain(t *testing.T) {
	w, lead, old := mixed(t)
	word := func() { // by which the leader is known, without any time passing
		w.ask(lead, write("SET", "k", "1"))
		w.settle()
	}
	w.become(old, machine.Next)
	word() // the start has landed, and the leader has not looked yet
	w.hold = func(_, to uint64, f replica.Frame) bool {
		return to == lead.id && f.Raft != nil && f.Raft.GetType() == pb.MsgAppResp
	}
	w.become(old, entry.Level)
	word()
	w.pass(heartbeat) // it proposes that, and looks before it has landed
	w.hold = nil
	w.pass(4 * heartbeat)
	noted := 0
	for _, e := range lead.disk.Entries {
		if strings.Contains(string(e.GetData()), ".level") {
			noted++
		}
	}
	if got := lead.r.State().Level(); got != entry.Level || old.r == nil || noted != 2 {
		t.Fatalf("the level is %d after %d notes; the old node runs: %v", got, noted, old.r != nil)
	}
	w.become(old, machine.Next)
	w.pass(4 * heartbeat)
	for _, s := range w.nodes {
		if got := s.r.State().Level(); got != machine.Next {
			t.Errorf("node %d is at level %d when all support %d", s.id, got, machine.Next)
		}
	}
	if w.leader() != lead {
		t.Error("another leads, so this has shown nothing")
	}
}

// SAFETY B20: who does not support the ensemble's level is told so when it asks to be let in.
func TestB20WhoIsTooOldIsNotLetIn(t *testing.T) {
	w, lead, old := mixed(t)
	young, same := newcomer("n4", 4), newcomer("n5", 5)
	same.Level = entry.Level
	let := w.join(lead, young, same)
	if len(let) != 2 || !errors.Is(let[0].Err, caucus.ErrConflict) || let[1].Err != nil {
		t.Fatalf("at level 1 nodes of level 0 and %d were answered %+v", same.Level, let)
	}
	want := "is at feature level 1, and the version of \"n4\" has 0"
	if !strings.Contains(let[0].Err.Error(), want) {
		t.Errorf("it was told %v", let[0].Err)
	}
	w.become(old, machine.Next)
	w.pass(4 * heartbeat)
	if got := lead.r.State().Level(); got != entry.Level {
		t.Errorf("the level is %d, and a node that has not started yet supports %d", got, same.Level)
	}
}
