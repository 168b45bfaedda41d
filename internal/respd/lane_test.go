//go:build linux

package respd_test

import (
	"context"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/respd"
)

// goroutines waits until there are at most so many.
func goroutines(t *testing.T, most int) {
	t.Helper()
	for end := time.Now().Add(patience); runtime.NumGoroutine() > most; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines, at most %d wanted", runtime.NumGoroutine(), most)
		}
	}
}

func TestIdleClientsHaveNoGoroutine(t *testing.T) {
	s := open(t)
	s.dial().say("PING\r\n", "+PONG\r\n")
	before := runtime.NumGoroutine()
	all := make([]*line, 50)
	for i := range all {
		all[i] = s.dial()
		all[i].say("SET k v\r\n", "+OK\r\n")
	}
	goroutines(t, before+5)
	for _, c := range all {
		c.say("CLIENT GETNAME\r\nGET k\r\n", "$-1\r\n$1\r\nv\r\n") // of the door, which takes a goroutine for once
	}
	goroutines(t, before+5)
	for _, c := range all {
		c.say("ECHO x\r\n", "$1\r\nx\r\n") // answered at once
	}
}

func TestWhoSubscribesGoesOnInHisLane(t *testing.T) {
	s := open(t)
	c, other := s.dial(), s.dial()
	c.say("HELLO 3\r\n", hello(3))
	c.say("GET k\r\nSUBSCRIBE a\r\nSET k 1\r\n", "_\r\n>3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n+OK\r\n")
	other.say("PUBLISH a x\r\n", ":1\r\n")
	c.expect(">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n")
	c.say("GET k\r\n", "$1\r\n1\r\n")
	c.Close()
	if !s.lost() {
		t.Error("the end of a connection that listens is no loss")
	}
}

// What comes in pieces, or faster than it is answered, is carried out in order.
func TestPipelinesInALane(t *testing.T) {
	s := open(t)
	c := s.dial()
	go func() {
		for i := range 2000 {
			text := "SET k v\r\nGET k\r\nMULTI\r\nGET k\r\nEXEC\r\n"
			if i%100 == 0 {
				text = "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n" + text + "CLIENT ID\r\n"
			}
			for at := 0; at < len(text); at += 1 + i%40 {
				if _, err := io.WriteString(c.Conn, text[at:min(len(text), at+1+i%40)]); err != nil {
					return // expect tells
				}
			}
		}
	}()
	const five = "+OK\r\n$1\r\nv\r\n+OK\r\n+QUEUED\r\n*1\r\n$1\r\nv\r\n"
	for i := range 2000 {
		switch {
		case i == 0:
			c.expect("$-1\r\n" + five + ":1\r\n")
		case i%100 == 0:
			c.expect("$1\r\nv\r\n" + five + ":1\r\n")
		default:
			c.expect(five)
		}
	}
}

func TestAClientThatReadsSlowlyGetsAllOfIt(t *testing.T) {
	s := open(t)
	c := s.dial()
	big := strings.Repeat("x", 100<<10)
	c.say("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n"+bulk(big), "+OK\r\n")
	for range 3 {
		c.send(strings.Repeat("GET k\r\n", 100) + "PING\r\n")
	}
	for range 3 {
		time.Sleep(time.Millisecond) // so that the replies fill what there is between the two
		c.expect(strings.Repeat(bulk(big), 100) + "+PONG\r\n")
	}
	c.say("PING\r\n", "+PONG\r\n")
}

// The time that a client has for what a goroutine writes to him says nothing of what is written later.
func TestTimeToWriteIsOfOneWrite(t *testing.T) {
	const limit = 50 * time.Millisecond
	s := open(t, func(cfg *respd.Config, _ *memory) { cfg.WriteTimeout = limit })
	c := s.dial()
	c.say("CLIENT GETNAME\r\n", "$-1\r\n")
	<-time.After(2 * limit) // what must not matter is that it passes
	c.say("GET k\r\n", "$-1\r\n")
}

func TestWhoIsCutWhileHeWaitsIsAbandoned(t *testing.T) {
	s := open(t, func(_ *respd.Config, m *memory) { m.hold = make(chan struct{}) })
	c := s.dial()
	c.send("SET k 1\r\n")
	<-s.m.held
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	closed := make(chan struct{})
	go func() {
		s.door.Close(ctx)
		close(closed)
	}()
	for end := time.Now().Add(patience); s.m.abandoned.Load() == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nobody is told that the client is gone")
		}
	}
	close(s.m.hold)
	<-closed
	if s.lost() {
		t.Error("a loss")
	}
}
