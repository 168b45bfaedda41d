package peer_test

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/caucus-project/caucus/internal/peer"
)

// tapped keeps all that comes over the connections that it accepts.
type tapped struct {
	net.Listener
	mu   sync.Mutex
	came bytes.Buffer
}

func (l *tapped) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return tappedConn{conn, l}, nil
}

func (l *tapped) heard() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.came.Bytes())
}

type tappedConn struct {
	net.Conn
	l *tapped
}

func (c tappedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	c.l.came.Write(p[:n]) // it never fails
	return n, err
}

// Whoever has listened to a whole conversation, and says it again, is not taken for who led it.
func TestAHandshakeCannotBeReplayed(t *testing.T) {
	var tap *tapped
	var calls atomic.Int64
	b := start(t, 2, func(o *peer.Options, h *owner) {
		tap = &tapped{Listener: o.Listener}
		o.Listener, o.Password = tap, "secret"
		h.call = func(peer.Greeting, uint8, []byte) ([]byte, error) { calls.Add(1); return []byte("done"), nil }
	})
	a := start(t, 1, func(o *peer.Options, _ *owner) { o.Password = "secret" })
	if _, answer, err := a.Ask(deadline(t), b.addr, 7, []byte("do it")); err != nil || string(answer) != "done" {
		t.Fatal(string(answer), err)
	}
	words, refused := tap.heard(), b.Stats().Refused
	if !bytes.Contains(words, []byte("do it")) {
		t.Fatalf("the conversation is not whole: %q", words)
	}
	back := answered(t, b.addr, words)
	if got := b.Stats().Refused; calls.Load() != 1 || got != refused+1 || bytes.Contains(back, []byte("done")) {
		t.Errorf("said again it is done %d times, refused %d times, answered %q", calls.Load(), got-refused, back)
	}
}
