package node

import (
	"fmt"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/feed"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/talk"
)

// store is a machine of its own, to which one writes.
type store struct {
	t *testing.T
	*machine.Machine
	number uint64
}

func newStore(t *testing.T) *store {
	s := &store{t: t, Machine: machine.New([16]byte{1}, 1)}
	s.Admit(1, 1, machine.Node{ID: 1, Name: "n1"})
	s.do(machine.Boot(machine.Node{ID: 1, Name: "n1", Boots: 1, Boot: entry.Boot{1}}))
	return s
}

type mute struct{}

func (mute) Steps(*entry.Batch) []entry.Step { return nil }
func (mute) Publish(string, string) int      { return 0 }
func (mute) Send(*machine.Message)           {}
func (mute) Panicked(string, any)            {}

func (s *store) do(op entry.Op) {
	s.number++
	b := entry.Batch{Node: 1, Boot: entry.Boot{1}, Number: s.number, Ops: []entry.Op{op}}
	e := &entry.Entry{Batches: []entry.Batch{b}}
	if out, err := s.Apply(s.Index()+1, 1, e, mute{}); err != nil || out.Batches[0].Duplicate {
		s.t.Fatal(err, out)
	}
}

func (s *store) write(words ...string) { s.do(entry.Op{Args: words}) }

// What is told follows on what was told before, so that who listens knows whether something was missed: also
// when nobody listened for a while, and when what changed were no keys.
func TestB7_NewsAreAChain(t *testing.T) {
	s := newStore(t)
	n := &news{hub: feed.New(feed.Limits{}, time.Now)}
	s.write("SET", "unheard", "1")
	n.tell(s.Machine)
	ear := n.hub.Watch()
	defer ear.Close()
	ear.Subscribe(talk.ChangesChannel)
	at := s.Counter()
	heard := func(want ...string) {
		t.Helper()
		n.tell(s.Machine)
		n.hub.Publish(talk.ChangesChannel, "end")
		messages, _ := ear.Next(t.Context())
		payload := messages[0].Payload
		if want == nil && payload == "end" {
			return
		}
		told := talk.News{After: at, UpTo: s.Counter()}
		for _, key := range want {
			told.Vague = told.Vague || key == "*"
			told.Add(key)
		}
		at = told.UpTo
		if payload != told.Payload() {
			t.Errorf("told %q, want %q", payload, told.Payload())
		}
	}
	heard()
	s.write("MSET", "a", "1", "b", "2")
	s.write("DEL", "a")
	heard("a", "b", "a")
	s.write("GROUP", "CREATE", "g")
	heard()
	s.write("SET", "c", "1")
	heard("c")
	s.write("FLUSHALL")
	heard("*")
	s.Refound([16]byte{2}, machine.Node{ID: 1, Name: "n1"}) // as a snapshot that has skipped everything
	heard("*")
}

// The first reading is linearizable and the others are this node's own; each begins behind what is known,
// and when the time is over the answer says up to where there is nothing.
func TestB7_ChangesAreReadAnewBehindWhatIsKnown(t *testing.T) {
	q := newQueue(t, "CHANGES FROM 8 MATCH a* BLOCK 0")
	tell := func(after, upTo uint64, key string) {
		n := talk.News{After: after, UpTo: upTo}
		n.Add(key)
		q.n.news.hub.Publish(talk.ChangesChannel, n.Payload())
	}
	mark := func(revision int64, words ...string) caucus.Reply {
		return caucus.Array(caucus.Array(caucus.Int(revision), caucus.Bulk(words[0]), caucus.Bulk(words[1])))
	}
	if op := q.answer(mark(20, "", "")); fmt.Sprint(op.Args) != "[CHANGES FROM 8 MATCH a* BLOCK 0]" {
		t.Errorf("it reads %q", op.Args)
	}
	tell(20, 25, "x")
	tell(25, 27, "ab")
	if op := q.answer(mark(27, "", "")); fmt.Sprint(op.Args) != "[CHANGES FROM 26 MATCH a* BLOCK 0]" {
		t.Errorf("it reads %q", op.Args)
	}
	tell(25, 27, "ab") // what was read already
	tell(27, 28, "ab")
	told := mark(28, "set", "ab")
	if op := q.answer(told); fmt.Sprint(op.Args) != "[CHANGES FROM 28 MATCH a* BLOCK 0]" {
		t.Errorf("it reads %q", op.Args)
	}
	if r := <-q.replies; fmt.Sprint(r[0]) != fmt.Sprint(told) {
		t.Errorf("got %v", r)
	}
}
