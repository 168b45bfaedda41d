package machine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
)

// pops has a client that has no session wait for an element.
func (b *bare) pops(conn uint64, words string) waiter {
	b.t.Helper()
	w := waiter{b, entry.Op{Conn: conn, Request: 1, Args: strings.Fields(words)}}
	if r := b.batch(w.op)[0].Reply; r.Kind != caucus.KindPush {
		b.t.Fatalf("%s does not wait: %+v", words, r)
	}
	return w
}

// push puts one element into a list, and gives how many are in it when those who wait are served.
func (b *bare) push(key, value string) int64 {
	b.t.Helper()
	b.batch(entry.Op{Conn: 99, Args: caucus.Command{"RPUSH", key, value}})
	return b.m.Read(&entry.Op{Args: caucus.Command{"LLEN", key}}, 0, false, steps{}).Int
}

// A wait for an element ends with what it was for: its time, its client, a new boot of its node, its node's
// absence or removal. What is pushed then is left for others (B7).
func TestB7_AWaitForAnElementEndsWithItsClient(t *testing.T) {
	reboot := func(b *bare) {
		n, _ := b.m.Node(1)
		n.Boot, n.Boots = entry.Boot{2}, n.Boots+1
		b.apply(&entry.Entry{Batches: []entry.Batch{{Node: 1, Boot: n.Boot, Number: 1,
			Ops: []entry.Op{machine.Boot(n)}}}})
	}
	for name, c := range map[string]struct {
		end  func(*bare)
		told string
	}{
		"time": {func(b *bare) {
			b.now += 300
			b.note()
		}, "(nil)"},
		"report": {func(b *bare) { b.batch(entry.Op{Conn: 1, Request: 1, Args: caucus.Command{".quitpop"}}) },
			"(nil)"},
		"absence": {func(b *bare) { b.note(machine.Absent(1, entry.Boot{1})) }, "TRYAGAIN"},
		"boot":    {reboot, "TRYAGAIN"},
		"removal": {func(b *bare) { b.note(machine.Gone(1)) }, "TRYAGAIN"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBare(t)
			w := b.pops(1, "BLPOP p q 0.2")
			for _, other := range []entry.Op{{Conn: 1, Request: 2}, {Conn: 2, Request: 1}} {
				other.Args = caucus.Command{".quitpop"} // of another request
				b.batch(other)
			}
			b.note(machine.Absent(1, entry.Boot{9}), machine.Absent(2, entry.Boot{1}), machine.Gone(2))
			if got := w.told(); got != "" {
				t.Fatalf("it was told %q already", got)
			}
			c.end(b)
			if got := w.told(); got != c.told {
				t.Errorf("it was told %q, want %q", got, c.told)
			}
			if _, ok := b.m.NextDeadline(); ok {
				t.Error("something is due still")
			}
			b.m.Waiters(func(node uint64, boot entry.Boot) { t.Errorf("node %d, boot %x waits still", node, boot) })
		})
	}
}

// However many wait, one element concerns the first of them, and one that was served is not timed out (B7).
func TestB7_AnElementConcernsOne(t *testing.T) {
	b := newBare(t)
	for n := range uint64(100) {
		b.pops(1+n, "BLPOP q other 5")
	}
	for n := range uint64(3) {
		b.ends = nil
		if left := b.push("q", fmt.Sprint(n)); left != 0 {
			t.Errorf("%d elements are left", left)
		}
		if len(b.ends) != 1 || b.ends[0].Conn != 1+n || b.ends[0].Reply.Items[1].Str != fmt.Sprint(n) {
			t.Errorf("it concerned %+v", b.ends)
		}
	}
	b.ends = nil
	b.now += 6000
	if b.note(); len(b.ends) != 97 {
		t.Errorf("%d were timed out", len(b.ends))
	}
}

// Nobody waits in a transaction, under a number, or in a custom command (B7, A15).
func TestB7_WhoMayNotWait(t *testing.T) {
	b := newBare(t)
	session := entry.Session{7}
	b.batch(entry.Op{Fresh: session, Bound: true, Args: caucus.Command{"SESSION", "OPEN"}})
	s, _ := b.m.Session(session)
	pop := caucus.Command{"BLPOP", "q", "0"}
	for name, op := range map[string]entry.Op{
		"transaction": {Args: caucus.Command{"EXEC"}, Queue: []caucus.Command{pop}},
		"number":      {Args: pop, Once: 1},
	} {
		op.Session, op.Attach, op.Conn = session, s.Attach, 5
		if r := b.batch(op)[0].Reply; !r.IsNil() && (len(r.Items) != 1 || !r.Items[0].IsNil()) {
			t.Errorf("%s: %+v", name, r)
		}
	}
	b.m.Waiters(func(uint64, entry.Boot) { t.Error("somebody waits") })
}

// A request that is told to wait again has one place in line (B7).
func TestB7_ARequestWaitsOnce(t *testing.T) {
	b := newBare(t)
	b.pops(1, "BLPOP q 0")
	b.pops(1, "BLPOP r 0")
	if b.push("q", "x") != 1 || b.push("r", "y") != 0 {
		t.Error("the earlier place is served")
	}
}
