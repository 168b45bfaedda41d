package replica_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/replica"
	pb "go.etcd.io/raft/v3/raftpb"
)

// sent counts the batches that were sent to leaders.
func sent(list []replica.Envelope) (n int) {
	for _, e := range list {
		if e.Frame.Batches != nil {
			n += len(e.Frame.Batches.List)
		}
	}
	return n
}

// appends hands in so many writes that tell their order.
func (w *trio) appends(s *seat, n int) (list []*replica.Batch) {
	for i := range n {
		list = append(list, w.ask(s, write("APPEND", "journal", fmt.Sprint(i))))
	}
	return list
}

// Batches that were lost on the way are applied all the same, each once and in their order.
func TestA9LostBatchesAreAskedFor(t *testing.T) {
	w := newTrio(t)
	s := w.others(w.leader())[0]
	count := 0
	w.hold = func(_, _ uint64, f replica.Frame) bool {
		count++
		return f.Batches != nil && count%3 != 0
	}
	list := w.appends(s, 5)
	w.pass(5 * heartbeat)
	w.hold = nil
	for _, b := range list {
		w.must(b)
	}
	if r := w.must(w.ask(s, read("GET", "journal"))); r.Str != "01234" {
		t.Fatalf("the journal is %q", r.Str)
	}
}

// A leader that is slow is not sent everything over and over.
func TestA9SlowLeaderIsNotFlooded(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	s := w.others(lead)[0]
	w.stall(lead, true)
	w.seen = nil
	w.appends(s, 100)
	w.pass(3 * election)
	if n := sent(w.seen); n > 120 {
		t.Fatalf("100 batches were sent as %d", n)
	}
}

// What was sent to a leader that is gone goes to the next, and is applied once.
func TestA9BatchesGoToTheNextLeader(t *testing.T) {
	for name, taken := range map[string]bool{"taken": true, "lost": false} {
		t.Run(name, func(t *testing.T) {
			w := newTrio(t)
			old := w.leader()
			s := w.others(old)[1]
			w.hold = func(_, to uint64, f replica.Frame) bool {
				if taken {
					return to != old.id && f.Raft != nil && len(f.Raft.GetEntries()) > 0
				}
				return f.Batches != nil
			}
			list := w.appends(s, 3)
			w.settle()
			w.hold = nil
			w.die(old)
			w.pass(election)
			for _, b := range list {
				w.must(b)
			}
			w.start(old)
			w.pass(2 * election)
			if r := w.must(w.ask(old, read("GET", "journal"))); r.Str != "012" {
				t.Fatalf("the journal is %q", r.Str)
			}
		})
	}
}

// A node that a snapshot brings past its own batches knows of the last what became of it: it was applied, and
// its reply is gone. Of one that was sent to the leader before it does not: the client is told that, and what
// the node has to report itself, here that a connection was closed, is reported again.
func TestA9WhatASnapshotCovers(t *testing.T) {
	w := newTrio(t)
	old := w.leader()
	next, s := w.others(old)[0], w.others(old)[1]
	p := w.open(s, 7, "TTL", "60000", "GRACE", "100")
	w.hold = func(_, _ uint64, f replica.Frame) bool { return f.Batches != nil }
	lost := w.ask(s, write("APPEND", "journal", "lost"))
	w.input(s, func(r *replica.Replica) { r.Drop(w.time(), p.id, p.attach) })
	w.hold = func(_, to uint64, f replica.Frame) bool { // it hears who leads, and applies nothing
		return to == s.id && f.Raft != nil && f.Raft.GetType() == pb.MsgApp
	}
	w.input(next, func(r *replica.Replica) { r.PeerLost(w.time(), old.id) })
	w.die(old)
	w.pass(100 * millisecond)
	if w.leader() != next {
		t.Fatal("somebody else leads; the test shows nothing")
	}
	w.start(old)
	w.pass(4 * heartbeat)
	known := w.ask(s, write("APPEND", "journal", "known"))
	w.pass(2 * heartbeat)
	w.ship(next, w.snapshot(next, s))
	w.settle()
	w.hold = nil
	for b, text := range map[*replica.Batch]string{lost: "may or may not be applied", known: "was applied"} {
		a, ok := w.answer(b)
		if !ok || !errors.Is(a.Err, caucus.ErrUncertain) || !strings.Contains(a.Err.Error(), text) {
			t.Errorf("%v was answered %v, want %q", b.Steps[0].Op.Args, a.Err, text)
		}
	}
	if r := w.must(w.ask(s, read("GET", "journal"))); r.Str != "known" {
		t.Errorf("the journal is %q", r.Str)
	}
	w.pass(election)
	if !over(s, p) {
		t.Error("that the connection was closed is forgotten")
	}
}

// snapshot gives the state of the leader for a node that lags behind.
func (w *trio) snapshot(lead, to *seat) replica.Shipment {
	index, last := lead.r.State().Index(), lead.r.State().Term()
	_, term, _ := lead.r.Standing()
	m := &pb.Message{Type: pb.MsgSnap.Enum(), From: &lead.id, To: &to.id, Term: &term, Snapshot: &pb.Snapshot{
		Metadata: &pb.SnapshotMetadata{Index: &index, Term: &last, ConfState: lead.r.Conf()}}}
	return replica.Shipment{To: to.id, Message: m, View: lead.r.State().View()}
}

// That nobody waits any more for a lock is told to the next leader when the one that was told is lost (B7).
func TestB7_AReportGoesToTheNextLeader(t *testing.T) {
	w := newTrio(t)
	old := w.leader()
	s := w.others(old)[1]
	holder, waiter := w.open(s, 1, "TTL", "60000"), w.open(s, 2, "TTL", "60000")
	w.must(w.ask(s, holder.say(write("LOCK", "ACQUIRE", "l"))))
	wait := w.ask(s, waiter.say(write("LOCK", "ACQUIRE", "l", "WAIT", "0")))
	w.must(wait)
	w.hold = func(_, _ uint64, f replica.Frame) bool { return f.Batches != nil }
	forsake := *wait.Steps[0].Op
	forsake.Args = []string{".forsake", "lock/l"}
	w.input(s, func(r *replica.Replica) { r.Report(w.time(), forsake) })
	w.settle()
	w.hold = nil
	w.die(old)
	w.pass(election)
	if r := w.must(w.ask(s, read("GROUP", "MEMBERS", "lock/l"))); len(r.Items) != 1 {
		t.Errorf("%d members are left, not the holder alone", len(r.Items))
	}
}

// A node announces its boot to a leader that dies with it. The announcement may be in the log of
// the next leader or not; the node must not be taken for a copy of itself either way.
func TestB19BootAnnouncedToADyingLeader(t *testing.T) {
	for name, reaches := range map[string]bool{"it survives": true, "it is lost": false} {
		t.Run(name, func(t *testing.T) {
			w := newTrio(t)
			old := w.leader()
			third, again := w.others(old)[0], w.others(old)[1]
			w.crash(again)
			third.stuck = true
			w.hold = func(from, to uint64, f replica.Frame) bool {
				return !reaches && from == old.id && f.Raft != nil && len(f.Raft.GetEntries()) > 0
			}
			w.start(again)
			again.stuck = true // the announcement is in the leader's log, and commits nowhere
			list := w.appends(again, 2)
			w.pass(2 * heartbeat)
			w.crash(old)
			again.stuck, third.stuck = false, false
			w.hold = func(_, to uint64, f replica.Frame) bool { // it learns who leads, and of no commit
				return to == again.id && f.Raft != nil && f.Raft.GetCommit() > 1 && len(f.Raft.GetEntries()) == 0
			}
			for _, s := range w.others(old) {
				w.store(s)
				w.drain(s)
				w.input(s, func(r *replica.Replica) { r.PeerLost(w.at(s), old.id) })
			}
			w.pass(20 * millisecond)
			if _, _, lead := again.r.Standing(); lead != third.id {
				t.Fatalf("it takes %d for the leader", lead)
			}
			list = append(list, w.ask(again, write("APPEND", "journal", "2")))
			w.settle()
			w.hold = nil
			w.pass(2 * election)
			for _, b := range list {
				w.must(b)
			}
			if r := w.must(w.ask(third, read("GET", "journal"))); r.Str != "012" {
				t.Fatalf("the journal is %q", r.Str)
			}
			if n, _ := third.r.State().Node(again.id); n.Boots != again.boots {
				t.Fatalf("the announced boot is %d, not %d", n.Boots, again.boots)
			}
		})
	}
}
