package respd_test

import (
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/respd"
)

func TestADumpIsOneStringOrItsLines(t *testing.T) {
	s := open(t, func(c *respd.Config, m *memory) {
		m.dump.lines = []string{"{one}", "", "three"}
		c.MostDump = 20
	})
	l := s.dial()
	l.say("SET k 1\r\nGETDUMP\r\nGET k\r\n", "+OK\r\n"+bulk("{one}\n\nthree\n")+bulk("1"))
	l.say("GETDUMP lines\r\nGET k\r\n", "*3\r\n"+bulk("{one}")+bulk("")+bulk("three")+bulk("1"))
	l.say("GETDUMP all\r\n", "-ERR syntax error: it is GETDUMP [LINES]\r\n")
	l.say("GETDUMP LINES 1\r\n", "-ERR wrong number of arguments for 'getdump' command\r\n")
	l.say("MULTI\r\n", "+OK\r\n")
	l.say("GETDUMP\r\n", "-ERR Command not allowed inside a transaction\r\n")
	l.say("DISCARD\r\n", "+OK\r\n")
	s.m.dump.lines = append(s.m.dump.lines, "too much")
	l.say("GETDUMP\r\n", "-ERR the dump has more than the 20 bytes that a string may have; caucus backup FILE "+
		"takes it all the same, as GETDUMP LINES does\r\n")
	s.m.refuse.Store(true)
	l.say("GETDUMP\r\n", "-LOADING not yet\r\n")
	s.m.refuse.Store(false)
	s.m.dump.lines = s.m.dump.lines[:1]
	l.send("HELLO 3\r\n")
	for line := ""; !strings.Contains(line, "modules"); {
		line, _ = l.r.ReadString('\n')
	}
	l.expect("*0\r\n")
	l.say("GETDUMP\r\n", "=10\r\ntxt:{one}\n\r\n")
}

// What is published to a client while a dump is written to it comes behind the dump, not within it.
func TestADumpIsNotInterrupted(t *testing.T) {
	s := open(t, func(_ *respd.Config, m *memory) {
		m.dump.lines = []string{"a", "b"}
		m.dump.pause = make(chan struct{})
	})
	l := s.dial()
	l.send("HELLO 3\r\nSUBSCRIBE news\r\nGETDUMP LINES\r\n")
	<-s.m.dump.pause
	for s.m.Publish("news", "hot") == 0 {
	}
	<-s.m.dump.pause
	for line := ""; !strings.HasPrefix(line, "*2"); {
		line, _ = l.r.ReadString('\n')
	}
	l.expect(bulk("a") + bulk("b") + ">3\r\n" + bulk("message") + bulk("news") + bulk("hot"))
}

// Each dump keeps a state alive, so there is an end to how many are read at once; those who are gone do not
// count.
func TestDumpsAtOnceAreLimited(t *testing.T) {
	s := open(t, func(c *respd.Config, m *memory) {
		m.dump.lines = []string{"a"}
		m.dump.pause = make(chan struct{})
	})
	readers := []*line{s.dial(), s.dial(), s.dial(), s.dial()}
	for _, l := range readers {
		l.send("GETDUMP LINES\r\n")
		<-s.m.held
	}
	last := s.dial()
	last.say("GETDUMP\r\n", "-TRYAGAIN 4 dumps are being read from this node already\r\n")
	for _, l := range readers {
		l.Close()
	}
	for range readers { // whichever of them goes on, its client is gone
		<-s.m.dump.pause
		s.lost()
	}
	go func() {
		for range 2 { // the string is made twice: its length comes first
			<-s.m.dump.pause
		}
	}()
	last.say("GETDUMP\r\n", bulk("a\n"))
}

// A client that does not read is cut, and with it the state goes that was kept for it.
func TestADumpIsNotKeptForWhoDoesNotRead(t *testing.T) {
	s := open(t, func(c *respd.Config, m *memory) {
		m.dump.lines = []string{strings.Repeat("x", 64<<20)}
		c.WriteTimeout = 50 * time.Millisecond
	})
	s.dial().send("GETDUMP LINES\r\n")
	if s.lost() || s.door.Stats().Cut != 1 {
		t.Errorf("it was not cut: %+v", s.door.Stats())
	}
}
