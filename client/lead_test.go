package client_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
)

// office is leader-only work that a test watches.
type office struct {
	t      *testing.T
	begun  chan uint64   // the term of each run
	ended  chan struct{} // one for each context that has ended
	may    chan error    // what a run returns once its context has ended
	quit   chan error    // what a run returns before
	result chan error    // what Lead returned
	resign context.CancelFunc
}

// lead has a member lead until the test is over.
func lead(t *testing.T, m *client.Member) *office {
	t.Helper()
	o := &office{t: t, begun: make(chan uint64, 9), ended: make(chan struct{}, 9), may: make(chan error, 9),
		quit: make(chan error, 9), result: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	o.resign = cancel
	go func() { o.result <- m.Lead(ctx, o.work) }()
	t.Cleanup(func() {
		cancel()
		close(o.may)
	})
	return o
}

func (o *office) work(ctx context.Context, term uint64) error {
	o.begun <- term
	select {
	case err := <-o.quit:
		return err
	case <-ctx.Done():
	}
	o.ended <- struct{}{}
	return <-o.may
}

func await[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-within(t).Done():
		t.Fatalf("%s did not come", what)
		panic("not reached")
	}
}

func (o *office) begins(term uint64) {
	o.t.Helper()
	if got := await(o.t, "the work of the leader", o.begun); got != term {
		o.t.Fatalf("it began under term %d, want %d", got, term)
	}
}

// none says that nothing has come.
func none[T any](t *testing.T, what string, c <-chan T) {
	t.Helper()
	select {
	case <-c:
		t.Fatal(what)
	default:
	}
}

func TestA3_WhatTheLeaderDoesEndsBeforeItsRevocationIsAcknowledged(t *testing.T) {
	g := settled()
	f := startFake(t, g.answer)
	_, m := join(t, new(clocks), f.addr)
	o := lead(t, m)
	o.begins(4)
	f.await("SUBSCRIBE caucus:g:g", 1)
	f.revoke(g, "m2")
	await(t, "the end of its context", o.ended)
	before := f.proofs()
	f.await(vouched, 3) // a whole TTL goes by
	if n := f.proofs(); n != before {
		t.Fatalf("%d commands came on the session's own connection while it ran", n-before)
	}
	o.may <- errors.New("nobody looks at this")
	f.await("SESSION KEEPALIVE", f.count("SESSION KEEPALIVE")+1)
	none(t, "it began anew under somebody else", o.begun)
	g.set(func(g *group) { g.version, g.leader, g.term = g.version+1, "m1", 9 })
	f.publish("g", `{"event":"leader","group":"g"}`)
	o.begins(9)
	none(t, "Lead has returned", o.result)
}

// Who joins revokes the indexes of all: what OnRevoke is for, but nothing of the leader's.
func TestA3_TheLeaderGoesOnWhileTheGroupSettles(t *testing.T) {
	g, w := settled(), newWorker()
	f := startFake(t, g.answer)
	defer close(w.may)
	_, m := joinAnd(t, new(clocks), w.stop, f.addr)
	holds(t, m)
	o := lead(t, m)
	o.begins(4)
	f.await("SUBSCRIBE caucus:g:g", 1)
	f.revoke(g, "m1")
	w.awaitTold(t)
	w.may <- struct{}{}
	g.set(func(g *group) { g.epoch = 5 })
	f.publish("g", `{"event":"settled","group":"g"}`)
	holds(t, m)
	none(t, "its context ended", o.ended)
}

func TestA3_LeavingClosingAndResigningWaitForTheLeader(t *testing.T) {
	ctx := context.Background()
	for what, end := range map[string]func(*client.Session, *client.Member) error{
		"GROUP LEAVE g":         func(_ *client.Session, m *client.Member) error { return m.Leave(ctx) },
		"SESSION CLOSE":         func(s *client.Session, _ *client.Member) error { return s.Close() },
		"ONCE 1 GROUP RESIGN g": func(_ *client.Session, m *client.Member) error { return m.Resign(ctx) },
	} {
		g, w := settled(), newWorker()
		f := startFake(t, g.answer)
		defer close(w.may)
		s, m := joinAnd(t, new(clocks), w.stop, f.addr)
		o := lead(t, m)
		o.begins(4)
		ended := make(chan error)
		go func() { ended <- end(s, m) }()
		await(t, "the end of its context", o.ended)
		none(t, "OnRevoke ran before the work of the leader had ended", w.told)
		o.may <- nil
		w.awaitTold(t)
		if f.count(what) > 0 {
			t.Errorf("%s was sent before OnRevoke had returned", what)
		}
		w.may <- struct{}{}
		if err := <-ended; err != nil || f.count(what) != 1 {
			t.Errorf("%s came %d times, %v", what, f.count(what), err)
		}
		if what == "ONCE 1 GROUP RESIGN g" {
			none(t, "Lead has returned", o.result)
		} else if err := await(t, "the end of Lead", o.result); err == nil {
			t.Errorf("after %s Lead returned nil", what)
		}
	}
}

func TestA2_TheLeadersContextEndsWhenTheBeliefEndsByTheClock(t *testing.T) {
	g, clock := settled(), new(clocks)
	f := startFake(t, g.answer)
	s, m := join(t, clock, f.addr)
	o := lead(t, m)
	o.begins(4)
	g.set(func(g *group) { g.silent = true })
	clock.advance(10 * time.Second)
	await(t, "the end of its context", o.ended)
	o.may <- nil
	g.set(func(g *group) { g.silent = false })
	s.Nudge()
	o.begins(4)
}

// Who is done with leading gives it up, and so does who is asked to stop.
func TestALeaderWhoReturnsGivesTheLeadershipUp(t *testing.T) {
	failure := errors.New("the database is down")
	for _, want := range []error{nil, failure} {
		f := startFake(t, settled().answer)
		_, m := join(t, new(clocks), f.addr)
		o := lead(t, m)
		o.begins(4)
		o.quit <- want
		if err := await(t, "the end of Lead", o.result); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("Lead returned %v, want %v", err, want)
		}
		if _, ok := m.IsLeader(); ok || f.count("ONCE 1 GROUP RESIGN g") != 1 || m.Err() != nil {
			t.Errorf("leads: %v, resigned %d times, %v", ok, f.count("ONCE 1 GROUP RESIGN g"), m.Err())
		}
	}
	f := startFake(t, settled().answer)
	_, m := join(t, new(clocks), f.addr)
	o := lead(t, m)
	o.begins(4)
	o.resign()
	await(t, "the end of its context", o.ended)
	o.may <- failure
	if err := await(t, "the end of Lead", o.result); !errors.Is(err, context.Canceled) {
		t.Errorf("Lead returned %v", err)
	}
	f.await("ONCE 1 GROUP RESIGN g", 1)
}

// Nothing is believed while nobody knows whether the ensemble has heard that the leadership was given up.
func TestA3_AResignationThatMayHaveBeenHeardIsMadeSure(t *testing.T) {
	g := settled()
	f := startFake(t, g.answer)
	s, m := join(t, new(clocks), f.addr)
	until(t, m, func() bool { _, ok := m.IsLeader(); return ok })
	g.set(func(g *group) { g.doubt = true })
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() { failed <- m.Resign(ctx) }()
	f.await("ONCE 1 GROUP RESIGN g", 2)
	cancel()
	if err := await(t, "the end of Resign", failed); !errors.Is(err, caucus.ErrUncertain) {
		t.Fatalf("it ended with %v", err)
	}
	for range 3 {
		f.beat(s)
	}
	if _, ok := m.IsLeader(); ok {
		t.Fatal("the member believes that it leads")
	}
	g.set(func(g *group) { g.doubt = false })
	o := lead(t, m)
	f.await("ONCE 2 GROUP RESIGN g", 1)
	none(t, "it leads under a term that it may have given up", o.begun)
	g.set(func(g *group) { g.leader, g.term = "m1", 11 })
	s.Nudge()
	o.begins(11)
}

func TestOneLeadAtATime(t *testing.T) {
	f := startFake(t, settled().answer)
	s, m := join(t, new(clocks), f.addr)
	o := lead(t, m)
	o.begins(4)
	never := func(context.Context, uint64) error { t.Error("two lead at once"); return nil }
	if err := m.Lead(within(t), never); !errors.Is(err, caucus.ErrConflict) {
		t.Errorf("a second Lead: %v", err)
	}
	o.quit <- nil
	await(t, "the end of Lead", o.result)
	_ = s.Close()
	if err := m.Lead(within(t), never); err == nil {
		t.Error("the member of a session that is over leads")
	}
}

// A panic is the caller's, and nobody waits for who has panicked.
func TestALeadersPanicIsTheCallers(t *testing.T) {
	f := startFake(t, settled().answer)
	_, m := join(t, new(clocks), f.addr)
	func() {
		defer func() {
			if recover() != "oh" {
				t.Error("the panic was lost")
			}
		}()
		_ = m.Lead(within(t), func(context.Context, uint64) error { panic("oh") })
	}()
	if err := m.Leave(within(t)); err != nil {
		t.Error(err)
	}
}
