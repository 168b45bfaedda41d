//go:build linux

package respd_test

import (
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/feed"
	"github.com/caucus-project/caucus/internal/resp"
	"github.com/caucus-project/caucus/internal/respd"
	"github.com/caucus-project/caucus/internal/waist"
)

const subscribed = "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"

// message is what a subscriber of channel a gets, by either protocol.
func message(proto int, payload string) string {
	return map[int]string{2: "*", 3: ">"}[proto] + "3\r\n$7\r\nmessage\r\n$1\r\na\r\n" + bulk(payload)
}

func TestSubscribersHaveNoGoroutine(t *testing.T) {
	s := open(t, func(cfg *respd.Config, _ *memory) { cfg.Guard = waist.Password(func() string { return "p" }) })
	const many = 60
	first := s.dial() // for whom the goroutines of the door are made
	first.say("AUTH p\r\nSUBSCRIBE a\r\n", "+OK\r\n"+subscribed)
	before := runtime.NumGoroutine()
	all := make([]*line, many)
	for i := range all {
		all[i] = s.dial()
		switch i % 3 {
		case 0: // who is no stranger any more only since this pipeline
			all[i].say("AUTH p\r\nSUBSCRIBE a\r\n", "+OK\r\n"+subscribed)
		case 1:
			all[i].say("AUTH p\r\n", "+OK\r\n")
			all[i].say("SUBSCRIBE a\r\n", subscribed)
		default:
			welcome := strings.Replace(hello(3), ":1\r\n", fmt.Sprintf(":%d\r\n", i+2), 1) // its number
			all[i].say("HELLO 3 AUTH default p\r\nSUBSCRIBE a\r\n", welcome+">"+subscribed[1:])
		}
	}
	goroutines(t, before+5)
	for round := range 50 {
		payload := strconv.Itoa(round)
		if n := s.m.Publish("a", payload); n != many+1 {
			t.Fatalf("%d hear it", n)
		}
		s.m.Publish("a", payload+"!")
		for i, c := range append([]*line{first}, all...) {
			proto := 2
			if i > 0 && (i-1)%3 == 2 {
				proto = 3
			}
			c.expect(message(proto, payload) + message(proto, payload+"!"))
		}
	}
	goroutines(t, before+5)
	for i := 2; i < many; i += 3 {
		all[i].say("SET k v\r\nGET k\r\n", "+OK\r\n$1\r\nv\r\n")
	}
	goroutines(t, before+5)
}

// Who does not read gets a goroutine until he has caught up, and everything in its order.
func TestASubscriberWhoReadsSlowlyHearsAll(t *testing.T) {
	s := open(t, func(_ *respd.Config, m *memory) { m.Hub = feed.New(feed.Limits{Hard: 1 << 30}, time.Now) })
	c, quick := s.dial(), s.dial()
	c.say("SUBSCRIBE a\r\n", subscribed)
	quick.say("SUBSCRIBE a\r\n", subscribed)
	before := runtime.NumGoroutine()
	payload := strings.Repeat("x", 100<<10)
	const many = 300
	for i := range many {
		s.m.Publish("a", payload+strconv.Itoa(i))
		quick.expect(message(2, payload+strconv.Itoa(i)))
	}
	for i := range many {
		c.expect(message(2, payload+strconv.Itoa(i)))
	}
	goroutines(t, before)
	s.m.Publish("a", "at last")
	c.expect(message(2, "at last"))
}

// The connection of who falls too far behind is cut at once, though something is being written to it.
func TestTheSlowAreCutWhileTheyAreWrittenTo(t *testing.T) {
	s := open(t, func(_ *respd.Config, m *memory) {
		m.Hub = feed.New(feed.Limits{Soft: 4 << 20, Hard: 4 << 20}, time.Now)
	})
	c, quick := s.dial(), s.dial()
	c.say("SUBSCRIBE a\r\n", subscribed)
	quick.say("SUBSCRIBE a\r\n", subscribed)
	payload := strings.Repeat("x", 100<<10)
	for s.m.Publish("a", payload) > 1 {
		quick.expect(message(2, payload))
	}
	if s.lost() || s.door.Stats().Cut != 1 {
		t.Errorf("cut, and called a loss: %+v", s.door.Stats())
	}
	quick.expect(message(2, payload))
}

// The time that a client had for what a goroutine wrote to him says nothing of what is published later.
func TestTimeToWriteIsNotThatOfAMessage(t *testing.T) {
	const limit = 50 * time.Millisecond
	s := open(t, func(cfg *respd.Config, _ *memory) { cfg.WriteTimeout = limit })
	c := s.dial()
	c.say("HELLO 3\r\nSUBSCRIBE a\r\nECHO x\r\n", hello(3)+">"+subscribed[1:]+"$1\r\nx\r\n")
	c.send("GROUP EVENTS g FROM 1 BLOCK 0\r\n") // it has a goroutine while it waits
	<-s.m.held
	<-time.After(2 * limit) // what must not matter is that it passes
	s.m.Publish("a", "1")
	c.expect(message(3, "1"))
	s.m.Publish("wake", "")
	c.expect("*0\r\n")
}

// Messages come between replies that are written by the lane, by a goroutine, and late.
func TestMessagesBetweenRepliesOfAllKinds(t *testing.T) {
	s := open(t)
	c := s.dial()
	c.say("HELLO 3\r\nSUBSCRIBE a\r\n", hello(3)+">"+subscribed[1:])
	const n = 3000
	go func() {
		for i := range n {
			s.m.Publish("a", strconv.Itoa(i))
		}
	}()
	big := strings.Repeat("b", 20<<10)
	go func() {
		io.WriteString(c.Conn, "SET k "+big+"\r\n")
		for i := range n {
			io.WriteString(c.Conn, []string{"GET k\r\n", "ECHO hello\r\n", "CLIENT GETNAME\r\n"}[i%3])
		}
	}()
	heard, replies := 0, 0
	r := resp.NewReplyReader(c.r, resp.Limits{})
	for heard < n || replies < n+1 {
		reply, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		if len(reply.Items) == 3 {
			if reply.Items[2].Str != strconv.Itoa(heard) {
				t.Fatalf("%s after %d", reply.Items[2].Str, heard-1)
			}
			heard++
			continue
		}
		want := []string{big, "hello", ""}[(replies+2)%3]
		if replies == 0 {
			want = "OK"
		}
		if reply.Str != want {
			t.Fatalf("reply %d is %.20q", replies, reply.Str)
		}
		replies++
	}
}

func BenchmarkPublishToSubscribers(b *testing.B) {
	for _, n := range []int{1, 300} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := open(b)
			all := make([]*line, n)
			for i := range all {
				all[i] = s.dial()
				all[i].SetDeadline(time.Time{})
				all[i].say("SUBSCRIBE a\r\n", subscribed)
			}
			want := message(2, "payload")
			b.ReportAllocs()
			for b.Loop() {
				s.m.Publish("a", "payload")
				for _, c := range all {
					c.expect(want)
				}
			}
		})
	}
}
