package replica_test

import (
	"slices"
	"testing"

	"github.com/caucus-project/caucus/internal/replica"
)

// What the leader makes of silence (SAFETY A5), and of signs of life that do not count (A2, A4).

// A session that says nothing more ends although a leader never leads for as long as its TTL.
func TestA5_ElectionsDoNotKeepTheDeadAlive(t *testing.T) {
	const ttl = 4_000 * millisecond
	w := newTrio(t)
	p := w.open(w.leader(), 7, "TTL", "4000", "GRACE", "0")
	begun, elections := w.now, int64(0)
	for !over(w.leader(), p) {
		w.pass(3_000 * millisecond)
		old := w.leader()
		if over(old, p) {
			break
		}
		w.die(old)
		w.pass(election)
		w.start(old)
		if elections++; elections > 10 {
			t.Fatal("the session outlived ten elections")
		}
	}
	took, most := w.now-begun-elections*election, ttl+elections*(ttl/4+1_000*millisecond)
	if elections == 0 || took < ttl || took > most {
		t.Errorf("with %d elections it ended after %d ms, which should be from %d to %d", elections,
			took/millisecond, ttl/millisecond, most/millisecond)
	}
}

// The time for which a leader stood still is not held against anybody but for two heartbeats, though a quorum
// confirmed it just before.
func TestA5_AStallIsACredit(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	p := w.open(lead, 7, "TTL", "120", "GRACE", "0")
	w.must(w.ask(lead, p.keepAlive()))
	w.now += 145 * millisecond
	w.pass(10 * millisecond)
	if over(lead, p) {
		t.Fatal("it ended a session for the time in which the leader stood still")
	}
	w.pass(200 * millisecond)
	if !over(lead, p) {
		t.Error("it lives on although the leader goes on")
	}
}

// While no quorum confirms the leader no time passes for sessions.
func TestA5_TimeStandsStillWithoutAQuorum(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	p := w.open(lead, 7, "TTL", "300", "GRACE", "0")
	_, term, _ := lead.r.Standing()
	w.cut(lead)
	w.pass(350 * millisecond)
	w.hold = nil
	w.pass(heartbeat)
	if _, now, _ := w.leader().r.Standing(); now != term {
		t.Fatal("somebody was elected; the test shows nothing")
	}
	if over(lead, p) {
		t.Fatal("a session ended for a time in which nobody could hear it")
	}
	w.pass(300 * millisecond)
	if !over(lead, p) {
		t.Error("it lives on although a quorum is there")
	}
}

// A session is not ended for the silence of its node, up to an election timeout.
func TestA5_TheSilenceOfItsNodeIsCredited(t *testing.T) {
	for name, c := range map[string]struct {
		away  int64
		lives bool
	}{"up to an election timeout": {750 * millisecond, true}, "and no longer": {1_150 * millisecond, false}} {
		t.Run(name, func(t *testing.T) {
			w := newTrio(t)
			lead := w.leader()
			here := w.others(lead)[0]
			p := w.open(here, 7, "TTL", "500", "GRACE", "0")
			w.cut(here)
			w.pass(c.away)
			if over(lead, p) == c.lives {
				t.Fatalf("after %d ms it has ended: %v", c.away/millisecond, !c.lives)
			}
			if w.hold = nil; c.lives {
				if r := w.must(w.ask(here, p.keepAlive())); r.Items[0].Int != 500 {
					t.Fatalf("it was promised %v", r.Items)
				}
			}
		})
	}
}

// What a node says of an attachment that is over keeps nobody alive.
func TestA4_BeatsOfAnEarlierAttachmentAreNoSignsOfLife(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	here, there := w.others(lead)[0], w.others(lead)[1]
	p := w.open(here, 7, "TTL", "500", "GRACE", "500")
	resume := write("SESSION", "RESUME", string(p.id[:]))
	resume.Steps[0].Op.Bound = true
	w.must(w.ask(there, resume))
	for range 15 {
		w.ask(here, p.touch())
		w.pass(heartbeat)
	}
	if !over(lead, p) {
		t.Error("it lives by what its former connection says")
	}
}

// A leader that has not applied the first entry of its own term promises nothing: the end of the session may
// be in its log.
func TestA2_ANewLeaderPromisesNothingBeforeItHasCaughtUp(t *testing.T) {
	w := newTrio(t)
	old := w.leader()
	next, third := w.others(old)[0], w.others(old)[1]
	p := w.open(third, 7, "TTL", "300", "GRACE", "0")
	w.pass(100 * millisecond)
	third.stuck = true // what is logged now reaches the next leader, and the old one learns no more of it
	w.hold = func(from, to uint64, f replica.Frame) bool {
		return f.Raft != nil && (from == next.id && to == old.id || len(f.Raft.GetEntries()) > 0 && to == third.id)
	}
	for range 400 {
		if last := lastOn(next); last > next.r.State().Index() {
			break
		}
		w.pass(millisecond)
	}
	if over(next, p) || lastOn(next) == next.r.State().Index() {
		t.Fatal("the end is not in the log of the next leader alone; the test shows nothing")
	}
	w.hold = func(_, to uint64, f replica.Frame) bool { // nothing commits in the new term
		return f.Raft != nil && len(f.Raft.GetEntries()) > 0
	}
	third.stuck = false
	w.store(third)
	w.drain(third)
	w.die(old)
	w.pass(100 * millisecond)
	if w.leader() != next {
		t.Fatal("somebody else leads; the test shows nothing")
	}
	late := w.ask(third, p.keepAlive())
	w.pass(100 * millisecond)
	if w.promised(late) {
		t.Fatal("a session was promised something whose end is in the log")
	}
	w.hold = nil
	w.pass(election)
	if !over(next, p) {
		t.Fatal("the session did not end")
	}
	if w.promised(late) {
		t.Fatal("a session that has ended was promised something")
	}
}

// lastOn gives the newest entry on a node's disk.
func lastOn(s *seat) uint64 {
	if n := len(s.disk.Entries); n > 0 {
		return s.disk.Entries[n-1].GetIndex()
	}
	return 0
}

// What was revoked is waited for in full again after an election, since the new leader does not know how much
// of a promise is over.
func TestA3_ARevocationIsWaitedForInFullAfterAnElection(t *testing.T) {
	w := newTrio(t)
	old := w.leader()
	here := w.others(old)[0]
	first := w.open(here, 1, "TTL", "60000", "GRACE", "800")
	second := w.open(here, 2, "TTL", "60000", "GRACE", "800")
	w.must(w.ask(here, first.say(write("GROUP", "JOIN", "g", "SETTLE", "0"))))
	w.must(w.ask(here, second.say(write("GROUP", "JOIN", "g"))))
	w.pass(700 * millisecond)
	if len(here.r.State().Pending("g")) == 0 {
		t.Fatal("it was granted anew within a promise")
	}
	w.die(old)
	w.pass(100 * millisecond)
	if w.leader() == nil {
		t.Fatal("nobody leads")
	}
	waited := 100 * millisecond
	for ; len(here.r.State().Pending("g")) > 0 && waited < 2_000*millisecond; waited += heartbeat {
		w.pass(heartbeat)
	}
	if waited < 750*millisecond || waited >= 2_000*millisecond {
		t.Errorf("it was granted anew %d ms after the leader's death, a promise is 800", waited/millisecond)
	}
}

// A node that knows no leader has forgotten the last one, whether it votes or learns (SAFETY A7); one that
// learns campaigns for nobody.
func TestA7_LearnersForgetTheLeaderToo(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	w.join(lead, newcomer("n4", 4))
	w.stall(lead, true) // it stays a learner
	w.join(lead, newcomer("n5", 5))
	s := w.arrives(&seat{id: 4, name: "n4"})
	w.pass(2 * heartbeat)
	if _, _, leader := s.r.Standing(); leader != lead.id || !slices.Contains(s.r.Conf().GetLearners(), 4) {
		t.Fatalf("it follows node %d and the learners are %v", leader, s.r.Conf().GetLearners())
	}
	w.seen = nil
	w.hold = func(_, _ uint64, _ replica.Frame) bool { return true }
	w.input(s, func(r *replica.Replica) { r.PeerLost(w.at(s), lead.id) })
	w.pass(2 * election)
	if _, _, leader := s.r.Standing(); leader != 0 {
		t.Errorf("it still follows node %d", leader)
	}
	for _, e := range w.seen {
		if m := e.Frame.Raft; m != nil && m.GetFrom() == s.id {
			t.Errorf("it said %v", m.GetType())
		}
	}
}
