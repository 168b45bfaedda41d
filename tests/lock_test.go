package tests

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/nodetest"
)

// tether is how a client's connections can be made to carry nothing any more, though they stand.
type tether struct{ silent atomic.Bool }

type tied struct {
	net.Conn
	t *tether
}

func (t *tether) dial(ctx context.Context, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	return tied{conn, t}, err
}

func (c tied) Write(b []byte) (int, error) {
	if c.t.silent.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func (c tied) Read(b []byte) (n int, err error) {
	for n == 0 && err == nil {
		if n, err = c.Conn.Read(b); c.t.silent.Load() {
			n = 0
		}
	}
	return n, err
}

// visit opens a session on one node, which goes on on the others.
func visit(t *testing.T, c *nodetest.Cluster, i int, opts client.SessionOptions) (*client.Session, *tether) {
	t.Helper()
	tied := new(tether)
	addrs := c.Addrs()
	cl, err := client.Dial(t.Context(), client.Config{Addrs: slices.Concat(addrs[i:], addrs[:i]),
		DialContext: tied.dial})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cl.Close() })
	s, err := cl.Session(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, tied
}

// inLine waits until so many stand in the line of lock l, its holder included.
func inLine(t *testing.T, c *nodetest.Cluster, n int) {
	t.Helper()
	nodetest.Eventually(t, "so many are in line", func() bool {
		members, err := nodetest.Ask(c.Addr(0), "GROUP", "MEMBERS", "lock/l")
		return err == nil && len(members.Items) == n
	})
}

// A lock goes from session to session in the order in which they asked, through the loss of the node where
// one waits, and of its holder, who stops believing in it before. Who gives up waiting has left no trace.
func TestB7_ProgramsHoldALockInTurn(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	var sessions []*client.Session
	var first *tether
	got := make([]chan *client.Lock, 4)
	patience, giveUp := context.WithCancel(t.Context())
	for i := range got {
		s, tied := visit(t, c, i%c.Size(), client.SessionOptions{TTL: 2 * time.Second})
		sessions = append(sessions, s)
		if got[i] = make(chan *client.Lock, 1); i == 0 {
			first = tied
		}
		go func() {
			ctx := t.Context()
			if i == 2 {
				ctx = patience
			}
			l, err := s.Lock(ctx, "l", client.LockOptions{})
			if err != nil && (i != 2 || !errors.Is(err, context.Canceled)) {
				t.Error(i, err)
			}
			got[i] <- l
		}()
		inLine(t, c, i+1)
	}
	held := <-got[0]
	if _, ok, err := sessions[1].TryLock(t.Context(), "l", client.LockOptions{}); ok || err != nil {
		t.Error(ok, err)
	}
	giveUp()
	<-got[2]
	inLine(t, c, 3)

	c.Kill(1)
	inLine(t, c, 3)
	first.silent.Store(true)
	next := <-got[1]
	if held.Held() || !next.Held() || next.Term() <= held.Term() || len(got[3]) > 0 {
		t.Fatalf("the first holds it: %v, the second: %v, terms %d and %d, %d have it besides",
			held.Held(), next.Held(), held.Term(), next.Term(), len(got[3]))
	}
	inLine(t, c, 2)
	if err := next.Unlock(t.Context()); err != nil {
		t.Fatal(err)
	}
	last := <-got[3]
	if next.Held() || !last.Held() || last.Term() <= next.Term() {
		t.Errorf("terms %d and %d", next.Term(), last.Term())
	}
	if l, ok, err := sessions[2].TryLock(t.Context(), "l", client.LockOptions{}); ok || err != nil {
		t.Error(l, err)
	}
	if err := last.Unlock(t.Context()); err != nil {
		t.Fatal(err)
	}
	l, ok, err := sessions[2].TryLock(t.Context(), "l", client.LockOptions{})
	if !ok || err != nil || !l.Held() {
		t.Error(ok, err)
	}
}
