package client_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/resp"
)

// ledger is a node that carries out what is numbered, as told: each answer is of one attempt, the last of all
// further ones. An answer of nil cuts the connection.
type ledger struct {
	*group
	mu      sync.Mutex
	queue   bool
	ends    bool // with the first attempt the session ends
	answers []*caucus.Reply
}

func (d *ledger) answer(l *fakeLine, cmd caucus.Command) *caucus.Reply {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch word := strings.ToUpper(cmd[0]); {
	case word == "MULTI":
		d.queue = true
		return reply(caucus.OK())
	case word == "EXEC":
		d.queue = false
		return reply(caucus.Array())
	case word != "ONCE" && d.queue:
		return reply(caucus.Status("QUEUED"))
	case word != "ONCE":
		return d.group.answer(l, cmd)
	}
	d.queue = false
	if d.ends {
		d.set(func(g *group) { g.over = true })
	}
	r := d.answers[0]
	if len(d.answers) > 1 {
		d.answers = d.answers[1:]
	}
	if r == nil {
		_ = l.Close()
	}
	return r
}

// numbers gives what came with a number, and RESUME.
func (f *fake) numbers() (list []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, cmd := range f.came {
		if strings.HasPrefix(cmd, "ONCE") || strings.HasPrefix(cmd, "SESSION RESUME") {
			list = append(list, strings.Join(strings.Fields(cmd)[:2], " "))
		}
	}
	return list
}

func TestA15_AWriteIsSentAgainUnderItsNumberUntilItIsAnswered(t *testing.T) {
	d := &ledger{group: settled(), answers: []*caucus.Reply{nil,
		fail(caucus.ErrUncertain, "the leader was lost"), fail(caucus.ErrTryAgain, "no leader"),
		reply(caucus.Int(7))}}
	f := startFake(t, d.answer)
	s := opened(t, new(clocks), f)
	answers(t, "IncrBy", int64(7))(s.IncrBy(within(t), "n", 7))
	answers(t, "IncrBy", int64(7))(s.IncrBy(within(t), "n", 7))
	want := []string{"ONCE 1", "SESSION RESUME", "ONCE 1", "ONCE 1", "ONCE 1", "ONCE 2"}
	if got := f.numbers(); !slices.Equal(got, want) {
		t.Errorf("what came is %q, want %q", got, want)
	}
}

func TestA15_SoIsATransaction(t *testing.T) {
	done := reply(caucus.Array(caucus.OK(), caucus.Int(1), caucus.Bulk("1")))
	d := &ledger{group: settled(), answers: []*caucus.Reply{nil, done}}
	f := startFake(t, d.answer)
	s := opened(t, new(clocks), f)
	r, err := s.Transact(within(t), []caucus.Command{{"INCR", "n"}, {"GET", "n"}}, client.GuardTerm("g", 4))
	if err != nil || len(r) != 2 || r[0].Int != 1 || r[1].Text() != "1" {
		t.Fatalf("%v, %v", r, err)
	}
	f.mu.Lock()
	came := strings.Join(f.came, "|")
	f.mu.Unlock()
	const whole = "|MULTI|GUARD g TERM 4|INCR n|GET n|ONCE 1 EXEC|"
	if n := strings.Count(came+"|", whole); n != 2 {
		t.Errorf("it came %d times whole: %q", n, came)
	}
	if n := strings.Count(came, "MULTI|EXEC|MULTI|GUARD"); n != 2 {
		t.Errorf("on %d connections MULTI was tried before", n)
	}
	d.set(func(*group) { d.answers = []*caucus.Reply{reply(caucus.NilArray())} })
	if _, err := s.Transact(within(t), []caucus.Command{{"INCR", "n"}}); !errors.Is(err, client.ErrFenced) {
		t.Errorf("a transaction that came to nothing: %v", err)
	}
	before := len(f.numbers())
	_, err = s.Transact(within(t), []caucus.Command{{"GET", "n"}})
	if err != nil || len(f.numbers()) != before {
		t.Errorf("one that only reads: %v, and %q", err, f.numbers()[before:])
	}
}

// What may have been applied is said to be, whatever became of later attempts; else it was not.
func TestWritesWithoutAnAnswer(t *testing.T) {
	no := fail(caucus.ErrTryAgain, "no leader")
	for name, c := range map[string]struct {
		answers   []*caucus.Reply
		over      bool // the session has ended meanwhile
		uncertain bool
	}{
		"lost, then refused":      {answers: []*caucus.Reply{nil, no}, uncertain: true},
		"uncertain, then refused": {answers: []*caucus.Reply{fail(caucus.ErrUncertain, "?"), no}, uncertain: true},
		"lost with its session":   {answers: []*caucus.Reply{nil}, over: true, uncertain: true},
		"refused, then over": {answers: []*caucus.Reply{no, fail(caucus.ErrNoSession, "it has ended")},
			over: true},
	} {
		t.Run(name, func(t *testing.T) {
			d := &ledger{group: settled(), answers: c.answers, ends: c.over}
			f := startFake(t, d.answer)
			s := opened(t, new(clocks), f)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if !c.over {
				go func() { // it is being answered, or not sent again yet
					f.await("ONCE 1", len(c.answers)+1)
					cancel()
				}()
			}
			_, err := s.Do(ctx, caucus.Command{"SET", "k", "v"})
			if errors.Is(err, caucus.ErrUncertain) != c.uncertain ||
				caucus.SafeToRetry(err) != (!c.uncertain && !c.over) || errors.Is(err, caucus.ErrNoSession) != c.over {
				t.Errorf("it ended with %v", err)
			}
		})
	}
}

// A write that was refused, and not sent again before its context ended, was not applied.
func TestWritesThatWereRefused(t *testing.T) {
	d := &ledger{group: settled()}
	var f *fake
	var deaf atomic.Bool
	f = startFake(t, func(l *fakeLine, cmd caucus.Command) *caucus.Reply {
		switch {
		case cmd[0] == "ONCE":
			deaf.Store(true)
			_, _ = l.Write(resp.Append(nil, 3, *fail(caucus.ErrTryAgain, "no leader")))
			_ = l.Close()
			return nil
		case deaf.Load() && cmd[0] == "HELLO":
			l.mute = true
		}
		return d.answer(l, cmd)
	})
	s := opened(t, new(clocks), f)
	f.await("HELLO", 2)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		f.await("HELLO", 3) // the session is to be resumed, since the answer was taken
		cancel()
	}()
	err := s.Set(ctx, "k", "v")
	if !caucus.SafeToRetry(err) || errors.Is(err, caucus.ErrUncertain) || !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
}

// What is answered as its context ends has an outcome that is known, and leaves a connection that is of use.
func TestAnAnswerUnderWayIsWaitedFor(t *testing.T) {
	d := &ledger{group: settled(), answers: []*caucus.Reply{reply(caucus.OK())}}
	ctx, cancel := context.WithCancel(t.Context())
	f := startFake(t, func(l *fakeLine, cmd caucus.Command) *caucus.Reply {
		if cmd[0] == "ONCE" {
			cancel()
		}
		return d.answer(l, cmd)
	})
	s := opened(t, new(clocks), f)
	if err := s.Set(ctx, "k", "v"); err != nil || f.count("SESSION RESUME") > 0 {
		t.Errorf("%v; %q came", err, f.numbers())
	}
}

// Who waits for the turn to write does so for as long as its context says.
func TestWritesOfASessionTakeTurns(t *testing.T) {
	d := &ledger{group: settled(), answers: []*caucus.Reply{fail(caucus.ErrTryAgain, "no leader")}}
	f := startFake(t, d.answer)
	s := opened(t, new(clocks), f)
	first := make(chan error)
	go func() { first <- s.Set(within(t), "k", "v") }()
	f.await("ONCE 1", 1)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Set(ended, "k", "w"); !caucus.SafeToRetry(err) || !errors.Is(err, context.Canceled) {
		t.Errorf("who did not get its turn: %v", err)
	}
	second := make(chan error)
	go func() { second <- s.Set(within(t), "k", "w") }()
	d.mu.Lock()
	d.answers = []*caucus.Reply{reply(caucus.OK())}
	d.mu.Unlock()
	err := errors.Join(<-first, <-second)
	if err != nil || f.count("ONCE 2 SET k w") != 1 || f.count("ONCE 3") > 0 {
		t.Errorf("%v, and %q came", err, f.numbers())
	}
}

func TestSessionsRefuseWhatEndsWhatTheyHold(t *testing.T) {
	d := &ledger{group: settled()}
	f := startFake(t, d.answer)
	s := opened(t, new(clocks), f)
	for _, line := range []string{"GROUP LEAVE g", "group release g 1", "GROUP RESIGN g", "GROUP TRANSFER g m2",
		"GROUP JOIN g", "GROUP SEND g x", "LOCK RELEASE l 1", "SESSION CLOSE", "SESSION KEEPALIVE",
		"ONCE 7 SET k v", "MULTI", "WATCH k", "SUBSCRIBE c", "", "session close " + s.ID()} {
		cmd := caucus.Command(strings.Fields(line))
		if _, err := s.Do(within(t), cmd); !errors.Is(err, caucus.ErrBad) || f.count(line+" ") > 0 {
			t.Errorf("%q: %v", line, err)
		}
		if _, err := s.Transact(within(t), []caucus.Command{cmd}); !errors.Is(err, caucus.ErrBad) {
			t.Errorf("%q in a transaction: %v", line, err)
		}
	}
	for _, line := range []string{"GROUP INDEX g", "GROUP SLOTS g REVOKING", "GROUP INDEX g MEMBER m1"} {
		if _, err := s.Do(within(t), strings.Fields(line)); err != nil {
			t.Errorf("%q: %v", line, err)
		}
	}
	_ = s.Close()
	if _, err := s.Do(within(t), caucus.Command{"SET", "k", "v"}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a write after Close: %v", err)
	}
	if _, err := s.Do(within(t), caucus.Command{"GET", "k"}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a read after Close: %v", err)
	}
}

// What the nodes' program has added is numbered if it writes; the nodes say so, once.
func TestCommandsThatTheTableLacks(t *testing.T) {
	d := &ledger{group: settled(), answers: []*caucus.Reply{reply(caucus.Int(5))}}
	f := startFake(t, func(l *fakeLine, cmd caucus.Command) *caucus.Reply {
		switch cmd[0] {
		case "COMMAND":
			flag, name := caucus.Status("write"), caucus.Bulk(cmd[2])
			if cmd[2] == "peek" {
				flag = caucus.Status("readonly")
			}
			return reply(caucus.Array(caucus.Array(name, caucus.Int(2), caucus.Array(flag))))
		case "Peek":
			return reply(caucus.Int(6))
		}
		return d.answer(l, cmd)
	})
	s := opened(t, new(clocks), f)
	for range 2 {
		for name, want := range map[string]int64{"Poke": 5, "Peek": 6} {
			if r, err := s.Do(within(t), caucus.Command{name, "k"}); err != nil || r.Int != want {
				t.Errorf("%s: %v, %v", name, r, err)
			}
		}
	}
	if asked, poked := f.count("COMMAND INFO"), f.count("ONCE 2 Poke k"); asked != 2 || poked != 1 {
		t.Errorf("it was asked %d times; %q", asked, f.numbers())
	}
}

// A node that begins to serve in the middle of a transaction would carry out its end one by one.
func TestNothingFollowsAMultiThatWasRefused(t *testing.T) {
	var refused atomic.Bool
	f := startFake(t, func(_ *fakeLine, cmd caucus.Command) *caucus.Reply {
		if cmd[0] == "MULTI" && refused.CompareAndSwap(false, true) {
			return fail(caucus.ErrLoading, "this node reads its log")
		}
		if cmd[0] == "EXEC" {
			return reply(caucus.Array(caucus.Int(1)))
		}
		return nil
	})
	c := dial(t, client.Config{Addrs: []string{f.addr}, Once: true})
	_, err := c.Transact(within(t), []caucus.Command{{"INCR", "n"}})
	if !caucus.SafeToRetry(err) || f.count("INCR") > 0 {
		t.Errorf("%v, and INCR came %d times", err, f.count("INCR"))
	}
}

// A client's transaction goes the way of its writes: what was refused is tried again, what was lost is not.
func TestTransactionsOfAClient(t *testing.T) {
	var lose atomic.Bool
	var execs atomic.Int32
	f := startFake(t, func(l *fakeLine, cmd caucus.Command) *caucus.Reply {
		switch cmd[0] {
		case "MULTI", "INCR", "GET":
			return reply(caucus.OK())
		case "EXEC":
			switch {
			case execs.Add(1) == 2:
				return fail(caucus.ErrTryAgain, "no leader")
			case lose.CompareAndSwap(true, false):
				_ = l.Close()
				return nil
			}
			return reply(caucus.Array(caucus.Int(1)))
		}
		return nil
	})
	c := dial(t, client.Config{Addrs: []string{f.addr}})
	if r, err := c.Transact(within(t), []caucus.Command{{"INCR", "n"}}); err != nil || r[0].Int != 1 {
		t.Errorf("refused once: %v, %v", r, err)
	}
	lose.Store(true)
	if _, err := c.Transact(within(t), []caucus.Command{{"INCR", "n"}}); !errors.Is(err, caucus.ErrUncertain) {
		t.Errorf("lost: %v", err)
	}
	lose.Store(true)
	if r, err := c.Transact(within(t), []caucus.Command{{"GET", "n"}}); err != nil || r[0].Int != 1 {
		t.Errorf("one that only reads, lost: %v, %v", r, err)
	}
}
