//go:build linux

package sockets_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/sockets"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// pair gives the two ends of a connection.
func pair(t *testing.T) (here, there *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dialed, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dialed.Close(); accepted.Close() })
	return accepted.(*net.TCPConn), dialed.(*net.TCPConn)
}

func socket(t *testing.T, conn *net.TCPConn) *sockets.Socket {
	t.Helper()
	s, err := sockets.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// watch runs a Watch and counts its rounds.
func watch(t *testing.T, round func()) *sockets.Watch {
	t.Helper()
	w, err := sockets.Open()
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan error, 1)
	go func() { over <- w.Run(round) }()
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if err := <-over; err != nil {
			t.Errorf("Run gives %v", err)
		}
	})
	return w
}

func TestNothingIsWaitedFor(t *testing.T) {
	here, there := pair(t)
	s := socket(t, here)
	buf := make([]byte, 10)
	if n, err := s.Read(buf); n != 0 || !errors.Is(err, sockets.ErrAgain) {
		t.Errorf("reading nothing gives %d, %v", n, err)
	}
	written := 0
	for chunk := make([]byte, 1<<16); ; {
		n, err := s.Write(chunk)
		written += n
		if errors.Is(err, sockets.ErrAgain) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	read := make(chan int64)
	go func() {
		n, _ := io.Copy(io.Discard, there) // the end of it is what is counted
		read <- n
	}()
	if err := here.Close(); err != nil {
		t.Fatal(err)
	}
	if n := <-read; n != int64(written) {
		t.Errorf("%d bytes came, of %d", n, written)
	}
	if _, err := s.Write(buf); !errors.Is(err, net.ErrClosed) {
		t.Errorf("writing to what is closed gives %v", err)
	}
}

func TestADeadlineThatHasPassedIsTold(t *testing.T) {
	here, there := pair(t)
	s := socket(t, here)
	if err := here.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := there.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("reading gives %v", err)
	}
}

func TestWhatComesIsTold(t *testing.T) {
	var rounds atomic.Int64
	w := watch(t, func() { rounds.Add(1) })
	here, there := pair(t)
	s := socket(t, here)
	if _, err := there.Write([]byte("before")); err != nil {
		t.Fatal(err)
	}
	type seen struct {
		err  error
		text string
	}
	came := make(chan seen)
	var all bytes.Buffer
	forget, err := w.Add(s, func() {
		buf := make([]byte, 3)
		for {
			n, err := s.Read(buf)
			all.Write(buf[:n])
			if err != nil {
				came <- seen{err, all.String()}
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer forget()
	expect := func(want error, text string) {
		t.Helper()
		select {
		case got := <-came:
			if !errors.Is(got.err, want) || got.text != text {
				t.Errorf("%v after %q; want %v after %q", got.err, got.text, want, text)
			}
		case <-time.After(patience):
			t.Fatal("nothing is told")
		}
	}
	expect(sockets.ErrAgain, "before")
	if _, err := there.Write([]byte("after")); err != nil {
		t.Fatal(err)
	}
	expect(sockets.ErrAgain, "beforeafter")
	if err := there.Close(); err != nil {
		t.Fatal(err)
	}
	expect(io.EOF, "beforeafter")
	if rounds.Load() < 2 {
		t.Errorf("%d rounds", rounds.Load())
	}
}

func TestManySocketsShareARound(t *testing.T) {
	var told, rounds atomic.Int64
	hold := make(chan struct{})
	w := watch(t, func() { rounds.Add(1) })
	theres := make([]*net.TCPConn, 100)
	for i := range theres {
		here, there := pair(t)
		theres[i] = there
		s := socket(t, here)
		forget, err := w.Add(s, func() {
			<-hold
			if _, err := s.Read(make([]byte, 10)); err == nil {
				told.Add(1)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(forget)
	}
	for _, there := range theres {
		if _, err := there.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	close(hold)
	for end := time.Now().Add(patience); told.Load() < 100; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d of 100 are told", told.Load())
		}
	}
	if rounds.Load() > 10 {
		t.Errorf("%d rounds for 100 sockets of which something came at once", rounds.Load())
	}
}

func TestWhatIsForgottenIsNotTold(t *testing.T) {
	w := watch(t, func() {})
	here, there := pair(t)
	forget, err := w.Add(socket(t, here), func() { t.Error("told of what was forgotten") })
	if err != nil {
		t.Fatal(err)
	}
	forget()
	if _, err := there.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	other, far := pair(t)
	done := make(chan struct{})
	s := socket(t, other)
	if _, err := w.Add(s, func() { close(done) }); err != nil {
		t.Fatal(err)
	}
	if _, err := far.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	<-done
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Add(s, func() {}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("adding what is closed gives %v", err)
	}
}

// Somebody who always has more to do leaves others their turn, and nobody is forgotten.
func TestLaterIsAfterOthers(t *testing.T) {
	w := watch(t, func() {})
	var turns atomic.Int64
	var over atomic.Bool
	ended := make(chan struct{}, 3)
	for range 3 {
		var again func()
		again = func() {
			turns.Add(1)
			if over.Load() {
				ended <- struct{}{}
				return
			}
			w.Later(again)
		}
		w.Later(again) // while Run may be asleep
	}
	here, there := pair(t)
	s, told := socket(t, here), make(chan int64)
	forget, err := w.Add(s, func() {
		if _, err := s.Read(make([]byte, 10)); err == nil {
			told <- turns.Load()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer forget()
	before := int64(0)
	for range 5 {
		if _, err := there.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		select {
		case before = <-told:
		case <-time.After(patience):
			t.Fatal("nothing is told")
		}
		for end := time.Now().Add(patience); turns.Load() < before+9; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("what is due later is not called")
			}
		}
	}
	over.Store(true)
	for range 3 {
		<-ended
	}
}

// What is due later when a Watch ends, or is said then, is called all the same.
func TestLaterIsCalledAtTheEnd(t *testing.T) {
	w, err := sockets.Open()
	if err != nil {
		t.Fatal(err)
	}
	called := make(chan struct{}, 2)
	w.Later(func() { called <- struct{}{} })
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Run(func() {}); err != nil {
		t.Fatal(err)
	}
	w.Later(func() { called <- struct{}{} })
	for range 2 {
		<-called
	}
}

// A Watch can be closed whatever its Run is at.
func TestCloseAtAnyTime(t *testing.T) {
	for range 200 {
		w, err := sockets.Open()
		if err != nil {
			t.Fatal(err)
		}
		over := make(chan error, 1)
		go func() { over <- w.Run(func() {}) }()
		busy := make(chan struct{})
		var again func()
		again = func() {
			select {
			case <-busy:
			default:
				w.Later(again)
			}
		}
		w.Later(again)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-over; err != nil {
			t.Fatal(err)
		}
		close(busy)
	}
}
