package replica_test

import (
	"testing"

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
