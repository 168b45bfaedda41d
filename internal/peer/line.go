package peer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// line is one connection after its handshake. Reading waits at most patience for the next byte.
type line struct {
	net.Conn
	greeting Greeting
	patience time.Duration
	count    *counters
	forget   func()
	once     sync.Once
}

// Read gives up when nothing comes for the line's patience.
func (l *line) Read(p []byte) (int, error) {
	if err := l.SetReadDeadline(time.Now().Add(l.patience)); err != nil {
		return 0, err
	}
	n, err := l.Conn.Read(p)
	l.count.bytesReceived.Add(uint64(n))
	return n, err
}

// Write implements io.Writer.
func (l *line) Write(p []byte) (int, error) {
	n, err := l.Conn.Write(p)
	l.count.bytesSent.Add(uint64(n))
	return n, err
}

// Close may be called again and from anywhere.
func (l *line) Close() error {
	err := net.ErrClosed
	l.once.Do(func() {
		err = l.Conn.Close()
		l.forget()
	})
	return err
}

// connect dials and greets, within the handshake timeout.
func (t *Transport) connect(ctx context.Context, addr string, purpose Purpose, to uint64) (*line, error) {
	ctx, cancel := t.within(ctx, t.opts.HandshakeTimeout)
	defer cancel()
	conn, err := t.opts.Dial(ctx, "tcp", addr)
	if err != nil {
		return nil, t.orClosed(err)
	}
	if selfConnected(conn) {
		conn.Close()
		return nil, fmt.Errorf("%s: %w", addr, syscall.ECONNREFUSED)
	}
	if t.opts.Secure != nil {
		if conn, err = t.opts.Secure(ctx, conn); err != nil {
			return nil, t.orClosed(fmt.Errorf("TLS with %s: %w", addr, err))
		}
	}
	l, err := t.adopt(conn)
	if err != nil {
		return nil, err
	}
	s := t.side(conn)
	err = l.greet(ctx, func() (g Greeting, err error) { return s.dial(conn, purpose, to) })
	if err != nil {
		l.Close()
		return nil, t.orClosed(fmt.Errorf("greeting %s: %w", addr, err))
	}
	return l, nil
}

// greet runs a handshake that ends with the context.
func (l *line) greet(ctx context.Context, shake func() (Greeting, error)) (err error) {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	l.greeting, err = shake()
	if !stop() {
		// Without the context's error, a reset by the other side and our own impatience look the same.
		return errors.Join(context.Cause(ctx), err)
	}
	return err
}

// within derives a context that also ends with the Transport.
func (t *Transport) within(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	stop := context.AfterFunc(t.ctx, cancel)
	return ctx, func() { stop(); cancel() }
}

// selfConnected says whether a connection ends where it began: a dial to a port of the ephemeral range on
// which nobody listens can meet itself, and would then keep the port from its owner.
func selfConnected(conn net.Conn) bool {
	a, b := conn.LocalAddr(), conn.RemoteAddr()
	return a != nil && b != nil && a.Network() == "tcp" && a.String() == b.String()
}

// keepAlive sends a ping now and then until the returned function is called, which waits for its end.
func (t *Transport) keepAlive(l *line) (stop func()) {
	quit := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(t.opts.PingEvery)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
			}
			if err := l.send(t.opts.Silence, Frame{Type: typePing}); err != nil {
				l.Close()
				return
			}
		}
	})
	return func() { close(quit); done.Wait() }
}

// send writes one small frame within the limit.
func (l *line) send(limit time.Duration, f Frame) error {
	if err := l.SetWriteDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	_, err := l.Write(appendFrame(nil, f))
	return err
}

// linger ends a connection so that what was just written still arrives: closing while input is unread would
// reset it. It waits for the other side to close, but not for long.
func linger(conn net.Conn, limit time.Duration) {
	if half, ok := conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		if conn.SetReadDeadline(time.Now().Add(limit)) == nil {
			// How the other side goes is its own business.
			_, _ = io.Copy(io.Discard, bufio.NewReader(conn))
		}
	}
}

// causeOf tells from an error why a connection ended.
func causeOf(err error) Cause {
	switch {
	case errors.Is(err, ErrGarbled):
		return Garbled
	case errors.Is(err, os.ErrDeadlineExceeded):
		return Silent
	}
	return Broken
}
