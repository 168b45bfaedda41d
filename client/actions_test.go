package client_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
)

// ahead is the ensemble's clock before the clocks of the test, in microseconds.
const ahead = 1_700_000_000_000_000

// agreed is a group that has agreed on actions, and what a member of it did about them.
type agreed struct {
	*group
	clock *clocks
	polls []caucus.Reply // as VOTE LIST tells them
	busy  bool           // VOTE LIST is answered TRYAGAIN
	stuck bool           // LEAVE is not answered

	s      *client.Session
	m      *client.Member
	fired  chan string // topics, with * for one that was fired before its time
	missed chan error
}

func (g *agreed) answer(l *fakeLine, cmd caucus.Command) *caucus.Reply {
	switch {
	case cmd[0] == "VOTE":
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.busy {
			return fail(caucus.ErrTryAgain, "nobody leads")
		}
		return reply(caucus.Array(g.polls...))
	case g.stuck && len(cmd) > 1 && cmd[1] == "LEAVE":
		return nil
	case len(cmd) == 2 && cmd[1] == "KEEPALIVE" && !g.ended():
		return reply(caucus.Array(caucus.Int(300), caucus.Int(ahead+g.clock.read().Boot), caucus.Int(1)))
	}
	return g.group.answer(l, cmd)
}

func (g *agreed) ended() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.over
}

// poll is one of VOTE LIST, about an action at a time of the clocks; 0 for none.
func poll(id int64, state string, at time.Duration) caucus.Reply {
	when := caucus.Nil()
	if at != 0 {
		when = caucus.Int(unix(at))
	}
	return caucus.Map(caucus.Bulk("poll"), caucus.Int(id),
		caucus.Bulk("topic"), caucus.Bulk(fmt.Sprint("t", id)),
		caucus.Bulk("state"), caucus.Bulk(state), caucus.Bulk("at"), when)
}

func unix(at time.Duration) int64 { return (ahead + at.Microseconds()) / 1000 }

// act is a member of such a group.
func act(t *testing.T, g *agreed) *fake {
	t.Helper()
	g.group, g.clock = settled(), &clocks{now: 1000}
	g.fired, g.missed = make(chan string, 9), make(chan error, 9)
	f := startFake(t, g.answer)
	c := dial(t, client.Config{Addrs: []string{f.addr}}.WithClock(g.clock.read))
	var err error
	if g.s, err = c.Session(within(t), client.SessionOptions{TTL: time.Second}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.s.Close() })
	var begun sync.WaitGroup
	begun.Add(1)
	g.m, err = g.s.Join(within(t), "g", client.JoinOptions{
		OnAction: func(a client.Action) {
			begun.Wait()
			early := ""
			if now, _, _ := g.s.Now(); now.Before(a.At) {
				early = "*"
			}
			g.fired <- a.Topic + early
		},
		OnMissed: func(a client.Action, why error) { g.missed <- fmt.Errorf("%s: %w", a.Topic, why) },
	})
	if err != nil {
		t.Fatal(err)
	}
	begun.Done()
	f.await("VOTE LIST g", 1)
	return f
}

// next gives the next that is told.
func next[T any](t *testing.T, told chan T) T {
	t.Helper()
	select {
	case v := <-told:
		return v
	case <-time.After(20 * time.Second):
		t.Fatal("nothing more is told")
	}
	return *new(T)
}

func (g *agreed) result(f *fake, id int64, outcome string, at time.Duration) {
	f.publish("g", fmt.Sprintf(`{"event":"result","poll":%d,"topic":"t%d","outcome":%q,"at":%d}`,
		id, id, outcome, unix(at)))
}

// What was agreed on is fired at its time by the member's own clock, once, whether it was heard or read;
// nothing else is.
func TestB15_ActionsAreFiredByTheMembersClock(t *testing.T) {
	g := &agreed{polls: []caucus.Reply{
		poll(1, "yes", 0), poll(2, "yes", time.Second), poll(3, "no", time.Second),
		poll(4, "open", time.Second), poll(5, "yes", -time.Second),
		poll(9, "yes", time.Millisecond)}}
	f := act(t, g)
	next(t, g.fired) // so everything of before was read
	g.result(f, 12, "yes", 3*time.Second)
	g.result(f, 11, "yes", 2*time.Second)
	g.result(f, 6, "yes", time.Second)
	g.result(f, 6, "yes", time.Second)
	g.result(f, 2, "yes", time.Second)
	g.result(f, 7, "timeout", time.Second)
	g.result(f, 8, "yes", time.Millisecond)
	if got := next(t, g.fired); got != "t8" { // so everything of before was heard
		t.Errorf("%s was fired", got)
	}
	g.clock.advance(time.Second)
	got := map[string]bool{next(t, g.fired): true, next(t, g.fired): true}
	if !got["t2"] || !got["t6"] {
		t.Errorf("%v were fired", got)
	}
	for _, topic := range []string{"t11", "t12"} { // armed before all, so what is told twice is told by then
		g.clock.advance(time.Second)
		if got := next(t, g.fired); got != topic {
			t.Errorf("%s was fired, not %s", got, topic)
		}
	}
	if err := g.s.Close(); err != nil {
		t.Error(err)
	}
	if len(g.fired) > 0 || len(g.missed) > 0 {
		t.Errorf("more was told: %d fired, %d missed", len(g.fired), len(g.missed))
	}
}

// What cannot be fired within the tolerance is said, not done; also what was agreed on while nothing was
// heard.
func TestB15_WhatIsLateIsSaidNotDone(t *testing.T) {
	g := &agreed{polls: []caucus.Reply{poll(9, "yes", time.Millisecond)}}
	f := act(t, g)
	next(t, g.fired) // so everything of before was read
	g.clock.advance(3 * time.Second)
	g.result(f, 1, "yes", 3*time.Second-150*time.Millisecond)
	if why := next(t, g.missed); !strings.HasPrefix(why.Error(), "t1: client: 151") {
		t.Error(why)
	}
	g.set(func(*group) { g.polls = []caucus.Reply{poll(2, "yes", time.Second)} })
	f.cut()
	if why := next(t, g.missed); !strings.HasPrefix(why.Error(), "t2: client: 2") {
		t.Error(why)
	}
	if len(g.fired) > 0 {
		t.Errorf("%s was fired", <-g.fired)
	}
}

// An action whose time came while a new member could not yet read what was agreed on is said to be missed;
// one of before it joined is none of its.
func TestB15_WhatWasDueSinceTheJoinIsSaid(t *testing.T) {
	g := &agreed{busy: true,
		polls: []caucus.Reply{poll(1, "yes", -time.Second), poll(2, "yes", time.Second)}}
	f := act(t, g)
	g.clock.advance(2 * time.Second)
	g.set(func(*group) { g.busy = false })
	if why := next(t, g.missed); !strings.HasPrefix(why.Error(), "t2: client: 1") {
		t.Error(why)
	}
	f.cut()
	f.await("VOTE LIST g", f.count("VOTE LIST g")+1)
	_ = g.s.Close()
	if len(g.fired) > 0 || len(g.missed) > 0 {
		t.Errorf("%d fired, %d missed", len(g.fired), len(g.missed))
	}
}

// Who has called Leave does nothing for the group any more, also when it is not told that it has left.
func TestB15_WhoLeavesFiresNothing(t *testing.T) {
	g := &agreed{stuck: true,
		polls: []caucus.Reply{poll(1, "yes", time.Second), poll(2, "yes", time.Millisecond)}}
	f := act(t, g)
	next(t, g.fired)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	left := make(chan error, 1)
	go func() { left <- g.m.Leave(ctx) }()
	f.await("GROUP LEAVE g", 1)
	g.clock.advance(time.Second)
	f.await("GROUP LEAVE g", 2) // longer than it takes to see that the time has come
	cancel()
	<-left
	_ = g.s.Close()
	if len(g.fired) > 0 || len(g.missed) > 0 {
		t.Errorf("%d fired, %d missed", len(g.fired), len(g.missed))
	}
}

// Who loses its session says what it will not do; who leaves has nothing to say.
func TestB15_WhoIsNoMemberAnyMoreDoesNothing(t *testing.T) {
	for name, end := range map[string]func(*agreed) error{
		"leaves": func(g *agreed) error { return g.m.Leave(t.Context()) },
		"closes": func(g *agreed) error { return g.s.Close() },
		"loses": func(g *agreed) error {
			g.set(func(s *group) { s.over = true })
			g.s.Nudge()
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := &agreed{polls: []caucus.Reply{poll(1, "yes", time.Second), poll(2, "yes", time.Millisecond)}}
			act(t, g)
			next(t, g.fired) // it is the second's time already, and the first is known before
			if err := end(g); err != nil {
				t.Fatal(err)
			}
			if name == "loses" {
				if why := next(t, g.missed); !errors.Is(why, caucus.ErrNoSession) {
					t.Error(why)
				}
			}
			g.clock.advance(time.Second)
			_ = g.s.Close() // it waits for whatever goes on
			if len(g.fired) > 0 || len(g.missed) > 0 {
				t.Errorf("%d fired, %d missed", len(g.fired), len(g.missed))
			}
		})
	}
}
