package respd_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/feed"
	"github.com/caucus-project/caucus/internal/resp"
	"github.com/caucus-project/caucus/internal/respd"
	"github.com/caucus-project/caucus/internal/waist"
)

func TestSubscribeRESP2(t *testing.T) {
	s := open(t)
	c, p := s.dial(), s.dial()
	c.say("SUBSCRIBE a b\r\nPSUBSCRIBE a*\r\n", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"+
		"*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n*3\r\n$10\r\npsubscribe\r\n$2\r\na*\r\n:3\r\n")
	c.say("GET k\r\nHELLO 3\r\nPING\r\nPING x\r\n",
		"-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE "+
			"/ PING / QUIT / RESET are allowed in this context\r\n-ERR Can't execute 'hello': only (P|S)SUBSCRIBE / "+
			"(P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n"+
			"*2\r\n$4\r\npong\r\n$1\r\nx\r\n")
	p.say("PUBLISH a 1\r\n", ":2\r\n")
	c.expect("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n1\r\n" +
		"*4\r\n$8\r\npmessage\r\n$2\r\na*\r\n$1\r\na\r\n$1\r\n1\r\n")
	c.say("PUNSUBSCRIBE\r\nUNSUBSCRIBE b nope\r\n", "*3\r\n$12\r\npunsubscribe\r\n$2\r\na*\r\n:2\r\n"+
		"*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:1\r\n*3\r\n$11\r\nunsubscribe\r\n$4\r\nnope\r\n:1\r\n")
	p.say("PUBLISH a 2\r\nPUBLISH b 3\r\n", ":1\r\n:0\r\n")
	c.expect("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n2\r\n")
	c.say("UNSUBSCRIBE\r\nUNSUBSCRIBE\r\nGET k\r\n", "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n"+
		"*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n$-1\r\n")
	c.say("SUBSCRIBE a\r\nRESET\r\nGET k\r\n", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n+RESET\r\n$-1\r\n")
	p.say("PUBLISH a 2\r\n", ":0\r\n")
}

func TestSubscribeRESP3(t *testing.T) {
	s := open(t)
	c := s.dial()
	c.say("HELLO 3\r\nSUBSCRIBE a\r\nGET k\r\n", hello(3)+">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n_\r\n")
	s.dial().say("PUBLISH a 1\r\n", ":1\r\n")
	c.expect(">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n1\r\n")
	c.say("UNSUBSCRIBE a\r\nPUNSUBSCRIBE\r\n", ">3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n"+
		">3\r\n$12\r\npunsubscribe\r\n_\r\n:0\r\n")
}

// The messages of one member are for its own session only, by their channel's name and as what they are.
func TestPrivateChannels(t *testing.T) {
	s := open(t)
	c := s.dial()
	c.say("SUBSCRIBE a caucus:m:g:you\r\nPSUBSCRIBE caucus:m:*\r\n", "-NOPERM not yours\r\n"+
		"-NOPERM 'caucus:m:*' may match messages for members, which only their own sessions may read, each by its "+
		"channel's name\r\n")
	c.say("PSUBSCRIBE *\r\n", "*3\r\n$10\r\npsubscribe\r\n$1\r\n*\r\n:1\r\n")
	for _, nobody := range []string{"caucus:m:g:", "caucus:m:g", "caucus:m:"} {
		c.say("SUBSCRIBE "+nobody+"\r\n", "-NOPERM '"+nobody+"' names no member\r\n")
	}
	c.say("SUBSCRIBE caucus:m:g:me\r\n", "*3\r\n$9\r\nsubscribe\r\n$13\r\ncaucus:m:g:me\r\n:2\r\n")
	s.m.Publish("caucus:m:g:me", "of nobody")
	s.m.Publish("caucus:m:g:me"+waist.FeedMark+"another", "of another's")
	s.m.Publish("caucus:m:g:me"+waist.FeedMark+"mine", "secret")
	s.m.Publish("caucus:g:g", "open")
	c.expect("*3\r\n$7\r\nmessage\r\n$13\r\ncaucus:m:g:me\r\n$6\r\nsecret\r\n" +
		"*4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$10\r\ncaucus:g:g\r\n$4\r\nopen\r\n")
	c.say("UNSUBSCRIBE caucus:m:g:me\r\n", "*3\r\n$11\r\nunsubscribe\r\n$13\r\ncaucus:m:g:me\r\n:1\r\n")
	if s.m.Publish("caucus:m:g:me"+waist.FeedMark+"mine", "secret") != 0 {
		t.Error("somebody listens still")
	}
	const confirmed = "*3\r\n$9\r\nsubscribe\r\n$13\r\ncaucus:m:g:me\r\n:2\r\n"
	c.say("SUBSCRIBE caucus:m:g:me\r\n", confirmed)
	s.m.owner.Store("later")
	c.say("SUBSCRIBE caucus:m:g:me\r\n", confirmed)
	if s.m.Publish("caucus:m:g:me"+waist.FeedMark+"mine", "secret") != 0 {
		t.Error("the name is another's, and its former owner's messages are waited for")
	}
	s.m.Publish("caucus:m:g:me"+waist.FeedMark+"later", "secret")
	c.expect("*3\r\n$7\r\nmessage\r\n$13\r\ncaucus:m:g:me\r\n$6\r\nsecret\r\n")
}

func TestSlowSubscribersAreCut(t *testing.T) {
	s := open(t, func(cfg *respd.Config, m *memory) {
		m.Hub = feed.New(feed.Limits{Soft: 1 << 20, Hard: 1 << 20}, time.Now)
	})
	c := s.dial()
	c.say("SUBSCRIBE a\r\n", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n")
	payload := strings.Repeat("x", 100<<10)
	for s.m.Publish("a", payload) > 0 {
	}
	if s.lost() || s.door.Stats().Cut != 1 {
		t.Errorf("cut, and called a loss: %+v", s.door.Stats())
	}
}

// Replies and pushes share a connection and never mix within one.
func TestPushesBetweenReplies(t *testing.T) {
	s := open(t)
	c := s.dial()
	c.say("HELLO 3\r\nSUBSCRIBE a\r\n", hello(3)+">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n")
	const n = 2000
	go func() {
		for range n {
			s.m.Publish("a", "payload")
		}
	}()
	go func() {
		for range n / 10 {
			io.WriteString(c.Conn, strings.Repeat("ECHO hello\r\n", 10))
		}
	}()
	pushes, replies := 0, 0
	r := resp.NewReplyReader(c.r, resp.Limits{})
	for pushes < n || replies < n {
		reply, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case reply.Str == "hello":
			replies++
		case len(reply.Items) == 3 && reply.Items[2].Str == "payload":
			pushes++
		default:
			t.Fatalf("%+v", reply)
		}
	}
}

// Nothing comes from a channel after the word that it is left, though it was waiting already.
func TestUnsubscribeIsTheLastWord(t *testing.T) {
	s := open(t)
	c := s.pipe()
	c.say("HELLO 3\r\nSUBSCRIBE a b\r\n", hello(3)+">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"+
		">3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n")
	s.m.Publish("a", "1")
	c.expect(">") // so the first message is being written, and the next ones wait behind it
	s.m.Publish("a", "2")
	s.m.Publish("b", "3")
	c.send("UNSUBSCRIBE a\r\nCLIENT SETNAME x\r\n")
	for s.door.Stats().Commands < 4 || !strings.Contains(s.roster(), "name=x") {
		time.Sleep(time.Millisecond)
	}
	c.expect("3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n1\r\n>3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n+OK\r\n" +
		">3\r\n$7\r\nmessage\r\n$1\r\nb\r\n$1\r\n3\r\n")
}

// roster gives what CLIENT LIST answers.
func (s *stage) roster() string {
	c := s.dial()
	defer c.Close()
	c.send("CLIENT LIST\r\n")
	head, err := c.r.ReadString('\n')
	var n int
	if _, bad := fmt.Sscanf(head, "$%d", &n); bad != nil || err != nil {
		s.t.Fatal(head, err)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(c.r, text); err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}
