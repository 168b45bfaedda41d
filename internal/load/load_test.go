package load_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/load"
	"github.com/caucus-project/caucus/internal/resp"
)

// place is a server that answers with a function and notes what it was asked.
type place struct {
	net.Listener
	answer func(n int, cmd caucus.Command) (reply caucus.Reply, stay bool)

	mu   sync.Mutex
	said []caucus.Command
	most int // commands in one read
	all  sync.WaitGroup
}

func open(t *testing.T, answer func(int, caucus.Command) (caucus.Reply, bool)) *place {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &place{Listener: l, answer: answer}
	p.all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p.all.Go(func() { p.serve(conn) })
		}
	})
	t.Cleanup(func() { l.Close(); p.all.Wait() })
	return p
}

func (p *place) serve(conn net.Conn) {
	defer conn.Close()
	in := resp.NewReader(conn, resp.Limits{})
	for {
		reqs, err := in.ReadBatch()
		if err != nil {
			return
		}
		var out []byte
		for _, req := range reqs {
			reply, stay := p.answer(p.note(req.Args, len(reqs)), req.Args)
			if !stay {
				return
			}
			out = resp.Append(out, 2, reply)
		}
		if _, err := conn.Write(out); err != nil {
			return
		}
	}
}

func (p *place) note(cmd caucus.Command, batch int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said = append(p.said, slices.Clone(cmd))
	p.most = max(p.most, batch)
	return len(p.said)
}

func good(int, caucus.Command) (caucus.Reply, bool) { return caucus.OK(), true }

func run(t *testing.T, cfg load.Config) *load.Report {
	t.Helper()
	r, err := load.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSendsExactlySoManyCommands(t *testing.T) {
	p := open(t, good)
	r := run(t, load.Config{Addresses: []string{p.Addr().String()}, Conns: 3, Depth: 4, Commands: 50})
	if r.Commands != 50 || len(p.said) != 50 || r.Failed() != 0 {
		t.Fatalf("answered %d, sent %d, failed %d", r.Commands, len(p.said), r.Failed())
	}
	if p.most > 4 {
		t.Errorf("a pipeline of %d", p.most)
	}
	if r.Latency(50) <= 0 || r.Latency(50) > r.Latency(100) || r.PerSecond() <= 0 {
		t.Errorf("latency %v to %v, %v per second", r.Latency(50), r.Latency(100), r.PerSecond())
	}
}

func TestMixAndSizes(t *testing.T) {
	p := open(t, good)
	r := run(t, load.Config{Addresses: []string{p.Addr().String()}, Commands: 400, Depth: 10, Reads: 50,
		Keys: 7, KeySize: 20, ValueSize: 33})
	reads, keys := uint64(0), map[string]bool{}
	for _, cmd := range p.said {
		keys[cmd[1]] = true
		switch {
		case len(cmd[1]) != 20:
			t.Fatalf("key %q", cmd[1])
		case cmd[0] == "GET" && len(cmd) == 2:
			reads++
		case cmd[0] != "SET" || len(cmd) != 3 || len(cmd[2]) != 33:
			t.Fatalf("command %q", cmd)
		}
	}
	if reads != r.Reads || reads < 100 || reads > 300 || len(keys) > 7 {
		t.Errorf("%d reads, %d reported; %d keys", reads, r.Reads, len(keys))
	}
}

func TestTheSameSeedSendsTheSame(t *testing.T) {
	var said [2][]caucus.Command
	for i := range said {
		p := open(t, good)
		run(t, load.Config{Addresses: []string{p.Addr().String()}, Commands: 100, Reads: 30, Seed: 5})
		said[i] = p.said
	}
	if !slices.EqualFunc(said[0], said[1], func(a, b caucus.Command) bool { return slices.Equal(a, b) }) {
		t.Error("two runs of one seed differ")
	}
}

func TestErrorsAreCountedByTheirWord(t *testing.T) {
	p := open(t, func(n int, cmd caucus.Command) (caucus.Reply, bool) {
		switch {
		case cmd[0] == "AUTH":
			return caucus.OK(), true
		case n%10 == 0:
			return caucus.Fail(caucus.ErrTryAgain, "not now"), true
		}
		return caucus.OK(), n != 35 // one connection breaks
	})
	r := run(t, load.Config{Addresses: []string{p.Addr().String()}, Commands: 60, Password: "p"})
	if r.Errors["TRYAGAIN"] == 0 || r.Errors[load.Lost] != 1 || r.Commands+r.Failed() != 60 {
		t.Errorf("%d answered, errors %v", r.Commands, r.Errors)
	}
	if !slices.Equal(r.Words(), []string{load.Lost, "TRYAGAIN"}) {
		t.Errorf("words %q", r.Words())
	}
}

func TestANodeThatIsGoneIsPassedBy(t *testing.T) {
	gone, p := open(t, good), open(t, good)
	gone.Close()
	r := run(t, load.Config{Addresses: []string{gone.Addr().String(), p.Addr().String()}, Commands: 20})
	if r.Commands != 20 || r.Errors[load.Dial] == 0 {
		t.Errorf("%d answered, errors %v", r.Commands, r.Errors)
	}
}

func TestTheContextEndsAWait(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	quiet := make(chan struct{})
	p := open(t, func(int, caucus.Command) (caucus.Reply, bool) {
		cancel()
		<-quiet
		return caucus.OK(), false
	})
	r, err := load.Run(ctx, load.Config{Addresses: []string{p.Addr().String()}, Duration: time.Hour,
		Patience: time.Hour})
	close(quiet)
	if err != nil || r.Commands != 0 || r.Errors[load.Lost] != 1 {
		t.Errorf("%v, %+v", err, r)
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	for name, cfg := range map[string]load.Config{
		"nobody":   {Commands: 1},
		"no end":   {Addresses: []string{"x:1"}},
		"negative": {Addresses: []string{"x:1"}, Commands: 1, Conns: -1},
		"mix":      {Addresses: []string{"x:1"}, Commands: 1, Reads: 101},
	} {
		if _, err := load.Run(t.Context(), cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestShapes(t *testing.T) {
	for name, c := range map[string]struct {
		shape load.Shape
		want  []string // the words that are sent, in turn
	}{
		"counters":   {load.Counters, []string{"INCR p-0", "INCR p-0"}},
		"heartbeats": {load.Heartbeats, []string{"SESSION OPEN GRACE 0", "SESSION KEEPALIVE", "SESSION KEEPALIVE"}},
		"churn": {load.Churn, []string{"SESSION OPEN GRACE 0", "GROUP JOIN p-0 SETTLE 0", "GROUP LEAVE p-0",
			"GROUP JOIN p-0 SETTLE 0"}},
	} {
		p := open(t, good)
		sent := uint64(len(c.want))
		if c.shape != load.Counters {
			sent-- // the opening of the session is not counted
		}
		r := run(t, load.Config{Addresses: []string{p.Addr().String()}, Shape: c.shape, Commands: sent, Keys: 1,
			KeySize: 3, Prefix: "p-"})
		var said []string
		for _, cmd := range p.said {
			said = append(said, strings.Join(cmd, " "))
		}
		if !slices.Equal(said, c.want) || r.Commands != sent {
			t.Errorf("%s: sent %q, want %q; %d answered", name, said, c.want, r.Commands)
		}
	}
}

func TestWatchSeesHowItGoesAndBucketsHoldAll(t *testing.T) {
	told := make(chan uint64, 1)
	p := open(t, func(n int, _ caucus.Command) (caucus.Reply, bool) {
		if n == 50 {
			<-told // somebody has been told before it is over
		}
		return caucus.OK(), true
	})
	r := run(t, load.Config{Addresses: []string{p.Addr().String()}, Commands: 100, Every: time.Millisecond,
		Watch: func(r *load.Report) {
			select {
			case told <- r.Commands:
			default:
			}
		}})
	sum, last := uint64(0), time.Duration(0)
	for _, b := range r.Buckets() {
		if b.UpTo <= last {
			t.Errorf("a bucket to %v after one to %v", b.UpTo, last)
		}
		sum, last = sum+b.Count, b.UpTo
	}
	if sum != r.Commands || last < r.Latency(99) {
		t.Errorf("the buckets hold %d of %d and reach to %v", sum, r.Commands, last)
	}
}
