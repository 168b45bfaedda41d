package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
)

func TestGreetsWithResp3PasswordAndName(t *testing.T) {
	f := startFake(t, func(*fakeLine, caucus.Command) *caucus.Reply { return nil })
	dial(t, client.Config{Addrs: []string{f.addr}, Password: "sesame"})
	f.mu.Lock()
	defer f.mu.Unlock()
	want := []string{"HELLO 3 AUTH default sesame", "CLIENT SETINFO LIB-NAME caucus-go"}
	if !slices.Equal(f.came[:2], want) {
		t.Fatalf("greeting was %q", f.came)
	}
}

func TestStaleReadsAreAskedForInTheGreeting(t *testing.T) {
	f := startFake(t, func(_ *fakeLine, cmd caucus.Command) *caucus.Reply {
		if cmd[0] == "READONLY" {
			return reply(caucus.OK())
		}
		return nil
	})
	c := dial(t, client.Config{Addrs: []string{f.addr}, Stale: true})
	if f.count("READONLY") == 0 {
		t.Fatalf("greeting was %q", f.came)
	}
	if _, err := c.Session(within(t), client.SessionOptions{}); !errors.Is(err, caucus.ErrBad) {
		t.Fatalf("a session whose reads may be stale: %v", err)
	}
	for _, err := range c.Events(within(t), "g") {
		if !errors.Is(err, caucus.ErrBad) {
			t.Fatalf("events whose reads may be stale: %v", err)
		}
	}
}

func TestWrongPasswordEndsDialAtOnce(t *testing.T) {
	f := startFake(t, func(_ *fakeLine, cmd caucus.Command) *caucus.Reply {
		if cmd[0] == "HELLO" {
			return fail(caucus.ErrWrongPass, "no")
		}
		return nil
	})
	_, err := client.Dial(within(t), client.Config{Addrs: []string{f.addr}})
	if !errors.Is(err, caucus.ErrWrongPass) {
		t.Fatalf("got %v", err)
	}
}

func TestBadConfigIsRefused(t *testing.T) {
	for _, cfg := range []client.Config{
		{}, {Addrs: []string{"nohost"}},
		{Addrs: []string{"h:1"}, Timeout: -1}, {Addrs: []string{"h:1"}, DialTimeout: -1},
	} {
		if _, err := client.Dial(t.Context(), cfg); !errors.Is(err, caucus.ErrBad) {
			t.Errorf("%+v: got %v", cfg, err)
		}
	}
}

func TestTryAgainAndLoadingAreTriedAgain(t *testing.T) {
	var n atomic.Int32
	f := startFake(t, func(_ *fakeLine, cmd caucus.Command) *caucus.Reply {
		if cmd[0] != "SET" {
			return nil
		}
		switch n.Add(1) {
		case 1:
			return fail(caucus.ErrTryAgain, "no leader")
		case 2:
			return fail(caucus.ErrLoading, "starting")
		}
		return reply(caucus.OK())
	})
	c := dial(t, client.Config{Addrs: []string{f.addr}})
	r, err := c.Do(within(t), caucus.Command{"SET", "k", "v"})
	if err != nil || r.Str != "OK" || f.count("SET") != 3 {
		t.Fatalf("got %v, %v after %d tries", r, err, f.count("SET"))
	}
}

func TestTryAgainUntilTheContextEndsIsTryAgain(t *testing.T) {
	f := startFake(t, func(_ *fakeLine, cmd caucus.Command) *caucus.Reply {
		if cmd[0] == "SET" {
			return fail(caucus.ErrTryAgain, "no leader")
		}
		return nil
	})
	c := dial(t, client.Config{Addrs: []string{f.addr}})
	ctx, cancel := context.WithTimeout(within(t), 100*time.Millisecond)
	defer cancel()
	_, err := c.Do(ctx, caucus.Command{"SET", "k", "v"})
	if !errors.Is(err, caucus.ErrTryAgain) && !errors.Is(err, caucus.ErrUncertain) {
		t.Fatalf("got %v", err)
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("%v does not tell that the time was over", err)
	}
}

func TestOtherErrorsAreNotTriedAgain(t *testing.T) {
	f := startFake(t, func(_ *fakeLine, cmd caucus.Command) *caucus.Reply {
		if cmd[0] == "INCR" {
			return fail(caucus.ErrWrongType, "not a number")
		}
		return nil
	})
	c := dial(t, client.Config{Addrs: []string{f.addr}})
	_, err := c.Do(within(t), caucus.Command{"INCR", "k"})
	if !errors.Is(err, caucus.ErrWrongType) || f.count("INCR") != 1 {
		t.Fatalf("got %v after %d tries", err, f.count("INCR"))
	}
}

// cutting closes the connection at the first command of that name and answers later ones.
func cutting(name string) func(*fakeLine, caucus.Command) *caucus.Reply {
	var once atomic.Bool
	return func(l *fakeLine, cmd caucus.Command) *caucus.Reply {
		if cmd[0] != name {
			return nil
		}
		if once.CompareAndSwap(false, true) {
			_ = l.Close()
			return nil
		}
		return reply(caucus.Bulk("v"))
	}
}

func TestWriteOnABrokenConnectionIsUncertainAndSentOnce(t *testing.T) {
	for _, cmd := range []caucus.Command{{"SET", "k", "v"}, {"SHUTDOWN"}, {"PUBLISH", "c", "m"}, {"UNHEARDOF"}} {
		f := startFake(t, cutting(cmd[0]))
		c := dial(t, client.Config{Addrs: []string{f.addr}})
		_, err := c.Do(within(t), cmd)
		if !errors.Is(err, caucus.ErrUncertain) || f.count(cmd[0]) != 1 {
			t.Fatalf("%v: got %v after %d tries", cmd, err, f.count(cmd[0]))
		}
		if _, err := c.Do(within(t), cmd); err != nil {
			t.Fatalf("%v: the next call: %v", cmd, err)
		}
	}
}

func TestReadOnABrokenConnectionIsSentAgain(t *testing.T) {
	f := startFake(t, cutting("GET"))
	c := dial(t, client.Config{Addrs: []string{f.addr}})
	r, err := c.Do(within(t), caucus.Command{"GET", "k"})
	if err != nil || r.Str != "v" || f.count("GET") != 2 {
		t.Fatalf("got %v, %v after %d tries", r, err, f.count("GET"))
	}
}

func TestWriteWithoutAnAnswerInTimeIsUncertain(t *testing.T) {
	f := startFake(t, func(*fakeLine, caucus.Command) *caucus.Reply { return nil })
	c := dial(t, client.Config{Addrs: []string{f.addr}, Timeout: 50 * time.Millisecond})
	if _, err := c.Do(t.Context(), caucus.Command{"SET", "k", "v"}); !errors.Is(err, caucus.ErrUncertain) {
		t.Fatalf("got %v", err)
	}
}

func TestAnotherNodeTakesOver(t *testing.T) {
	echo := func(_ *fakeLine, cmd caucus.Command) *caucus.Reply {
		if cmd[0] == "GET" {
			return reply(caucus.Bulk("v"))
		}
		return nil
	}
	two := startFake(t, echo)
	one := startFake(t, func(l *fakeLine, cmd caucus.Command) *caucus.Reply {
		if cmd[0] == "ENSEMBLE" {
			return reply(caucus.Array(caucus.Map(caucus.Bulk("name"), caucus.Bulk("n2"), caucus.Bulk("addr"),
				caucus.Bulk(two.addr))))
		}
		return echo(l, cmd)
	})
	c := dial(t, client.Config{Addrs: []string{one.addr}})
	one.await("ENSEMBLE NODES", 1)
	if _, err := c.Do(within(t), caucus.Command{"GET", "k"}); err != nil { // its answer follows that of NODES
		t.Fatal(err)
	}
	one.stop()
	if _, err := c.Do(within(t), caucus.Command{"GET", "k"}); err != nil {
		t.Fatal(err)
	}
	if two.count("GET") != 1 {
		t.Fatal("the learnt node was not asked")
	}
}

func TestCallsOfManyAreAnsweredToWhomTheyBelong(t *testing.T) {
	f := startFake(t, func(_ *fakeLine, cmd caucus.Command) *caucus.Reply {
		if cmd[0] == "ECHO" {
			return reply(caucus.Bulk(cmd[1]))
		}
		return nil
	})
	c := dial(t, client.Config{Addrs: []string{f.addr}})
	ctx := within(t)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			for j := range 20 {
				want := fmt.Sprintf("%d.%d", i, j)
				if r, err := c.Do(ctx, caucus.Command{"ECHO", want}); err != nil || r.Str != want {
					t.Errorf("echo of %s: %v, %v", want, r, err)
				}
			}
		})
	}
	all.Wait()
	if n := f.count("HELLO"); n != 1 {
		t.Fatalf("%d connections were made", n)
	}
}

func TestWhatBelongsToOneConnectionIsRefused(t *testing.T) {
	f := startFake(t, func(*fakeLine, caucus.Command) *caucus.Reply { return nil })
	c := dial(t, client.Config{Addrs: []string{f.addr}})
	for _, cmd := range []caucus.Command{
		{}, {"MULTI"}, {"subscribe", "c"}, {"READONLY"},
		{"SESSION", "OPEN"}, {"SESSION", "CLOSE"}, {"GROUP", "JOIN", "g"}, {"BLPOP", "q", "0"},
	} {
		if _, err := c.Do(within(t), cmd); !errors.Is(err, caucus.ErrBad) {
			t.Errorf("%v: got %v", cmd, err)
		}
	}
}

func TestClosedClientFails(t *testing.T) {
	f := startFake(t, func(*fakeLine, caucus.Command) *caucus.Reply { return nil })
	c := dial(t, client.Config{Addrs: []string{f.addr}})
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Do(within(t), caucus.Command{"GET", "k"}); err == nil {
		t.Fatal("a closed client carried out a command")
	}
}

// What a node says when the time of a call is over is its outcome, and not that nobody knows it.
func TestTheNodesAnswerIsWorthMoreThanTheTime(t *testing.T) {
	over := make(chan struct{})
	f := startFake(t, func(_ *fakeLine, cmd caucus.Command) *caucus.Reply {
		if cmd[0] == "SET" || cmd[0] == "GET" {
			<-over
			return fail(caucus.ErrTryAgain, "no leader is known")
		}
		return nil
	})
	c := dial(t, client.Config{Addrs: []string{f.addr}})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	context.AfterFunc(ctx, func() { close(over) })
	read := make(chan error, 1)
	go func() {
		_, err := c.Do(ctx, caucus.Command{"GET", "k"})
		read <- err
	}()
	_, wrote := c.Do(ctx, caucus.Command{"SET", "k", "v"})
	for what, err := range map[string]error{"SET": wrote, "GET": <-read} {
		if !caucus.SafeToRetry(err) || !strings.Contains(err.Error(), "no leader is known") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Why a node did not carry out a call stays known when the time is over while it is tried again.
func TestTheReasonOfAnEarlierAttemptIsTold(t *testing.T) {
	for what, word := range map[string]*caucus.Error{"SET": caucus.ErrUncertain, "GET": caucus.ErrTryAgain} {
		var first atomic.Bool
		f := startFake(t, func(_ *fakeLine, cmd caucus.Command) *caucus.Reply {
			if cmd[0] == what && first.CompareAndSwap(false, true) {
				return fail(caucus.ErrTryAgain, "no leader is known")
			}
			return nil
		})
		c := dial(t, client.Config{Addrs: []string{f.addr}})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			f.await(what, 2)
			cancel()
		}()
		_, err := c.Do(ctx, caucus.Command{what, "k"})
		if !errors.Is(err, word) || !errors.Is(err, context.Canceled) ||
			!strings.Contains(err.Error(), "TRYAGAIN no leader is known") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// late is a context that has not noticed yet that its time is over, as may be for a moment when a
// connection has.
type late struct {
	context.Context
	deadline time.Time
}

func (l late) Deadline() (time.Time, bool) { return l.deadline, true }

// Why no connection could be had stays known when the time is over while another is tried.
func TestTheReasonWhyNobodyGreetsIsTold(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "+nonsense\r\n")
			_ = conn.Close()
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	deadline := time.Now().Add(500 * time.Millisecond)
	_, err = client.Dial(late{ctx, deadline}, client.Config{Addrs: []string{l.Addr().String()}})
	if err == nil || strings.Contains(err.Error(), "i/o timeout") {
		t.Errorf("%v", err)
	}
}

// A write that took a node long to refuse is not sent again into less time than that: its outcome would
// be unknown.
func TestNoWriteIsSentWhoseAnswerCannotCome(t *testing.T) {
	const long = time.Second
	f := startFake(t, func(_ *fakeLine, cmd caucus.Command) *caucus.Reply {
		if cmd[0] == "SET" {
			time.Sleep(long) // the node's own patience
			return fail(caucus.ErrTryAgain, "no leader is known")
		}
		return nil
	})
	c := dial(t, client.Config{Addrs: []string{f.addr}})
	ctx, cancel := context.WithTimeout(t.Context(), long+long/2)
	defer cancel()
	_, err := c.Do(ctx, caucus.Command{"SET", "k", "v"})
	if !caucus.SafeToRetry(err) || f.count("SET") != 1 {
		t.Errorf("%v; SET came %d times", err, f.count("SET"))
	}
}
