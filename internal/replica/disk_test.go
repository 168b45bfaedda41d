package replica_test

import (
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/replica"
)

// word gives the first word of what a request was answered, "" while it was not.
func (w *trio) word(b *replica.Batch) string {
	w.t.Helper()
	a, ok := w.answer(b)
	switch {
	case !ok:
		return ""
	case a.Err != nil:
		return a.Err.Word
	}
	word, _, _ := strings.Cut(a.Results[0].Reply.Text(), " ")
	return word
}

// SAFETY B5: a follower whose disk hangs tells those who wait at once, long before their deadline, and takes
// nobody until the disk has answered.
func TestB5FollowerWithAHungDiskClosesItsDoors(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	s := w.others(lead)[0]
	s.stuck = true
	sent := w.ask(s, write("SET", "k", "sent"))
	w.pass(millisecond)
	late := w.ask(s, read("GET", "k")) // the leader has confirmed it, but this node cannot catch up
	w.pass(election / 2)
	if w.word(sent) != "" || w.word(late) != "" || s.r.Shut() {
		t.Fatalf("half an election timeout is too soon: %q, %q", w.word(sent), w.word(late))
	}
	w.pass(election)
	if got := w.word(sent); got != "UNCERTAIN" {
		t.Errorf("the write was answered %q", got)
	}
	if got := w.word(late); got != "TRYAGAIN" {
		t.Errorf("the read was answered %q", got)
	}
	if status := s.r.Status(); !status.Hung || !status.Shut {
		t.Errorf("its status is %+v", status)
	}
	stale := read("GET", "k")
	stale.Stale = true
	for _, b := range []*replica.Batch{w.ask(s, write("SET", "k", "refused")), w.ask(s, read("GET", "k")),
		w.ask(s, stale)} {
		if got := w.word(b); got != "TRYAGAIN" {
			t.Errorf("what came later was answered %q", got)
		}
	}
	if got := w.must(w.ask(lead, read("GET", "k"))); got.Str != "sent" || w.leader() != lead {
		t.Errorf("the others have %v", got)
	}
	s.stuck = false
	w.store(s)
	w.drain(s)
	w.pass(2 * heartbeat)
	if got := w.must(w.ask(s, read("GET", "k"))); got.Str != "sent" || s.r.Shut() {
		t.Errorf("when its disk answers again it has %v", got)
	}
}

// SAFETY B5: what never left a node is certainly not applied, and is said to be so.
func TestB5WhatNeverLeftIsTriedAgain(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	s := w.others(lead)[0]
	s.stuck = true
	w.must(w.ask(lead, write("SET", "k", "1")))
	w.cut(s)
	w.input(s, func(r *replica.Replica) { r.PeerLost(w.at(s), lead.id) })
	unsent := w.ask(s, write("SET", "k", "unsent"))
	w.pass(2 * election)
	if got := w.word(unsent); got != "TRYAGAIN" {
		t.Fatalf("the write was answered %q", got)
	}
}

const mib = 1 << 20

// space tells nodes how much room their disks have, and lets the leader hear of it.
func (w *trio) space(free uint64, list ...*seat) {
	w.t.Helper()
	for _, s := range list {
		w.input(s, func(r *replica.Replica) { r.Space(w.at(s), free, 10*mib) })
	}
	w.pass(2 * heartbeat)
}

// SAFETY B13, P16: when only the leader's disk is low, another leads, and everything is taken.
func TestB13OnlyTheLeadersDiskIsLow(t *testing.T) {
	w := newTrio(t)
	old := w.leader()
	w.space(1000*mib, w.nodes...)
	w.pass(election)
	w.space(80*mib, old)
	w.pass(heartbeat)
	next := w.leader()
	if next == old {
		t.Fatal("it leads on")
	}
	w.must(w.ask(old, write("SET", "k", "1")))
	w.pass(10 * election)
	if w.leader() != next {
		t.Fatal("somebody else leads")
	}
}

// SAFETY B13: when a quorum of disks has no room, what grows is refused and answered in its place, what
// frees is taken, and it ends by itself.
func TestB13FullDisksRefuseWhatGrows(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	low := []*seat{w.others(lead)[0], w.others(lead)[1]}
	asks := low[0]
	w.must(w.ask(lead, write("SET", "k", "1")))
	w.space(80*mib, low...)
	b := &replica.Batch{}
	for _, line := range []string{"SET k 2", "GET k", "DEL k", "GET k", "SET j 3"} {
		args := strings.Fields(line)
		b.Steps = append(b.Steps, entry.Step{Op: &entry.Op{Conn: 1, Args: args}, Write: args[0] != "GET"})
	}
	tx := write("EXEC")
	tx.Steps[0].Op.Queue = []caucus.Command{{"DEL", "k"}, {"SET", "k", "4"}}
	w.must(w.ask(asks, b))
	a, _ := w.answer(b)
	var got []string
	for _, r := range a.Results {
		text := r.Reply.Text()
		if r.Reply.Kind == caucus.KindInt {
			text = "int"
		}
		word, _, _ := strings.Cut(text, " ")
		got = append(got, word)
	}
	if text := strings.Join(got, ","); text != "NOSPACE,1,int,,NOSPACE" {
		t.Fatalf("the answers are %s", text)
	}
	w.must(w.ask(asks, tx))
	if got := w.word(tx); got != "NOSPACE" {
		t.Errorf("a transaction that grows is answered %q", got)
	}
	for _, line := range []string{"SESSION OPEN", "GROUP CREATE g", "GROUP JOIN g"} {
		b := write(strings.Fields(line)...)
		b.Steps[0].Op.Fresh = entry.Session{9}
		w.must(w.ask(asks, b))
		if got := w.word(b); got != "NOSPACE" {
			t.Errorf("%s is answered %q", line, got)
		}
	}
	if status := lead.r.Status(); !strings.Contains(status.Tight, "n") || w.leader() != lead {
		t.Errorf("the leader's status is %+v", status)
	}
	w.space(100*mib, low...) // not enough to begin again
	again := w.ask(asks, write("SET", "k", "5"))
	w.must(again)
	if got := w.word(again); got != "NOSPACE" {
		t.Errorf("with little more space it is answered %q", got)
	}
	w.space(1000*mib, low...)
	last := w.ask(asks, write("SET", "k", "6"))
	w.must(last)
	if got := w.word(last); got != "OK" {
		t.Errorf("with space again it is answered %q", got)
	}
}

// SAFETY B13: what was refused under a ONCE number may be asked again under it.
func TestB13RefusedIsNotRemembered(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	p := w.open(lead, 1)
	once := func() *replica.Batch {
		b := p.say(write("SET", "k", "1"))
		b.Steps[0].Op.Once = 7
		w.must(w.ask(lead, b))
		return b
	}
	w.space(80*mib, w.nodes...)
	if got := w.word(once()); got != "NOSPACE" {
		t.Fatalf("it is answered %q", got)
	}
	w.space(1000*mib, w.nodes...)
	if got := w.word(once()); got != "OK" {
		t.Fatalf("with space again it is answered %q", got)
	}
	w.space(80*mib, w.nodes...)
	if got := w.word(once()); got != "OK" {
		t.Fatalf("who asks again for what was applied is answered %q", got) // SAFETY A15
	}
}

// SAFETY B13: a disk that becomes low has a snapshot written, since that shortens the log; once.
func TestB13LowDiskWritesASnapshot(t *testing.T) {
	w := newTrio(t)
	s := w.others(w.leader())[0]
	count := func() (n int) {
		for range 5 {
			s.r.Space(w.at(s), 80*mib, 10*mib)
			if out := s.r.Output(); out.Checkpoint != nil {
				n++
				s.r.Checkpointed(w.at(s), out.Checkpoint.Meta.GetIndex(), nil)
			}
		}
		return n
	}
	if n := count(); n != 1 {
		t.Fatalf("%d snapshots were asked for", n)
	}
}

// SAFETY B13: a disk is low as soon as two snapshots and 64 MiB do not fit on it any more, and no longer once
// there are 32 MiB beside.
func TestB13RoomForTwoSnapshotsAnd64MiB(t *testing.T) {
	w := newTrio(t)
	s := w.leader()
	for _, step := range []struct {
		free uint64
		low  bool
	}{{84 * mib, false}, {84*mib - 1, true}, {116*mib - 1, true}, {116 * mib, false}, {84 * mib, false}} {
		w.input(s, func(r *replica.Replica) { r.Space(w.at(s), step.free, 10*mib) })
		if low := s.r.Status().Low; low != step.low {
			t.Errorf("with %d bytes and snapshots of 10 MiB it is low: %v", step.free, low)
		}
	}
}
