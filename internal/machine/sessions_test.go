package machine_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
)

// do carries out a command given as one line of plain words, which must not fail.
func (b *bare) do(client, line string) caucus.Reply {
	b.t.Helper()
	r := b.Do(client, strings.Fields(line))
	if r.Kind == caucus.KindError {
		b.t.Fatalf("%s: %s: %s", client, line, r.Str)
	}
	return r
}

// of gives a client's session as the state has it.
func (b *bare) of(client string) machine.SessionState {
	s, _ := b.m.Session(b.clients[client].session)
	return s
}

// told gives the names of the events since the last call, with the members that they are about.
func (b *bare) happened() []string {
	var list []string
	for _, e := range b.Events() {
		event := field(e.JSON, "event")
		if m := field(e.JSON, "member"); m != "" {
			event += " " + m
		}
		list = append(list, event)
	}
	return list
}

// field gives a text field of a flat JSON object without escapes, "" when there is none.
func field(json, name string) string {
	_, rest, ok := strings.Cut(json, `"`+name+`":"`)
	if !ok {
		return ""
	}
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

func TestA4_DropAndEndOfAnEarlierAttachmentAreIgnored(t *testing.T) {
	b := newBare(t)
	b.do("a", "SESSION OPEN")
	old := b.of("a")
	b.do("b", "SESSION RESUME "+b.clients["a"].id)
	if now := b.of("b"); now.Attach <= old.Attach {
		t.Fatalf("RESUME gave attachment %d after %d", now.Attach, old.Attach)
	}
	b.batch(machine.Drop(old.ID, old.Attach))
	b.note(machine.End(old.ID, old.Attach, bareTerm, machine.Expired))
	if s := b.of("b"); s.Attach == 0 || s.Drop {
		t.Errorf("the session was dropped or ended under an attachment that is over: %+v", s)
	}
	b.batch(machine.Drop(old.ID, b.of("b").Attach))
	if !b.of("b").Drop {
		t.Error("a drop under the current attachment was ignored")
	}
}

func TestA4_WhatNoConnectionCarriesCannotBeDropped(t *testing.T) {
	b := newBare(t)
	id := entry.Session{9}
	attach := b.batch(entry.Op{Session: id, Fresh: id, Args: caucus.Command{"GROUP", "JOIN", "g"}})[0].Attach
	b.batch(machine.Drop(id, attach))
	if s, ok := b.m.Session(id); !ok || s.Drop || s.Bound || s.Promise() != s.TTL {
		t.Errorf("a session without a connection is %+v, there %v", s, ok)
	}
}

func TestA4_DetachedSessionIsOpenedAnewByItsNextJoin(t *testing.T) {
	b := newBare(t)
	id := entry.Session{9}
	join := entry.Op{Session: id, Fresh: id, Args: caucus.Command{"GROUP", "JOIN", "g", "SETTLE", "0"}}
	first := b.batch(join)[0]
	if again := b.batch(join)[0]; again.Reply.Str != first.Reply.Str || again.Attach != 0 {
		t.Errorf("the second JOIN answered %+v", again)
	}
	b.note(machine.End(id, first.Attach, bareTerm, machine.Expired))
	if anew := b.batch(join)[0]; anew.Attach <= first.Attach {
		t.Errorf("JOIN after the session had ended answered %+v", anew)
	}
}

func TestA5_ExpiryOfAnEarlierTermIsRefused(t *testing.T) {
	b := newBare(t)
	b.do("a", "SESSION OPEN")
	s := b.of("a")
	b.note(machine.End(s.ID, s.Attach, bareTerm-1, machine.Expired))
	if b.m.SessionCount() != 1 {
		t.Fatal("a decision of an earlier leadership ended the session")
	}
	b.note(machine.End(s.ID, s.Attach, bareTerm, machine.Expired))
	if b.m.SessionCount() != 0 {
		t.Error("a decision of this leadership did not end the session")
	}
}

func TestA5_MarkLimitsWhatIsPromisedUntilItIsCleared(t *testing.T) {
	b := newBare(t)
	b.do("a", "SESSION OPEN TTL 1000 GRACE 900")
	s := b.of("a")
	for _, step := range []struct {
		note entry.Op
		mark int
		want int64
	}{
		{machine.Mark(1, []entry.Session{s.ID}), 1, 750},
		{machine.Mark(3, []entry.Session{s.ID, {8}}), 3, 250},
		{machine.Clear([]entry.Session{{8}, s.ID}), 0, 900},
	} {
		b.note(step.note)
		if got := b.do("a", "SESSION KEEPALIVE").Items[0].Int; got != step.want || b.of("a").Mark != step.mark {
			t.Errorf("with mark %d: promised %d, mark %d, want %d", step.mark, got, b.of("a").Mark, step.want)
		}
	}
}

func TestA5_ResumeEndsAMarkAndALateMarkPassesItOver(t *testing.T) {
	b := newBare(t)
	b.do("a", "SESSION OPEN")
	s := b.of("a")
	mark := machine.Mark(3, []entry.Session{s.ID})
	mark.Attach = b.m.Counter()
	b.note(mark)
	if b.of("a").Mark != 3 {
		t.Fatal("the mark was not taken")
	}
	b.do("b", "SESSION RESUME "+b.clients["a"].id)
	if b.of("b").Mark != 0 {
		t.Error("a resumed session is still marked")
	}
	b.note(mark)
	if b.of("b").Mark != 0 {
		t.Error("a mark that was decided before the session was resumed counts")
	}
}

func TestA15_TheLast256RepliesAreKept(t *testing.T) {
	b := newBare(t)
	b.do("a", "SESSION OPEN")
	for n := 1; n <= 300; n++ {
		b.do("a", fmt.Sprintf("ONCE %d GROUP JOIN g%d SETTLE 0", n, n))
	}
	groups := b.m.GroupCount()
	if r := b.do("a", "ONCE 45 GROUP CREATE other"); r.Str != "m1" || b.m.GroupCount() != groups {
		t.Errorf("number 45 answered %+v", r)
	}
	r := b.Do("a", strings.Fields("ONCE 44 GROUP CREATE other"))
	if want := "GAP 45 "; !strings.HasPrefix(r.Str, want) || b.m.GroupCount() != groups {
		t.Errorf("number 44 answered %q, want %q", r.Str, want)
	}
}

func TestA15_AtMost64KiBOfRepliesAreKept(t *testing.T) {
	b := newBare(t)
	b.do("a", "SESSION OPEN")
	queue := make([]caucus.Command, 100)
	for i := range queue {
		queue[i] = caucus.Command{"GROUP", "JOIN", "g", "AS", strings.Repeat("x", 250)}
	}
	s := b.of("a")
	ask := func(n uint64) caucus.Reply {
		return b.batch(entry.Op{Session: s.ID, Attach: s.Attach, Once: n, Args: caucus.Command{"EXEC"},
			Queue: queue})[0].Reply
	}
	for n := range uint64(4) {
		if r := ask(n + 1); len(r.Items) != len(queue) {
			t.Fatalf("number %d answered %+v", n+1, r)
		}
	}
	if r := ask(4); len(r.Items) != len(queue) || r.Items[99].Str != queue[0][4] {
		t.Errorf("number 4 answered %+v", r)
	}
	if r := ask(1); !strings.HasPrefix(r.Str, "GAP 3 ") {
		t.Errorf("number 1 answered %+v", r)
	}
}

func TestA16_CountersOfAGroupGoOnInItsNextLife(t *testing.T) {
	b := newBare(t)
	b.do("a", "GROUP JOIN g SETTLE 0")
	for i := range 100 {
		b.do("a", "GROUP META g "+strconv.Itoa(i))
	}
	b.do("a", "GROUP LEAVE g")
	old := b.Events()
	last := old[len(old)-1]
	b.do("a", "GROUP JOIN g SETTLE 0")
	for _, e := range b.Events() {
		if e.Seq <= last.Seq {
			t.Fatalf("a new event has seq %d, an old one had %d", e.Seq, last.Seq)
		}
	}
}

func TestB18_EventsAreKeptUpToACountAndBytes(t *testing.T) {
	for _, c := range []struct {
		size, tell int
		most       int64
	}{{1, 1500, 1024}, {50 << 10, 60, 20}} {
		b := newBare(t)
		b.do("a", "GROUP JOIN g SETTLE 0")
		for i := range c.tell {
			b.do("a", "GROUP META g "+strings.Repeat(string(rune('a'+i%2)), c.size))
		}
		info := b.do("a", "GROUP INFO g").Items
		if kept := info[15].Int - info[17].Int + 1; info[14].Str != "seq" || kept > c.most || kept < c.most-1 {
			t.Errorf("of %d events of %d bytes %d are kept, want about %d", c.tell, c.size, kept, c.most)
		}
	}
}

// listening counts what is published by a host that answers, or by one that does not.
type listening struct {
	answers   bool
	published int
}

func (l *listening) Steps(b *entry.Batch) []entry.Step {
	if !l.answers {
		return nil
	}
	return steps{}.Steps(b)
}

func (*listening) Send(*machine.Message) {}
func (*listening) Panicked(string, any)  {}

func (l *listening) Publish(string, string) int {
	l.published++
	return 3
}

func TestA15_KeptRepliesAreTheSameOnEveryNode(t *testing.T) {
	var kept []string
	for _, answers := range []bool{true, false} {
		b, host := newBare(t), &listening{answers: answers}
		b.do("a", "SESSION OPEN")
		s := b.of("a")
		exec := entry.Op{
			Session: s.ID, Attach: s.Attach, Once: 1, Args: caucus.Command{"EXEC"}, Queue: []caucus.Command{
				{"SET", "k", "v"}, {"GET", "k"}, {"PUBLISH", "c", "x"}, {"GROUP", "JOIN", "g"}, {"GROUP", "LIST"}},
		}
		batch := entry.Batch{Node: 1, Boot: entry.Boot{1}, Number: b.number + 1, Ops: []entry.Op{exec}}
		e := entry.Entry{Batches: []entry.Batch{batch}}
		if _, err := b.m.Apply(b.index+1, bareTerm, &e, host); err != nil {
			t.Fatal(err)
		}
		if want := map[bool]int{true: 1}[answers]; host.published != want {
			t.Errorf("where the client is (%v) it was published %d times", answers, host.published)
		}
		kept = append(kept, b.m.SavedGroups())
	}
	if kept[0] != kept[1] {
		t.Errorf("the client's node keeps %q, another one %q", kept[0], kept[1])
	}
}
