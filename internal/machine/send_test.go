package machine_test

import (
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
)

// speech is a member that sends messages, and what its node is given of them.
type speech struct {
	steps
	b    *bare
	op   entry.Op
	sent []*machine.Message
}

func (s *speech) Send(m *machine.Message) { s.sent = append(s.sent, m) }

// speech makes a client of its own session a member of group "g".
func (b *bare) speech(number uint64) *speech {
	b.t.Helper()
	s := &speech{b: b, op: entry.Op{Conn: number, Fresh: entry.Session{byte(number)}, Bound: true,
		Args: caucus.Command{"GROUP", "JOIN", "g", "AS", string(rune('a' + number))}}}
	s.op.Attach = b.batch(s.op)[0].Attach
	s.op.Session, s.op.Fresh = s.op.Fresh, entry.Session{}
	return s
}

func (s *speech) do(words ...string) caucus.Reply {
	op := s.op
	op.Args = words
	return s.b.batch(op)[0].Reply
}

// send gives the message that the node is to carry.
func (s *speech) send(more ...string) *machine.Message {
	s.b.t.Helper()
	op := s.op
	op.Args = append(caucus.Command{".send", "SEND", "g", "text"}, more...)
	if r := s.b.m.Read(&op, 1, false, s); r.Kind != caucus.KindInt {
		s.b.t.Fatalf("%+v", r)
	}
	return s.sent[len(s.sent)-1]
}

// There are more messages like one while its sender's attachment, its receiver's session and the group's life
// go on, and none after that: then what was counted of them can be forgotten (A11).
func TestA11_WhenACountIsOver(t *testing.T) {
	b := newBare(t)
	a, c := b.speech(1), b.speech(2)
	toAll, toOne := a.send(), a.send("TO", "c")
	check := func(when string, all, one bool) {
		t.Helper()
		if b.m.Sendable(toAll) != all || b.m.Sendable(toOne) != one {
			t.Errorf("%s: to all %v, to one %v", when, !all, !one)
		}
	}
	check("at first", true, true)
	c.do("GROUP", "LEAVE", "g") // it may come back
	check("when the receiver has left", true, true)
	c.do("SESSION", "CLOSE")
	check("when the receiver has ended", true, false)
	a.do("GROUP", "LEAVE", "g")
	check("when the group has ended", false, false)
	a.do("GROUP", "JOIN", "g")
	check("in its next life", false, false)
	toAll = a.send()
	check("now", true, false)
	id := a.op.Session
	a.do("SESSION", "RESUME", string(id[:]))
	check("when the sender has moved", false, false)
}
