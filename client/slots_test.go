package client_test

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
)

// answerSlots is an answer to GROUP SLOTS; nil is of a member that never had any.
func answerSlots(list []int) caucus.Reply {
	items, epoch := []caucus.Reply{}, int64(7)
	for _, n := range list {
		items = append(items, caucus.Int(int64(n)))
	}
	if list == nil {
		epoch = 0
	}
	return caucus.Array(caucus.Array(items...), caucus.Int(epoch))
}

// release is what the ensemble does with slots that are released.
func (g *group) release(args []string) caucus.Reply {
	released := func(n int) bool { return slices.Contains(args, strconv.Itoa(n)) }
	before := len(g.slots)
	g.slots, g.asked = slices.DeleteFunc(g.slots, released), slices.DeleteFunc(g.asked, released)
	return caucus.Int(int64(before - len(g.slots)))
}

// shared is a settled group in which m1 holds four slots.
func shared() *group {
	g := settled()
	g.slots = []int{0, 1, 2, 3}
	return g
}

// told is one call of OnRelease, which returns when it is done.
type told struct {
	ctx   context.Context
	slots []int
	done  chan struct{}
}

// shareAnd joins with an OnRelease that hands its calls out.
func shareAnd(t *testing.T, clock *clocks, addr string) (*client.Session, *client.Member, chan told) {
	t.Helper()
	calls := make(chan told, 10)
	c := dial(t, client.Config{Addrs: []string{addr}}.WithClock(clock.read))
	s, err := c.Session(within(t), client.SessionOptions{TTL: time.Second, Grace: client.Immediately})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	stop := func(ctx context.Context, slots []int) {
		call := told{ctx, slots, make(chan struct{})}
		calls <- call
		select {
		case <-call.done:
		case <-t.Context().Done(): // the test is over; closing the session calls it for what is left
		}
	}
	m, err := s.Join(within(t), "g", client.JoinOptions{Name: "m1", OnRelease: stop})
	if err != nil {
		t.Fatal(err)
	}
	return s, m, calls
}

func awaitCall(t *testing.T, calls chan told) told {
	t.Helper()
	select {
	case call := <-calls:
		return call
	case <-within(t).Done():
		t.Fatal("OnRelease was not called")
		return told{}
	}
}

func untilSlots(t *testing.T, m *client.Member, want ...int) {
	t.Helper()
	until(t, m, func() bool {
		slots, _ := m.Slots()
		return slices.Equal(slots, want)
	})
}

// ask lets the ensemble ask m1 for slots.
func (f *fake) ask(g *group, slots ...int) {
	g.set(func(g *group) { g.asked = slots })
	f.publish("g", `{"event":"slots","group":"g","member":"m1"}`)
}

// beat has a session send a heartbeat, or awaits one that is under way.
func (f *fake) beat(s *client.Session) {
	f.t.Helper()
	before := f.count("SESSION KEEPALIVE")
	s.Nudge()
	f.await("SESSION KEEPALIVE", before+1)
}

// taught returns when a session has taken an answer that was given after the call about the slots of g.
func (f *fake) taught(s *client.Session) {
	f.t.Helper()
	for before := f.count("GROUP SLOTS g REVOKING"); f.count("GROUP SLOTS g REVOKING") == before; {
		f.beat(s)
	}
	f.beat(s) // which may be of the same pipeline
	f.beat(s)
}

func TestA17_SlotsGoOnWhileTheGroupSettles(t *testing.T) {
	g := shared()
	f := startFake(t, g.answer)
	_, m := join(t, new(clocks), f.addr)
	holds(t, m)
	untilSlots(t, m, 0, 1, 2, 3)
	f.await("SUBSCRIBE caucus:g:g", 1)
	f.revoke(g, "m1")
	until(t, m, func() bool {
		if slots, epoch := m.Slots(); len(slots) != 4 || epoch != 7 {
			t.Fatalf("slots are %v, epoch %d, while the group settles", slots, epoch)
		}
		_, ok := m.Assignment()
		return !ok
	})
	if epoch, ok := m.OwnsSlot(3); !ok || epoch != 7 {
		t.Error("slot 3 is not owned")
	}
	if _, ok := m.OwnsSlot(4); ok {
		t.Error("slot 4 is owned")
	}
}

func TestA17_ASlotIsReleasedWhenOnReleaseHasReturned(t *testing.T) {
	g := shared()
	f := startFake(t, g.answer)
	_, m, calls := shareAnd(t, new(clocks), f.addr)
	untilSlots(t, m, 0, 1, 2, 3)
	f.await("SUBSCRIBE caucus:g:g", 1)
	f.ask(g, 2, 3)
	call := awaitCall(t, calls)
	if !slices.Equal(call.slots, []int{2, 3}) {
		t.Errorf("OnRelease was called for %v", call.slots)
	}
	untilSlots(t, m, 0, 1)
	f.publish("g", `{"event":"settled","group":"g"}`)
	f.await("SESSION KEEPALIVE", f.count("SESSION KEEPALIVE")+1) // the session is not held up
	if n := f.count("GROUP RELEASE"); n != 0 || call.ctx.Err() != nil {
		t.Fatalf("%d releases while OnRelease runs, its context: %v", n, call.ctx.Err())
	}
	close(call.done)
	f.await("GROUP RELEASE g 2 3", 1)
	untilSlots(t, m, 0, 1)
	f.ask(g, 0)
	close(awaitCall(t, calls).done)
	f.await("GROUP RELEASE g 0", 1)
	untilSlots(t, m, 1)
}

// What is asked for no more when OnRelease has returned, because who was to get it is gone, is not released:
// it would be nobody's until the group has settled.
func TestA17_WhatIsAskedForNoMoreStays(t *testing.T) {
	g := shared()
	f := startFake(t, g.answer)
	s, m, calls := shareAnd(t, new(clocks), f.addr)
	untilSlots(t, m, 0, 1, 2, 3)
	f.await("SUBSCRIBE caucus:g:g", 1)
	f.ask(g, 1, 2, 3)
	call := awaitCall(t, calls)
	f.ask(g, 2)
	f.taught(s)
	close(call.done)
	untilSlots(t, m, 0, 1, 3)
	f.ask(g, 3)
	call = awaitCall(t, calls)
	untilSlots(t, m, 0, 1)
	f.ask(g)
	f.taught(s)
	close(call.done)
	untilSlots(t, m, 0, 1, 3)
	if n := f.count("GROUP RELEASE"); n != 1 || f.count("GROUP RELEASE g 2") != 1 {
		t.Errorf("%d releases", n)
	}
}

func TestA4_AReleaseOfUnknownOutcomeIsSentAgain(t *testing.T) {
	g := shared()
	g.asked, g.unsure = []int{3}, 3
	f := startFake(t, g.answer)
	_, m := join(t, new(clocks), f.addr)
	m.Slots()
	until(t, m, func() bool {
		if _, ok := m.OwnsSlot(3); ok {
			t.Fatal("a slot is believed in whose release is under way")
		}
		slots, _ := m.Slots()
		return slices.Equal(slots, []int{0, 1, 2}) && f.count("GROUP RELEASE g 3") == 4
	})
}

func TestA2_OnReleaseIsCalledWhenTheSessionMayBeOver(t *testing.T) {
	g, clock := shared(), new(clocks)
	f := startFake(t, g.answer)
	_, m, calls := shareAnd(t, clock, f.addr)
	untilSlots(t, m, 0, 1, 2, 3)
	f.ask(g, 3)
	first := awaitCall(t, calls)
	g.set(func(g *group) { g.silent = true })
	clock.advance(g.promise)
	if slots, _ := m.Slots(); slots != nil {
		t.Errorf("believes in slots %v after its promise", slots)
	}
	select { // it must be done by now with what it was asked for
	case <-first.ctx.Done():
	case <-within(t).Done():
		t.Fatal("OnRelease was not told to hurry")
	}
	close(first.done)
	call := awaitCall(t, calls)
	if !slices.Contains(call.slots, 0) || call.ctx.Err() == nil {
		t.Errorf("called for %v, its context: %v", call.slots, call.ctx.Err())
	}
	close(call.done)
}

func TestA2_SlotsThatComeBackAreNews(t *testing.T) {
	g, clock := shared(), new(clocks)
	f := startFake(t, g.answer)
	s, m := join(t, clock, f.addr)
	for range 20 { // a heartbeat that is under way may bring the news as well
		untilSlots(t, m, 0, 1, 2, 3)
		clock.advance(g.promise)
		if slots, _ := m.Slots(); slots != nil {
			continue // a heartbeat was quicker
		}
		changed := m.Changed()
		s.Nudge()
		select {
		case <-changed:
		case <-within(t).Done():
			t.Fatal("nobody is told")
		}
	}
}

func TestA17_LeavingAndClosingWaitForOnRelease(t *testing.T) {
	for what, leave := range map[string]func(*client.Session, *client.Member) error{
		"GROUP LEAVE":   func(_ *client.Session, m *client.Member) error { return m.Leave(context.Background()) },
		"SESSION CLOSE": func(s *client.Session, _ *client.Member) error { return s.Close() },
	} {
		f := startFake(t, shared().answer)
		s, m, calls := shareAnd(t, new(clocks), f.addr)
		untilSlots(t, m, 0, 1, 2, 3)
		left := make(chan error, 1)
		go func() { left <- leave(s, m) }()
		call := awaitCall(t, calls)
		if slots, _ := m.Slots(); slots != nil || len(call.slots) != 4 || f.count(what) != 0 {
			t.Errorf("%s: slots %v are believed in, OnRelease was called for %v", what, slots, call.slots)
		}
		close(call.done)
		if err := <-left; err != nil || f.count(what) != 1 {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// The next version of a group may be any number. In an ensemble that was made from a dump the first is above
// 2^32.
func TestA17_SlotsGoOnThroughAnyVersionAndAnotherNode(t *testing.T) {
	g := shared()
	f := startFake(t, g.answer)
	_, m, calls := shareAnd(t, new(clocks), f.addr)
	untilSlots(t, m, 0, 1, 2, 3)
	f.await("SUBSCRIBE caucus:g:g", 1)
	g.set(func(g *group) { g.version = 1 << 33 })
	f.publish("g", `{"event":"settling","group":"g"}`)
	f.await("SESSION KEEPALIVE", f.count("SESSION KEEPALIVE")+2)
	f.cut()
	f.await("SESSION RESUME", 1)
	f.await("SESSION KEEPALIVE", f.count("SESSION KEEPALIVE")+2)
	if slots, _ := m.Slots(); len(slots) != 4 || len(calls) != 0 {
		t.Errorf("believes in %v, OnRelease was called %d times", slots, len(calls))
	}
}

// An ensemble that was made anew of one survivor has forgotten who held what: nobody may act for a slot any
// more when the first heartbeat comes to it (B4).
func TestB4_SlotsEndWhenTheEnsembleIsMadeAnew(t *testing.T) {
	g := shared()
	f := startFake(t, g.answer)
	_, m, calls := shareAnd(t, new(clocks), f.addr)
	untilSlots(t, m, 0, 1, 2, 3)
	f.ask(g, 3)
	asked := awaitCall(t, calls)
	g.set(func(g *group) { g.ensemble, g.slots, g.asked = "e2", []int{1}, nil })
	f.cut()
	<-asked.ctx.Done() // it cannot take its time any more
	beats := f.count("SESSION KEEPALIVE")
	close(asked.done)
	call := awaitCall(t, calls)
	if slots, _ := m.Slots(); slots != nil || !slices.Equal(call.slots, []int{0, 1, 2}) {
		t.Errorf("believes in %v, OnRelease was called for %v", slots, call.slots)
	}
	if n := f.count("SESSION KEEPALIVE"); n != beats {
		t.Errorf("%d heartbeats came while OnRelease ran", n-beats)
	}
	close(call.done)
	untilSlots(t, m, 1)
}

// Who does not work by slots is given some all the same, and releases them when they are asked for: also when
// it heard nothing of either.
func TestA17_WhoAsksForNoSlotsKeepsNone(t *testing.T) {
	g := settled()
	f := startFake(t, g.answer)
	_, m := join(t, new(clocks), f.addr)
	holds(t, m)
	f.await("SUBSCRIBE caucus:g:g", 1)
	f.await("GROUP SLOTS g", 1)
	g.set(func(g *group) { g.slots = []int{0, 1} })
	f.ask(g, 1)
	f.await("GROUP RELEASE g 1", 1)
	g.set(func(g *group) { g.asked = []int{0} })
	f.cut()
	f.await("GROUP RELEASE g 0", 1)
}

// Where there are no slots, heartbeats do not ask for them again and again.
func TestSlotsAreNotAskedForWhereThereAreNone(t *testing.T) {
	g := settled()
	f := startFake(t, g.answer)
	s, m := join(t, new(clocks), f.addr)
	holds(t, m)
	for range 60 {
		f.beat(s)
		if f.count("GROUP INDEX g") > f.count("GROUP SLOTS g REVOKING")+5 {
			return
		}
	}
	t.Error("whoever reads anything asks for slots")
}
