package certs

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caucus-project/caucus/internal/grumble"
)

// Door says how a listener deals with strangers.
type Door struct {
	Name     string             // in the log
	Rules    func() *tls.Config // asked for at every handshake
	Plain    string             // told, in plain text, to one who speaks no TLS
	Patience time.Duration      // for a handshake; 0: 5 s
	Most     int                // handshakes at once, beyond which the oldest is cut; 0: 256
	Voice    *grumble.Voice
}

// Listener accepts connections over which TLS is spoken. What Accept gives has its handshake behind it: a
// stranger who stalls has no place at the door, and what the certificate says is known.
type Listener struct {
	net.Listener
	door    Door
	ready   chan accepted
	ctx     context.Context // ends with Close
	stop    context.CancelFunc
	running sync.WaitGroup
	failed  atomic.Uint64

	mu      sync.Mutex
	shaking []net.Conn // oldest first
}

type accepted struct {
	conn net.Conn
	err  error
}

// Listen begins to accept from l. Close ends it, and closes l.
func Listen(l net.Listener, door Door) *Listener {
	if door.Patience == 0 {
		door.Patience = 5 * time.Second
	}
	if door.Most == 0 {
		door.Most = 256
	}
	s := &Listener{Listener: l, door: door, ready: make(chan accepted)}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.running.Go(s.acceptAll)
	return s
}

// Accept waits for the next connection whose handshake is done.
func (s *Listener) Accept() (net.Conn, error) {
	select {
	case a := <-s.ready:
		return a.conn, a.err
	case <-s.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Close stops accepting, cuts those who are in their handshake, and waits for that.
func (s *Listener) Close() error {
	s.stop()
	err := s.Listener.Close()
	s.running.Wait()
	return err
}

// Failed counts the handshakes that failed, a mere look whether the port is open aside.
func (s *Listener) Failed() uint64 { return s.failed.Load() }

// acceptAll passes failures of the listener on to Accept, so that the door decides when to try again.
func (s *Listener) acceptAll() {
	for {
		conn, err := s.Listener.Accept()
		if err == nil {
			s.admit(conn)
			s.running.Go(func() { s.welcome(conn) })
			continue
		}
		if !s.hand(nil, err) || errors.Is(err, net.ErrClosed) {
			return
		}
	}
}

// hand gives what has come to Accept, unless nobody will ask for it any more.
func (s *Listener) hand(conn net.Conn, err error) bool {
	select {
	case s.ready <- accepted{conn, err}:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// admit counts a stranger in. When there are too many the oldest goes: who means well is through in
// milliseconds.
func (s *Listener) admit(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.shaking) >= s.door.Most {
		_ = s.shaking[0].Close() // its own goroutine sees that
		s.shaking = s.shaking[1:]
	}
	s.shaking = append(s.shaking, conn)
}

func (s *Listener) dismiss(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.shaking, conn); i >= 0 {
		s.shaking = slices.Delete(s.shaking, i, i+1)
	}
}

// welcome does the handshake of one connection.
func (s *Listener) welcome(conn net.Conn) {
	defer s.dismiss(conn)
	ctx, cancel := context.WithTimeout(s.ctx, s.door.Patience)
	defer cancel()
	secure := tls.Server(conn, s.door.Rules())
	if err := secure.HandshakeContext(ctx); err != nil {
		if s.ctx.Err() == nil {
			s.turnAway(conn, err)
		}
		_ = conn.Close() // it is of no use any more
		return
	}
	if !s.hand(Conn{secure}, nil) {
		_ = conn.Close()
	}
}

// turnAway takes note of a handshake that failed, and lets the other side read why.
func (s *Listener) turnAway(conn net.Conn, err error) {
	if errors.Is(err, io.EOF) {
		return // somebody looked whether the port is open
	}
	s.failed.Add(1)
	why := err.Error()
	if strange := (tls.RecordHeaderError{}); errors.As(err, &strange) && strange.Conn != nil {
		why = "it does not speak TLS, and this door speaks nothing else"
		s.tell(conn)
	}
	s.door.Voice.Warn("TLS: turned a connection away", "door", s.door.Name, "from", conn.RemoteAddr().String(),
		"why", why)
	linger(s.ctx, conn)
}

// tell says it in plain text to one who speaks that.
func (s *Listener) tell(conn net.Conn) {
	if s.door.Plain != "" && conn.SetWriteDeadline(time.Now().Add(leaveTime)) == nil {
		_, _ = io.WriteString(conn, s.door.Plain) // who is gone does not miss it
	}
}

// leaveTime is how long who was turned away has to read why.
const leaveTime = 250 * time.Millisecond

// linger reads on for a moment: closing with something unread would reset the connection, and what was
// just written, an alert or a word, might never be seen.
func linger(ctx context.Context, conn net.Conn) {
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok || conn.SetReadDeadline(time.Now().Add(leaveTime)) != nil || half.CloseWrite() != nil {
		return
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	_, _ = io.CopyN(io.Discard, conn, 1<<20) // either end ends it well
}
