//go:build linux

package chaos

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// echo listens in a place, and gives back what it hears, until the test ends.
func echo(t *testing.T, p *place) string {
	t.Helper()
	addr := p.addr + ":7"
	if err := p.enter(func() error {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return err
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				go func() { _, _ = io.Copy(conn, conn); conn.Close() }()
			}
		}()
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return addr
}

// says sends something and waits for the echo, and gives how long that took.
func says(t *testing.T, conn net.Conn) (took time.Duration, err error) {
	t.Helper()
	began := time.Now()
	if _, err = conn.Write([]byte("anybody?")); err != nil {
		return 0, err
	}
	if err := conn.SetReadDeadline(began.Add(nodetest.Patience)); err != nil {
		return 0, err
	}
	_, err = io.ReadFull(conn, make([]byte, 8))
	return time.Since(began), err
}

// hears waits for an echo that must come.
func hears(t *testing.T, conn net.Conn) time.Duration {
	t.Helper()
	took, err := says(t, conn)
	if err != nil {
		t.Fatal(err)
	}
	return took
}

// emptyField has places and no nodes, and a connection from one place of clients to an echo in the other.
func emptyField(t *testing.T) (f *field, here, there *place, conn net.Conn) {
	t.Helper()
	needRoot(t)
	f = newField(t, 0)
	here, there = f.sites[0], f.sites[1]
	conn, err := here.dial(t.Context(), echo(t, there))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return f, here, there, conn
}

// What a cut drops comes when it is mended; one of two that overlap is enough to stop it.
func TestCutsDropWhatIsSent(t *testing.T) {
	t.Parallel()
	f, here, there, conn := emptyField(t)
	hears(t, conn)
	mendOne, err := f.cut(&cut{from: here, to: there})
	if err != nil {
		t.Fatal(err)
	}
	mendTwo, err := f.cut(&cut{from: here, to: there})
	if err != nil {
		t.Fatal(err)
	}
	if err := mendOne(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err = here.dial(ctx, there.addr+":7")
	if !errors.Is(err, context.DeadlineExceeded) && !os.IsTimeout(err) {
		t.Errorf("a dial through a cut ends with %v", err)
	}
	unheardUntil(t, conn, mendTwo)
}

// A cut that resets breaks the connection of who sends.
func TestCutsReset(t *testing.T) {
	t.Parallel()
	f, here, there, conn := emptyField(t)
	mend, err := f.cut(&cut{from: here, to: there, resets: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := says(t, conn); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("what is sent ends with %v", err)
	}
	if _, err := here.dial(t.Context(), there.addr+":7"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a dial ends with %v", err)
	}
	if err := mend(); err != nil {
		t.Fatal(err)
	}
	again, err := here.dial(t.Context(), there.addr+":7")
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	hears(t, again)
}

// A slow wire slows connections that exist, in its direction alone; the newest of several counts.
func TestWiresAreSlow(t *testing.T) {
	t.Parallel()
	f, here, there, conn := emptyField(t)
	slow := func(delay time.Duration) func() error {
		mend, err := f.relay.slow(1, &wire{from: here, to: there, pace: pace{delay: delay, bytesPerSecond: 1e6}})
		if err != nil {
			t.Fatal(err)
		}
		return mend
	}
	mendOne := slow(time.Second)
	if took := hears(t, conn); took < time.Second {
		t.Errorf("a wire with a delay of 1 s took %v", took)
	}
	mendTwo := slow(200 * time.Millisecond)
	if took := hears(t, conn); took < 200*time.Millisecond {
		t.Errorf("a wire with a delay of 200 ms took %v", took)
	}
	if err := errors.Join(mendTwo(), mendOne()); err != nil {
		t.Fatal(err)
	}
	hears(t, conn)
	out, err := f.relay.slow(1, &wire{from: here, to: there, pace: pace{bytesPerSecond: 1e6, loss: 1}})
	if err != nil {
		t.Fatal(err)
	}
	unheardUntil(t, conn, out)
}

// unheardUntil expects no answer over a connection until what keeps it away is mended, and one then.
func unheardUntil(t *testing.T, conn net.Conn, mend func() error) {
	t.Helper()
	heard := make(chan error, 1)
	go func() { _, err := says(t, conn); heard <- err }()
	select {
	case err := <-heard:
		t.Errorf("an answer came before that was mended, %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	if err := mend(); err != nil {
		t.Fatal(err)
	}
	if err := <-heard; err != nil {
		t.Errorf("after it was mended: %v", err)
	}
}
