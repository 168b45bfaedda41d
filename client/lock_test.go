package client_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
)

// door is a lock as a fake has it: m1, which is the session, holds it when leader says so. It has other
// answers to some commands, unless nil.
type door struct {
	*group
	acquire, joins, leaves func() *caucus.Reply
}

func (d *door) answer(l *fakeLine, cmd caucus.Command) *caucus.Reply {
	d.mu.Lock()
	other := map[string]func() *caucus.Reply{"ACQUIRE": d.acquire, "JOIN": d.joins, "LEAVE": d.leaves}
	if say := other[cmd[min(1, len(cmd)-1)]]; say != nil {
		defer d.mu.Unlock()
		return say()
	}
	d.mu.Unlock()
	return d.group.answer(l, cmd)
}

// opened gives a session at a fake node.
func opened(t *testing.T, clock *clocks, f *fake) *client.Session {
	t.Helper()
	c := dial(t, client.Config{Addrs: []string{f.addr}, Timeout: 2 * time.Second}.WithClock(clock.read))
	s, err := c.Session(within(t), client.SessionOptions{TTL: time.Second, Grace: client.Immediately})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// untilHeld waits until a lock is held, or is not.
func untilHeld(t *testing.T, l *client.Lock, want bool) {
	t.Helper()
	ctx := within(t)
	for {
		changed := l.Changed()
		if l.Held() == want {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("Held stayed %v", !want)
		}
	}
}

// The lock is believed in by the session's own clock: who is cut off stops before the ensemble, which counts
// from when it last heard of him, may give it to the next. What stops him runs first.
func TestA3_WhoIsCutOffHoldsNoLockAnyMore(t *testing.T) {
	g, w, clock := settled(), newWorker(), new(clocks)
	f := startFake(t, g.answer)
	defer close(w.may)
	s := opened(t, clock, f)
	l, err := s.Lock(within(t), "door", client.LockOptions{Name: "m1", Metadata: "x", OnRevoke: w.stop})
	if err != nil {
		t.Fatal(err)
	}
	if f.count("GROUP JOIN lock/door AS m1 META x") != 1 || l.Term() != 4 || !l.Held() || l.Err() != nil {
		t.Fatalf("term %d, held %v, %v; sent %q", l.Term(), l.Held(), l.Err(), f.came)
	}
	g.set(func(g *group) { g.silent = true })
	clock.advance(9799 * time.Millisecond)
	if !l.Held() {
		t.Error("it is held no more before 0.98 P")
	}
	clock.advance(time.Millisecond)
	if l.Held() {
		t.Error("it is held at 0.98 P")
	}
	w.awaitTold(t)
	w.may <- struct{}{}
	g.set(func(g *group) { g.silent = false })
	s.Nudge()
	untilHeld(t, l, true) // nobody else was given it
}

// A lock that was given to somebody else and came back is another lock.
func TestALockIsHeldUnderOneTerm(t *testing.T) {
	g := settled()
	f := startFake(t, g.answer)
	s := opened(t, new(clocks), f)
	l, err := s.Lock(within(t), "door", client.LockOptions{})
	if err != nil {
		t.Fatal(err)
	}
	g.set(func(g *group) { g.leader, g.version = "m2", 2 })
	s.Nudge()
	untilHeld(t, l, false)
	changed := l.Changed()
	g.set(func(g *group) { g.leader, g.term, g.version = "m1", 6, 3 })
	s.Nudge()
	<-changed
	if l.Held() || l.Term() != 4 {
		t.Errorf("held %v, term %d", l.Held(), l.Term())
	}
}

// Whoever gives up waiting has left the line, whatever of his asking was answered.
func TestB7_WhoStopsWaitingLeavesTheLine(t *testing.T) {
	tries := 0
	unsure := func() *caucus.Reply {
		if tries++; tries < 3 {
			return fail(caucus.ErrUncertain, "the leader was lost")
		}
		return reply(caucus.Int(1))
	}
	for name, d := range map[string]*door{
		"in line":     {},
		"unanswered":  {joins: func() *caucus.Reply { return nil }},
		"leaves late": {leaves: unsure},
	} {
		t.Run(name, func(t *testing.T) {
			tries = 0
			d.group = settled()
			d.leader = "m2"
			f := startFake(t, d.answer)
			s := opened(t, new(clocks), f)
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				f.await("GROUP JOIN lock/door", 1)
				cancel()
			}()
			if _, err := s.Lock(ctx, "door", client.LockOptions{}); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			d.set(func(g *group) { g.leader, d.joins = "m1", nil })
			if _, err := s.Lock(within(t), "door", client.LockOptions{}); err != nil { // the turn passes behind it
				t.Error(err)
			}
			d.set(func(*group) {
				if n := f.count("GROUP LEAVE lock/door"); n != max(1, tries) {
					t.Errorf("it left %d times", n)
				}
			})
		})
	}
}

func TestTryLock(t *testing.T) {
	answers := []*caucus.Reply{
		reply(caucus.Nil()),
		fail(caucus.ErrBad, "the group is of kind noleader"),
		fail(caucus.ErrUncertain, "the leader was lost"), // who asks again is answered its term
		reply(caucus.Int(4)),
	}
	asked := 0
	d := &door{group: settled(), acquire: func() *caucus.Reply { asked++; return answers[asked-1] }}
	f := startFake(t, d.answer)
	s := opened(t, new(clocks), f)
	try := func(want bool, word error) *client.Lock {
		t.Helper()
		l, ok, err := s.TryLock(within(t), "door", client.LockOptions{Name: "m1"})
		if ok != want || (l != nil) != want || !errors.Is(err, word) {
			t.Fatalf("%v, %v, %v", l, ok, err)
		}
		return l
	}
	try(false, nil)
	try(false, caucus.ErrBad)
	if n := f.count("GROUP"); n != 0 {
		t.Errorf("%d commands beside: %q", n, f.came)
	}
	l := try(true, nil)
	if !l.Held() || f.count("LOCK ACQUIRE door") != 4 {
		t.Errorf("held %v; sent %q", l.Held(), f.came)
	}
	try(false, nil) // this session holds it
	if err := l.Unlock(within(t)); err != nil || f.count("GROUP LEAVE lock/door") != 1 {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if l, ok, err := s.TryLock(t.Context(), "door", client.LockOptions{}); err == nil {
		t.Errorf("%v, %v by a session that is closed", l, ok)
	}
}

// The ensemble knows only the session, so its goroutines wait for each other.
func TestGoroutinesOfASessionHoldALockInTurn(t *testing.T) {
	d := &door{group: settled()}
	d.joins = func() *caucus.Reply {
		d.term++ // as of every new holder
		return reply(caucus.Bulk("m1"))
	}
	f := startFake(t, d.answer)
	s := opened(t, new(clocks), f)
	first, err := s.Lock(within(t), "door", client.LockOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Lock(ctx, "door", client.LockOptions{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	got := make(chan *client.Lock, 2)
	for range 2 {
		go func() {
			l, err := s.Lock(within(t), "door", client.LockOptions{})
			if err != nil {
				t.Error(err)
			}
			got <- l
		}()
	}
	if l, err := s.Lock(within(t), "other", client.LockOptions{}); err != nil || !l.Held() {
		t.Error(err)
	}
	before := f.count("GROUP JOIN lock/door")
	if len(got) > 0 || before != 1 {
		t.Fatalf("%d have it beside the first, after %d joins", len(got), before)
	}
	held := first
	for n := range 2 {
		for range 2 { // the second time changes nothing
			if err := held.Unlock(within(t)); err != nil {
				t.Error(err)
			}
		}
		if held.Held() || held.Err() == nil {
			t.Error("a lock that was given back is held")
		}
		if held = <-got; f.count("GROUP JOIN lock/door") != n+2 || !held.Held() {
			t.Errorf("%q", f.came)
		}
	}
}

// Whoever waits for another goroutine hears of the session's end.
func TestTheEndOfASessionEndsItsWaits(t *testing.T) {
	g := settled()
	f := startFake(t, g.answer)
	s := opened(t, new(clocks), f)
	if _, err := s.Lock(within(t), "door", client.LockOptions{}); err != nil {
		t.Fatal(err)
	}
	g.set(func(g *group) { g.leader = "m2" })
	ended := make(chan error, 2)
	for _, name := range []string{"door", "other"} {
		go func() {
			_, err := s.Lock(within(t), name, client.LockOptions{})
			ended <- err
		}()
	}
	f.await("GROUP JOIN lock/other", 1)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := <-ended; err == nil || !strings.Contains(err.Error(), "closed") {
			t.Error(err)
		}
	}
}

func TestALockIsNotSharedWithAMember(t *testing.T) {
	g := settled()
	f := startFake(t, g.answer)
	s := opened(t, new(clocks), f)
	if _, err := s.Join(within(t), "lock/door", client.JoinOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Lock(within(t), "door", client.LockOptions{}); !errors.Is(err, caucus.ErrConflict) {
		t.Error(err)
	}
	if f.count("GROUP LEAVE") > 0 {
		t.Error("the member was made to leave")
	}
}
