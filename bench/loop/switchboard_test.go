package loop

import (
	"bufio"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/resp"
	"golang.org/x/sys/unix"
)

// serve answers as a function says, over each connection, what its requests ask. Where there is no
// answer the connection is closed.
func serve(t *testing.T, answer func(n int, words []string) string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go speak(conn, answer)
		}
	}()
	return l.Addr().String()
}

func speak(conn net.Conn, answer func(n int, words []string) string) {
	defer conn.Close()
	in := resp.NewReplyReader(bufio.NewReader(conn), resp.Limits{}) // a command reads like a reply
	for n := 0; ; n++ {
		request, err := in.Read()
		if err != nil {
			return
		}
		var words []string
		for _, item := range request.Items {
			words = append(words, item.Text())
		}
		text := answer(n, words)
		if text == "" {
			return
		}
		for _, piece := range strings.SplitAfter(text, "|") { // each is sent by itself
			if _, err := io.WriteString(conn, strings.TrimSuffix(piece, "|")); err != nil {
				return
			}
		}
	}
}

func runFor(t *testing.T, addr string, n, depth int, read bool, long time.Duration) (Report, error) {
	t.Helper()
	s, err := RESP([]string{addr}, n, depth, read)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Run(t.Context(), long); err != nil {
		return Report{}, err
	}
	return s.Run(t.Context(), long)
}

func TestASwitchboardServesEveryConnection(t *testing.T) {
	set := func(_ int, words []string) string {
		if len(words) != 3 || words[0] != "SET" || len(words[1]) != len(keys[0]) || words[2] != Value {
			return "-ERR not what was meant\r\n"
		}
		return "+O|K\r\n"
	}
	get := func(_ int, words []string) string {
		if len(words) != 2 || words[0] != "GET" || len(words[1]) != len(keys[0]) {
			return "-ERR not what was meant\r\n"
		}
		return "$64\r\n" + Value[:10] + "|" + Value[10:] + "\r|\n"
	}
	for depth := 1; depth < 60; depth += 49 {
		for _, read := range []bool{false, true} {
			answer := set
			if read {
				answer = get
			}
			r, err := runFor(t, serve(t, answer), 7, depth, read, 20*time.Millisecond)
			if err != nil || r.Operations < uint64(7*depth) || r.Least < uint64(depth) || r.Most < r.Least ||
				r.Operations < r.Least*6+r.Most || r.Operations%uint64(depth) != 0 || r.Latency(50) <= 0 {
				t.Errorf("depth %d, read %v: %+v, %v", depth, read, r, err)
			}
		}
	}
}

// What is not the right answer ends the run, at whatever place it stands, and is told.
func TestASwitchboardAcceptsOnlyRightAnswers(t *testing.T) {
	const ok, value = "+OK\r\n", "$64\r\n"
	for name, c := range map[string]struct {
		read bool
		last string // the third answer of four
		says string
	}{
		"refused":        {false, "-ERR no\r\n", "ERR no"},
		"something else": {false, "+NO\r\n", "+NO"},
		"too much":       {false, ok + ok, "answered with"},
		"gone":           {false, "", "unexpected EOF"},
		"nothing there":  {true, "$-1\r\n", "$-1"},
		"shorter":        {true, "$3\r\nabc\r\n", "abc"},
		"another value":  {true, value + strings.Repeat("x", 64) + "\r\n", "xxx"},
	} {
		addr := serve(t, func(n int, _ []string) string {
			switch {
			case n == 2:
				return c.last
			case c.read:
				return value + Value + "\r\n"
			}
			return ok
		})
		_, err := runFor(t, addr, 1, 4, c.read, time.Hour)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, not with %q", name, err, c.says)
		}
	}
}

func TestASwitchboardDoesNotWaitForEver(t *testing.T) {
	held := make(chan struct{})
	defer close(held)
	addr := serve(t, func(int, []string) string { <-held; return "" })
	s, err := RESP([]string{addr}, 2, 1, false)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Run(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := s.overdue(time.Now().Add(patience)); err == nil || !strings.Contains(err.Error(), "1 of 2") {
		t.Error(err)
	}
	if err := s.overdue(time.Now()); err != nil {
		t.Error(err)
	}
	if _, err := RESP([]string{"nowhere"}, 1, 1, false); err == nil {
		t.Error("connected to nowhere")
	}
}

// A flight that does not fit into the socket is sent in pieces, as the server takes it.
func TestAFlightMayBeLong(t *testing.T) {
	addr := serve(t, func(int, []string) string { return "+OK\r\n" })
	if r, err := runFor(t, addr, 1, 100_000, false, time.Millisecond); err != nil || r.Operations%100_000 != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// Making the load costs no memory, so that no collector runs on the processors that the servers need.
func TestAFlightAllocatesNothing(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	client, server := &wire{fd: pair[0], sent: time.Now()}, &wire{fd: pair[1]}
	defer unix.Close(client.fd)
	defer unix.Close(server.fd)
	s := &Switchboard{talk: talkOf(50, false), rng: rand.New(rand.NewPCG(1, 1)), in: make([]byte, 10_000),
		latency: newHistogram()}
	answer, until := []byte(s.answer), time.Now().Add(time.Hour)
	n := testing.AllocsPerRun(100, func() {
		if err := errors.Join(server.send(answer), s.hear(client, until)); err != nil {
			t.Fatal(err)
		}
		if n, err := unix.Read(server.fd, s.in); n != len(s.flight) {
			t.Fatal(n, err)
		}
	})
	if n != 0 || client.operations != 101*50 {
		t.Errorf("%v allocations, %d operations", n, client.operations)
	}
}
