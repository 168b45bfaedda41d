package replica_test

import (
	"testing"

	"github.com/caucus-project/caucus/internal/replica"
	pb "go.etcd.io/raft/v3/raftpb"
)

// A new leader that was not told the time stands still while another node's word of it waits in front of its
// door. That word is as old as the pause, and tells no time: the clock would go back by it (SAFETY A14; found
// by the simulator: seed 239).
func TestA14WhatWaitedTellsNoTime(t *testing.T) {
	w := newTrio(t)
	old := w.leader()
	late, other := w.others(old)[0], w.others(old)[1]
	w.crash(late)
	w.start(late)
	var waits []replica.Frame
	w.hold = func(from, to uint64, f replica.Frame) bool {
		if to == late.id && f.Vitals != nil && from == other.id {
			waits = append(waits, f)
			return true
		}
		vote := f.Raft != nil && (f.Raft.GetType() == pb.MsgPreVote || f.Raft.GetType() == pb.MsgVote)
		return to == late.id && f.Confirm != nil || from == other.id && vote
	}
	w.pass(2 * heartbeat)
	w.die(old)
	for w.leader() == nil || len(waits) == 0 {
		w.pass(millisecond)
	}
	if w.leader() != late || late.r.Timed() || waits[0].Vitals.Clock == 0 {
		t.Fatal("another leads, or it knows the time, or the other does not; the test shows nothing")
	}
	w.now += 300 * millisecond
	w.input(late, func(r *replica.Replica) {
		r.Tick(w.at(late))
		for _, f := range waits {
			r.Receive(w.at(late), other.id, f)
		}
	})
	w.hold = nil
	for !late.r.Timed() {
		w.pass(millisecond)
	}
	if off := late.r.Clock(w.at(late)) - w.now; off < -heartbeat || off > heartbeat {
		t.Errorf("the clock went by %d ms", off/millisecond)
	}
}

// No entry goes to disk without the newest commit index: raft uses a configuration once it is applied, and a
// node that came back with one that is two changes old could win alone (SAFETY B3).
func TestB3NoEntryWithoutTheNewestCommit(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	for range 5 {
		lead.stuck = true
		b := w.ask(lead, write("SET", "k", "x"))
		last := lead.queue[len(lead.queue)-1]
		if commit := lead.r.Status().Commit; len(last.Entries) == 0 || last.HardState.GetCommit() != commit {
			t.Fatalf("%d entries go to disk with commit index %d, which is %d", len(last.Entries),
				last.HardState.GetCommit(), commit)
		}
		lead.stuck = false
		w.store(lead)
		w.drain(lead)
		w.settle()
		w.must(b)
	}
}
