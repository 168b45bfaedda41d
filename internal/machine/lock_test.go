package machine_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
)

// waiter is a client that asks for the lock "l" and may have to wait for it.
type waiter struct {
	b  *bare
	op entry.Op
}

// wants has a client of its own session ask for the lock; the first to ask has it.
func (b *bare) wants(number uint64, more ...string) waiter {
	b.t.Helper()
	w := waiter{b, entry.Op{Conn: number, Request: 1, Fresh: entry.Session{byte(number)}, Bound: true,
		Args: append(caucus.Command{"LOCK", "ACQUIRE", "l"}, more...)}}
	w.op.Attach = b.batch(w.op)[0].Attach
	w.op.Session, w.op.Fresh = w.op.Fresh, entry.Session{}
	return w
}

// is says how a client's request stands: "had", "waits", "over" or an error's word.
func (w waiter) is() string {
	w.b.t.Helper()
	op := w.op
	op.Args = caucus.Command{".inline", "lock/l"}
	switch r := w.b.m.Read(&op, 0, false, steps{}); r.Kind {
	case caucus.KindInt:
		return "had"
	case caucus.KindPush:
		return "waits"
	case caucus.KindError:
		return caucus.ParseError(r.Str).Word
	default:
		return "over"
	}
}

// told says what the entry that ended the wait has made of it: a term, "(nil)" or an error's word, or ""
// while none has. It must be told once.
func (w waiter) told() (answer string) {
	w.b.t.Helper()
	for _, e := range w.b.ends {
		if e.Conn != w.op.Conn || e.Request != w.op.Request {
			continue
		}
		if answer != "" || e.Node != 1 || e.Boot != (entry.Boot{1}) {
			w.b.t.Errorf("told %s after %q", e.Reply.Text(), answer)
		}
		if answer = e.Reply.Text(); e.Reply.IsNil() {
			answer = "(nil)"
		} else if e.Reply.Kind == caucus.KindError {
			answer = caucus.ParseError(e.Reply.Str).Word
		}
	}
	return answer
}

func (w waiter) close() { w.do("SESSION", "CLOSE") }

func (w waiter) do(words ...string) caucus.Reply {
	op := w.op
	op.Request++
	op.Args = words
	return w.b.batch(op)[0].Reply
}

func (b *bare) stand(want string, waiters ...waiter) {
	b.t.Helper()
	got := ""
	for _, w := range waiters {
		got += " " + w.is()
	}
	if got[1:] != want {
		b.t.Errorf("they stand like this:%s, and should: %s", got, want)
	}
}

// The line is served in the order in which it was joined, each in the entry that frees the lock, and what
// was served is not timed out later (B7).
func TestB7_TheLineIsFair(t *testing.T) {
	b := newBare(t)
	all := []waiter{b.wants(1), b.wants(2, "WAIT", "0"), b.wants(3, "WAIT", "5000"), b.wants(4, "WAIT", "0")}
	b.stand("had waits waits waits", all...)
	all[1].close()
	b.stand("had NOSESSION waits waits", all...)
	all[0].close()
	b.stand("NOSESSION NOSESSION had waits", all...)
	if stamp, ok := b.m.NextDeadline(); ok {
		t.Errorf("something is due at %d still", stamp)
	}
	term := all[2].do("LOCK", "ACQUIRE", "l")
	if got := []string{all[1].told(), all[2].told(), all[3].told()}; !slices.Equal(got,
		[]string{"NOSESSION", term.Text(), ""}) {
		t.Errorf("they were told %q", got)
	}
	all[2].do("LOCK", "RELEASE", "l", term.Text())
	b.stand("over had", all[2], all[3])
	if now := all[3].do("LOCK", "ACQUIRE", "l"); all[3].told() != now.Text() {
		t.Errorf("the last was told %q, and holds it under %s", all[3].told(), now.Text())
	}
}

// However many wait, a release concerns one of them (B7).
func TestB7_AReleaseConcernsOne(t *testing.T) {
	b := newBare(t)
	holder := b.wants(1)
	for n := range uint64(100) {
		b.wants(2+n, "WAIT", "0")
	}
	b.ends = nil
	holder.close()
	if len(b.ends) != 1 || b.ends[0].Conn != 2 {
		t.Errorf("it concerned %+v", b.ends)
	}
}

// A wait ends with what it was for: its time, its client's connection, a RESUME elsewhere, the report that
// nobody is there any more, and a new boot of its node. The holder keeps what it has through all of that
// (B7).
func TestB7_AWaitEndsWithItsClient(t *testing.T) {
	b := newBare(t)
	holder := b.wants(1, "WAIT", "0")
	ends := map[string]func(w waiter){
		"time": func(waiter) {
			b.now += 300
			b.note()
		},
		"connection": func(w waiter) { b.batch(machine.Drop(w.op.Session, w.op.Attach)) },
		"resume": func(w waiter) {
			id := w.op.Session
			b.batch(entry.Op{Bound: true, Args: caucus.Command{"SESSION", "RESUME", string(id[:])}})
		},
		"report": func(w waiter) {
			op := w.op
			op.Args = caucus.Command{".forsake", "lock/l"}
			b.batch(op)
		},
		"another wait": func(w waiter) { w.do("LOCK", "ACQUIRE", "l", "WAIT", "0") },
		"no wait":      func(w waiter) { w.do("LOCK", "ACQUIRE", "l") },
		"boot": func(waiter) {
			n, _ := b.m.Node(1)
			n.Boot, n.Boots = entry.Boot{2}, n.Boots+1
			b.apply(&entry.Entry{Batches: []entry.Batch{{Node: 1, Boot: n.Boot, Number: 1,
				Ops: []entry.Op{machine.Boot(n)}}}})
		},
	}
	number := uint64(1)
	for _, name := range []string{"time", "connection", "resume", "report", "another wait", "no wait", "boot"} {
		number++
		w := b.wants(number, "WAIT", "200")
		other := w
		other.op.Request = 9
		other.op.Args = caucus.Command{".forsake", "lock/l"}
		b.batch(other.op) // of another request
		if w.is() != "waits" {
			t.Fatalf("%s: it does not wait", name)
		}
		ends[name](w)
		if got := w.is(); got != "over" {
			t.Errorf("%s: it %s", name, got)
		}
		if got := w.told(); got != "(nil)" {
			t.Errorf("%s: it was told %q", name, got)
		}
		if holder.is() != "had" {
			t.Errorf("%s: the holder has lost the lock", name)
		}
	}
	if members := len(b.members("lock/l")); members != 1 {
		t.Errorf("%d members are left beside the holder", members-1)
	}
}

func (b *bare) members(group string) []caucus.Reply {
	op := entry.Op{Args: caucus.Command{"GROUP", "MEMBERS", group}}
	return b.m.Read(&op, 0, false, steps{}).Items
}

// A snapshot holds the waits, and their deadlines with them (B6).
func TestB6_WaitsOutliveASnapshot(t *testing.T) {
	b := newBare(t)
	b.wants(1)
	w := b.wants(2, "WAIT", "100")
	var data bytes.Buffer
	if err := b.m.View().Save(&data); err != nil {
		t.Fatal(err)
	}
	again, err := machine.Load(&data)
	if err != nil {
		t.Fatal(err)
	}
	b.m = again
	b.stand("waits", w)
	b.now += 100
	b.note()
	b.stand("over", w)
}

// Who comes and goes in the line takes nothing from the holder, whose belief needs no new promise (A3).
func TestA3_TheLineDisturbsNoHolder(t *testing.T) {
	b := newBare(t)
	holder := b.wants(1)
	version := func() string { return fmt.Sprint(b.m.Version(holder.op.Session)) }
	before := version()
	for n := range uint64(5) {
		b.wants(2+n, "WAIT", "0").close()
	}
	if version() != before {
		t.Errorf("the version went from %s to %s", before, version())
	}
	b.m.Pendings(func(p machine.Pending) bool {
		t.Errorf("%+v waits to be granted", p)
		return true
	})
}
