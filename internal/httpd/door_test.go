package httpd_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/httpd"
)

// TestCloseWaits: a request under way is answered, connections that ask for nothing are not waited for.
func TestCloseWaits(t *testing.T) {
	s := open(t, httpd.Config{})
	silent, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	s.index("idle")
	s.hold = make(chan struct{})
	answers := make(chan answer, 1)
	go func() { answers <- s.index("a") }()
	<-s.held
	closed := make(chan struct{})
	go func() {
		s.door.Close(context.Background())
		close(closed)
	}()
	silent.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.ReadAll(silent); err != nil {
		t.Errorf("a silent connection: %v", err)
	}
	select {
	case <-closed:
		t.Error("Close did not wait for the request")
	default:
	}
	close(s.hold)
	s.expect(<-answers, 200, settling)
	<-closed
	if conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://")); err == nil {
		conn.Close()
		t.Error("a closed door accepts connections")
	}
}

// TestCloseByForce: when there is no more time, the clients are cut off, but the server is not left
// alone with their requests.
func TestCloseByForce(t *testing.T) {
	s := open(t, httpd.Config{})
	s.hold = make(chan struct{})
	cut := make(chan error, 1)
	go func() {
		_, err := s.python("", "a").request(context.Background(), "GET", "/index")
		cut <- err
	}()
	<-s.held
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	closed := make(chan struct{})
	go func() {
		s.door.Close(ctx)
		close(closed)
	}()
	if err := <-cut; err == nil {
		t.Error("the client was not cut off")
	}
	select {
	case <-closed:
		t.Error("Close left a request behind")
	default:
	}
	close(s.hold)
	<-closed
}

// Who is within his limits gets his answer, however long the node may work on it.
func TestWorkTakesNothingFromTheTimeToAnswer(t *testing.T) {
	s := openFrom(t, httpd.Config{RequestTimeout: 2500 * time.Millisecond}, nil,
		func(d *httpd.Door) { d.SetTimes(2 * time.Second) })
	s.hold, s.late = make(chan struct{}), true
	close(s.hold)
	go func() { <-s.held }()
	s.refused(s.index("a"), 503, "TRYAGAIN")
}

func TestServeAfterClose(t *testing.T) {
	d := httpd.New(httpd.Config{}, newEnsemble())
	d.Close(context.Background())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Serve(l); err != nil {
		t.Errorf("Serve after Close: %v", err)
	}
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("the listener is still open")
	}
}

func TestListenerFails(t *testing.T) {
	d := httpd.New(httpd.Config{}, newEnsemble())
	defer d.Close(context.Background())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := d.Serve(l); err == nil {
		t.Error("Serve says nothing of a listener that failed")
	}
}

// TestSeatsAreBounded: clients without number leave no more than so many conversations behind.
func TestSeatsAreBounded(t *testing.T) {
	s := open(t, httpd.Config{MaxSeats: 3})
	for i := range 50 {
		s.ask("DELETE", "/session", "Bloc-Session-ID", fmt.Sprint("never there ", i))
		s.index(fmt.Sprint(i))
	}
	s.change(func(e *ensemble) {
		if e.most > 4 {
			t.Errorf("%d conversations at a time", e.most)
		}
		if e.talks != 3 {
			t.Errorf("%d conversations are kept, want the last 3", e.talks)
		}
	})
	s.expect(s.index("0"), 200, settling)
	if len(s.written()) != 50 {
		t.Error("one that had been forgotten did not find its session again")
	}
}

// TestSeatsOfTheSilentGoAway: who was not heard from for long is forgotten when somebody else is.
func TestSeatsOfTheSilentGoAway(t *testing.T) {
	s := open(t, httpd.Config{Timeout: time.Millisecond})
	for i := range 10 {
		s.index(fmt.Sprint(i))
	}
	deadline := time.Now().Add(patience)
	for kept := 10; kept > 1; s.change(func(e *ensemble) { kept = e.talks }) {
		if s.index("0"); time.Now().After(deadline) {
			t.Fatalf("%d conversations are kept", kept)
		}
	}
}

// TestCrowdedSeatsAreClosed: many at once under few names, some saying goodbye, with little room.
func TestCrowdedSeatsAreClosed(t *testing.T) {
	s := open(t, httpd.Config{MaxSeats: 2})
	done := make(chan struct{})
	for worker := range 8 {
		go func() {
			defer func() { done <- struct{}{} }()
			for i := range 100 {
				id := fmt.Sprint("m", (worker+i)%4)
				if i%7 == 0 {
					s.ask("DELETE", "/session", "Bloc-Session-ID", id)
				} else if a := s.index(id); a.status != 200 {
					t.Errorf("%d %s", a.status, a.body)
				}
			}
		}()
	}
	for range 8 {
		<-done
	}
	s.change(func(e *ensemble) {
		if e.talks > 4 {
			t.Errorf("%d conversations are kept of 4 clients", e.talks)
		}
	})
}

// BenchmarkHeartbeat is one request over a kept connection, both sides counted; the client's allocates
// nothing.
func BenchmarkHeartbeat(b *testing.B) {
	s := open(b, httpd.Config{})
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	s.index("365f54e9-5de8-4509-be16-38e0c37f5fe9")
	s.settle("bloc")
	request := []byte("GET /index HTTP/1.1\r\nHost: " + strings.TrimPrefix(s.url, "http://") +
		"\r\nBloc-Session-ID: 365f54e9-5de8-4509-be16-38e0c37f5fe9\r\n\r\n")
	in := bufio.NewReader(conn)
	if _, err := conn.Write(request); err != nil {
		b.Fatal(err)
	}
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		b.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(body), "SETTLED") {
		b.Fatalf("%s, %v", body, err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(request); err != nil {
			b.Fatal(err)
		}
		for {
			line, err := in.ReadSlice('\n')
			if err != nil {
				b.Fatal(err)
			}
			if len(line) == 2 {
				break
			}
		}
		if _, err := in.Discard(len(body)); err != nil {
			b.Fatal(err)
		}
	}
}
