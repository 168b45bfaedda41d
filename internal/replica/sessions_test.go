package replica_test

import (
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/replica"
)

// touch is a sign of life that nobody waits for an answer to.
func (p speaker) touch() *replica.Batch {
	return &replica.Batch{Beats: []entry.Beat{{Session: p.id, Attach: p.attach}}}
}

// promised says whether a KEEPALIVE has been answered with a promise.
func (w *trio) promised(b *replica.Batch) bool {
	a, ok := w.answer(b)
	return ok && a.Err == nil && len(a.Results[0].Reply.Items) == 3
}

// over says whether the session has ended at a node.
func over(s *seat, p speaker) bool {
	_, ok := s.r.State().Session(p.id)
	return !ok
}

// marked gives a session that has been silent for a quarter of its 4 s, and was just heard again;
// the entry that clears its mark waits for the followers' disks, and so does all that follows it.
func (w *trio) marked(lead *seat) speaker {
	w.t.Helper()
	p := w.open(lead, 7, "TTL", "4000", "GRACE", "0")
	w.pass(1_200 * millisecond)
	if s, _ := lead.r.State().Session(p.id); s.Mark != 1 {
		w.t.Fatalf("after a quarter of its TTL the mark is %d", s.Mark)
	}
	w.stall(lead, true)
	w.ask(lead, p.touch())
	w.pass(10 * millisecond)
	return p
}

// applyNext lets one entry commit, and has the leader hear b in the same step, after that entry.
func (w *trio) applyNext(lead *seat, b *replica.Batch) {
	w.t.Helper()
	w.ask(lead, read("GET", "k")) // its round is out: b goes with the next
	w.ask(lead, b)
	first := w.others(lead)[0]
	w.storeSome(first, 1)
	w.drain(first)
	w.deliver(first)
	w.deliver(lead)
	w.settle()
}

// 1. A session that is marked is heard, and the entry that clears it is slow.
// 2. It is silent for a TTL: the leader decides its end, and logs it behind that entry.
// 3. The entry is applied, and the session is heard again.
// Its end is on its way all the same, so no promise may be made.
func TestA2NoPromiseWhileTheEndIsOnItsWay(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	p := w.marked(lead)
	w.pass(4_200 * millisecond)
	late := p.keepAlive()
	w.applyNext(lead, late)
	if s, ok := lead.r.State().Session(p.id); !ok || s.Mark != 0 {
		t.Fatalf("the first entry did not clear the mark, which is %d", s.Mark)
	}
	if w.promised(late) {
		t.Fatal("a session was promised something when its end was in the log")
	}
	w.stall(lead, false)
	w.pass(heartbeat)
	if !over(lead, p) {
		t.Fatal("the session did not end")
	}
}

// A session that closes another one lives on.
func TestA2ClosingAnotherSessionEndsOnlyThat(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	p := w.open(lead, 7)
	other := w.open(w.others(lead)[0], 8)
	if r := w.must(w.ask(lead, p.say(write("SESSION", "CLOSE", string(other.id[:]))))); r.Int != 1 {
		t.Fatalf("the answer was %v", r)
	}
	if r := w.must(w.ask(lead, p.keepAlive())); len(r.Items) != 3 {
		t.Fatalf("the answer was %v", r)
	}
}

// A drop that is refused, because the connection had let the session go before, leaves the session
// as mortal as any other.
func TestA4RefusedDropIsForgotten(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	p := w.open(lead, 7, "TTL", "500", "GRACE", "100")
	b := p.say(write("SESSION", "OPEN"))
	b.Steps[0].Op.Fresh, b.Steps[0].Op.Bound = entry.Session{8}, true
	w.must(w.ask(lead, b))
	w.input(lead, func(r *replica.Replica) { r.Drop(w.time(), p.id, p.attach) })
	w.pass(heartbeat)
	if over(lead, p) {
		t.Fatal("a session that no connection carried was dropped")
	}
	w.pass(1_000 * millisecond)
	if !over(lead, p) {
		t.Fatal("a silent session lives for ever")
	}
}

// 1. A session is heard; its mark is cleared by an entry that is slow.
// 2. It is silent for half its TTL, and marked again by an entry behind the first.
// 3. The first is applied, the session is heard, and the leader dies.
// The next leader knows the mark and leaves it half its TTL, so no more may have been promised.
func TestA5MarkOnItsWayIsNotForgotten(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	p := w.marked(lead)
	w.pass(2_200 * millisecond)
	late := p.keepAlive()
	w.applyNext(lead, late)
	if s, ok := lead.r.State().Session(p.id); !ok || s.Mark != 0 {
		t.Fatalf("the first entry did not clear the mark, which is %d", s.Mark)
	}
	if w.promised(late) {
		t.Fatal("a session was promised something when a mark was in the log")
	}
	w.stall(lead, false)
	if r := w.must(late); r.Items[0].Int != 4_000 {
		t.Fatalf("when it was cleared it was promised %v", r.Items)
	}
}

// 1. A session is opened at one node and kept alive by its id at another, which lags behind.
// 2. The leader does not count the sign of life, since the session's end is on its way.
// 3. The other node does not know the session yet when it hears that; when it has applied what the round asks
// for, it does.
// It must ask again then, not answer.
func TestA2WhoLagsBehindAsksAgain(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	lag := w.others(lead)[0]
	var kept []replica.Frame
	w.hold = func(from, to uint64, f replica.Frame) bool {
		if to == lag.id && f.Raft != nil && from == lead.id {
			kept = append(kept, f)
			return true
		}
		return false
	}
	p := w.open(lead, 7, "TTL", "100", "GRACE", "0")
	third := w.others(lead)[1]
	w.pass(30 * millisecond)
	third.stuck = true // from here on nothing commits
	w.pass(100 * millisecond)
	b := read("SESSION", "KEEPALIVE", string(p.id[:]))
	b.Promise, b.Beats = true, []entry.Beat{{Session: p.id}}
	w.ask(lag, b)
	w.pass(10 * millisecond)
	w.hold = nil
	for _, f := range kept {
		w.input(lag, func(r *replica.Replica) { r.Receive(w.time(), lead.id, f) })
	}
	lag.stuck = true
	w.settle()
	if a, ok := w.answer(b); ok && a.Err == nil && a.Results[0].Reply.Items[0].Int > 0 {
		t.Fatalf("it was answered %v by a node that had only just heard of the session", a.Results[0].Reply)
	}
}

// Within one entry an assignment that was revoked is given up, granted anew and revoked again. Who
// held the second has not given it up.
func TestA3SecondGrantWithinAnEntry(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	first, second := w.open(lead, 1, "GRACE", "800"), w.open(lead, 2, "GRACE", "800")
	third, fourth := w.open(lead, 3, "GRACE", "800"), w.open(lead, 4, "GRACE", "800")
	join := func(p speaker) *replica.Batch { return p.say(write("GROUP", "JOIN", "g", "SETTLE", "0")) }
	w.must(w.ask(lead, join(first)))
	w.must(w.ask(lead, join(second)))
	w.must(w.ask(lead, join(third)))
	lead.stuck = true
	blocker := w.ask(lead, write("SET", "k", "1")) // what follows goes into one entry
	w.ask(lead, first.say(write("GROUP", "LEAVE", "g")))
	look := second.say(write("GROUP", "META", "g", "x"))
	look.Steps = append(look.Steps, entry.Step{Op: &entry.Op{Conn: 1, Session: second.id, Attach: second.attach,
		Args: caucus.Command{"GROUP", "INDEX", "g"}}})
	w.ask(lead, look)
	w.ask(lead, join(fourth))
	lead.stuck = false
	w.store(lead)
	w.drain(lead)
	w.settle()
	w.must(blocker)
	w.must(look)
	a, _ := w.answer(look)
	told := a.Results[1].Reply
	if told.IsNil() {
		t.Fatal("nothing was granted in between")
	}
	begun := w.now
	for w.now < begun+700*millisecond {
		if len(lead.r.State().Pending("g")) == 0 {
			t.Fatalf("granted anew after %d ms, though who was told %v may believe in it for 800",
				(w.now-begun)/millisecond, told.Items)
		}
		w.pass(millisecond)
	}
}

// What the leader remembers of a member does not grow with the number of revocations that the
// member has seen.
func BenchmarkBeatAfterManyRevocations(b *testing.B) {
	w := newTrio(b)
	lead := w.leader()
	p, q := w.open(lead, 1), w.open(lead, 2)
	w.must(w.ask(lead, p.say(write("GROUP", "JOIN", "g", "SETTLE", "0"))))
	for range 200 {
		w.must(w.ask(lead, q.say(write("GROUP", "JOIN", "g", "SETTLE", "0"))))
		beat := p.keepAlive()
		beat.Beats[0].Seen = lead.r.State().Version(p.id)
		w.must(w.ask(lead, beat))
		w.must(w.ask(lead, q.say(write("GROUP", "LEAVE", "g"))))
	}
	round := &replica.Round{ID: 1, Beats: []entry.Beat{{Session: p.id, Attach: p.attach}}}
	_, round.Term, _ = lead.r.Standing()
	for b.Loop() {
		lead.r.Receive(w.time(), w.others(lead)[0].id, replica.Frame{Round: round})
		lead.r.Output()
	}
}
