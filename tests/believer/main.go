package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/clocks"
)

// promise is what the sessions ask for: the TTL and the GRACE, so that it is P.
const promise = time.Second

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			silent.Store(lines.Text() == "silent")
		}
	}()
	if err := believe(ctx, os.Args[1:]); err != nil && ctx.Err() == nil {
		fmt.Println("failed:", err)
	}
}

// believe is a member, again and again until ctx ends.
func believe(ctx context.Context, addrs []string) error {
	cl, err := client.Dial(ctx, client.Config{Addrs: addrs, DialContext: dial})
	if err != nil {
		return err
	}
	defer func() { _ = cl.Close() }()
	for ctx.Err() == nil {
		s, err := cl.Session(ctx, client.SessionOptions{TTL: promise, Grace: promise})
		if err != nil {
			continue // it may be silent
		}
		if m, err := s.Join(ctx, "g", client.JoinOptions{Settle: client.Immediately}); err == nil {
			look(ctx, m)
		}
		_ = s.Close() // its session may be over
	}
	return nil
}

// look asks the member whether it leads until it is none any more.
func look(ctx context.Context, m *client.Member) {
	var term uint64
	var from, to int64
	over := func() {
		if term != 0 {
			fmt.Println("led", term, from, to)
		}
	}
	defer func() { over() }()
	for ; m.Err() == nil && ctx.Err() == nil; time.Sleep(time.Millisecond) {
		before := clocks.Machine().Mono
		now, ok := m.IsLeader()
		if !ok {
			now = 0
		}
		if now != term {
			over()
			if term, from = now, clocks.Machine().Mono; term != 0 {
				fmt.Println("leads", term)
			}
		}
		to = before
	}
}

// silent says that connections carry nothing.
var silent atomic.Bool

func dial(ctx context.Context, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	return tied{conn}, err
}

// tied is a connection that may fall silent.
type tied struct{ net.Conn }

// Write implements net.Conn.
func (c tied) Write(b []byte) (int, error) {
	if silent.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// Read implements net.Conn.
func (c tied) Read(b []byte) (n int, err error) {
	for n == 0 && err == nil {
		if n, err = c.Conn.Read(b); silent.Load() {
			n = 0
		}
	}
	return n, err
}
