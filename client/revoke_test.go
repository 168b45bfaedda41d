package client_test

import (
	"context"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
)

// worker is what a member's process does, and takes its time to stop.
type worker struct {
	told chan context.Context // one for each call of OnRevoke
	may  chan struct{}        // OnRevoke returns when it can take from here
}

func newWorker() *worker {
	return &worker{told: make(chan context.Context, 10), may: make(chan struct{}, 10)}
}

func (w *worker) stop(ctx context.Context) {
	w.told <- ctx
	<-w.may
}

func (w *worker) awaitTold(t *testing.T) context.Context {
	t.Helper()
	select {
	case ctx := <-w.told:
		return ctx
	case <-within(t).Done():
		t.Fatal("OnRevoke was not called")
		return nil
	}
}

func (w *worker) notTold(t *testing.T, when string) {
	t.Helper()
	select {
	case <-w.told:
		t.Fatalf("OnRevoke was called %s", when)
	default:
	}
}

// proofs counts what the ensemble takes for proof that an earlier promise was read: whatever comes on the
// session's own connection.
func (f *fake) proofs() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, cmd := range f.came {
		switch cmd {
		case "SESSION KEEPALIVE", "GROUP INDEX g", "GROUP LEADER g ", "GROUP LEAVE g", "SESSION CLOSE":
			n++
		}
	}
	return n
}

// revoke takes the index and, with other, the leadership from m1, and tells it.
func (f *fake) revoke(g *group, leader string) {
	g.set(func(g *group) { g.version, g.epoch, g.leader = g.version+1, 0, leader })
	f.publish("g", `{"event":"settling","group":"g"}`)
}

const vouched = "SESSION KEEPALIVE 0123456789abcdef0123456789abcdef"

func TestA3_NothingIsAcknowledgedBeforeOnRevokeHasReturned(t *testing.T) {
	g, w := settled(), newWorker()
	f := startFake(t, g.answer)
	defer close(w.may)
	_, m := joinAnd(t, new(clocks), w.stop, f.addr)
	holds(t, m)
	f.await("SUBSCRIBE caucus:g:g", 1)
	f.revoke(g, "m2")
	ctx := w.awaitTold(t)
	if _, ok := m.Assignment(); ok {
		t.Error("a revoked assignment is believed while OnRevoke runs")
	}
	if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > 9800*time.Millisecond {
		t.Errorf("the deadline is %v, %v", deadline, ok)
	}
	before := f.proofs()
	f.await(vouched, 3) // a whole TTL goes by
	f.publish("g", `{"event":"leader","group":"g"}`)
	f.await(vouched, 4)
	if n := f.proofs(); n != before {
		t.Fatalf("%d commands came on the session's own connection while OnRevoke ran", n-before)
	}
	w.may <- struct{}{}
	g.set(func(g *group) { g.epoch = 5 })
	f.publish("g", `{"event":"settled","group":"g"}`)
	holds(t, m)
	if f.proofs() == before {
		t.Fatal("the revocation was never acknowledged")
	}
	w.notTold(t, "again")
}

// Who joins revokes the indexes of all, but not the leadership.
func TestA3_WhatIsStillHeldIsNotStopped(t *testing.T) {
	g, w := settled(), newWorker()
	f := startFake(t, g.answer)
	defer close(w.may)
	s, m := joinAnd(t, new(clocks), w.stop, f.addr)
	holds(t, m)
	f.await("SUBSCRIBE caucus:g:g", 1)
	f.revoke(g, "m1")
	w.awaitTold(t)
	if h := m.Holding(); !h.Leads || h.Term != 4 || h.Assigned || h.Left <= 0 || h.Promise != 10*time.Second {
		t.Errorf("while the index is stopped, what is held is %+v", h)
	}
	w.may <- struct{}{}
	g.set(func(g *group) { g.epoch = 5 })
	f.publish("g", `{"event":"settled","group":"g"}`)
	holds(t, m)
	reads := f.count("GROUP LEADER")
	g.set(func(g *group) { g.version++ }) // in some other group of the session
	s.Nudge()
	f.await("GROUP LEADER", reads+2)
	holds(t, m)
	until(t, m, func() bool { _, leads := m.IsLeader(); return leads })
	w.notTold(t, "though nothing of the member's was revoked")
}

func TestA3_OnRevokeOutlivesTheConnection(t *testing.T) {
	g, w := settled(), newWorker()
	f := startFake(t, g.answer)
	defer close(w.may)
	s, m := joinAnd(t, new(clocks), w.stop, f.addr)
	holds(t, m)
	f.await("SUBSCRIBE caucus:g:g", 1)
	f.revoke(g, "m2")
	w.awaitTold(t)
	before := f.proofs()
	f.cut()
	f.await("SESSION RESUME "+s.ID(), 1) // which proves nothing, and without which the session ends
	f.await(vouched, 1)
	if n := f.proofs(); n != before {
		t.Fatalf("%d commands acknowledged after the session had moved", n-before)
	}
	w.may <- struct{}{}
	g.set(func(g *group) { g.epoch = 5 })
	f.publish("g", `{"event":"settled","group":"g"}`)
	holds(t, m)
}

func TestA3_LeavingAndClosingWaitForOnRevoke(t *testing.T) {
	for what, end := range map[string]func(*client.Session, *client.Member) error{
		"GROUP LEAVE g": func(_ *client.Session, m *client.Member) error { return m.Leave(context.Background()) },
		"SESSION CLOSE": func(s *client.Session, _ *client.Member) error { return s.Close() },
	} {
		g, w := settled(), newWorker()
		f := startFake(t, g.answer)
		defer close(w.may)
		s, m := joinAnd(t, new(clocks), w.stop, f.addr)
		holds(t, m)
		ended := make(chan error)
		go func() { ended <- end(s, m) }()
		w.awaitTold(t)
		if f.count(what) > 0 {
			t.Errorf("%s was sent before OnRevoke had returned", what)
		}
		w.may <- struct{}{}
		if err := <-ended; err != nil || f.count(what) != 1 {
			t.Errorf("%s came %d times, %v", what, f.count(what), err)
		}
	}
}

func TestA2_OnRevokeIsCalledWhenTheBeliefEndsByTheClock(t *testing.T) {
	g, w, clock := settled(), newWorker(), new(clocks)
	f := startFake(t, g.answer)
	defer close(w.may)
	s, m := joinAnd(t, clock, w.stop, f.addr)
	holds(t, m)
	g.set(func(g *group) { g.silent = true })
	clock.advance(10 * time.Second)
	if ctx := w.awaitTold(t); ctx.Err() == nil {
		t.Error("there seems to be time left")
	}
	w.may <- struct{}{}
	g.set(func(g *group) { g.silent = false })
	s.Nudge()
	holds(t, m)
}

func TestOnRevokeIsCalledWhenTheSessionHasEnded(t *testing.T) {
	g, w := settled(), newWorker()
	f := startFake(t, g.answer)
	defer close(w.may)
	s, m := joinAnd(t, new(clocks), w.stop, f.addr)
	holds(t, m)
	g.set(func(g *group) { g.over = true })
	f.cut()
	w.awaitTold(t)
	w.may <- struct{}{}
	<-s.Lost()
}

// An answer that says nothing is asked for again: it is no reason to stop anything.
func TestOnRevokeIsNotCalledForAnAnswerThatCannotBeGiven(t *testing.T) {
	g, w := settled(), newWorker()
	refused := 0
	f := startFake(t, func(l *fakeLine, cmd caucus.Command) *caucus.Reply {
		if refused < 2 && len(cmd) == 5 && cmd[1] == "INDEX" { // aside
			refused++
			return fail(caucus.ErrTryAgain, "no leader")
		}
		return g.answer(l, cmd)
	})
	defer close(w.may)
	s, m := joinAnd(t, new(clocks), w.stop, f.addr)
	holds(t, m)
	g.set(func(g *group) { g.version++ })
	s.Nudge()
	f.await("GROUP INDEX g MEMBER m1", 3)
	holds(t, m)
	w.notTold(t, "though the ensemble could not answer")
}
