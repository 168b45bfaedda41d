package machine

import (
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
)

// aside applies one operation of a client of node 1.
func aside(t *testing.T, m *Machine, number uint64, op entry.Op) caucus.Reply {
	t.Helper()
	out, err := m.Apply(m.index+1, 1, &entry.Entry{Stamp: m.stamp, Batches: []entry.Batch{{Node: 1,
		Boot: entry.Boot{3}, Number: number, Ops: []entry.Op{op}}}}, answering{})
	if err != nil || out.Batches[0].Duplicate {
		t.Fatalf("%+v, %v", out, err)
	}
	return out.Batches[0].Results[0].Reply
}

// answering is the host of a client that asks for nothing but writes.
type answering struct{ deaf }

func (answering) Steps(b *entry.Batch) []entry.Step {
	return []entry.Step{{Op: &b.Ops[0], Write: true}}
}

// Who waits for elements counts in memory, and is refused when one command, or all of them, wait for too
// much.
func TestB13_WhoWaitsIsCounted(t *testing.T) {
	m := full(t)
	m.limits = limits{}
	before := m.Memory()
	wait := entry.Op{Conn: 70, Args: caucus.Command{"BLPOP", strings.Repeat("k", 1000), "0"}}
	if r := aside(t, m, 10, wait); r.Kind != caucus.KindPush || m.Memory() < before+2000 {
		t.Errorf("%+v, and of %d bytes %d are counted", r, before, m.Memory())
	}
	counted(t, m)
	r := aside(t, m, 11, entry.Op{Conn: 70, Args: caucus.Command{opQuitPop}})
	if r.Int != 1 || m.Memory() != before {
		t.Errorf("%+v, and of %d bytes %d are counted", r, before, m.Memory())
	}
	wait.Args[1] = strings.Repeat("k", mostWait)
	if r := aside(t, m, 12, wait); !strings.HasPrefix(r.Str, "ERR a command that waits is counted with") {
		t.Errorf("a wait for a key of 1 MiB: %+v", r)
	}
	m.pops.bytes += mostWaiting - 1000
	wait.Args[1] = strings.Repeat("k", 1000)
	if r := aside(t, m, 13, wait); !strings.HasPrefix(r.Str, "TRYAGAIN those who wait") {
		t.Errorf("one wait too many: %+v", r)
	}
}

// A key that is filled many times in one transaction is looked through for waiters once.
func TestB13_AKeyIsServedOncePerTransaction(t *testing.T) {
	m := full(t)
	for i := range uint64(3) {
		aside(t, m, 10+i, entry.Op{Conn: 70 + i, Args: caucus.Command{"BZPOPMIN", "filled", "0"}})
	}
	for range 5 {
		m.awaited("filled", value{kind: kindList})
		m.awaited("other", value{kind: kindList})
	}
	if len(m.ready) != 1 {
		t.Errorf("%q are looked through", m.ready)
	}
}

// What a LINSERT moves is the shorter side of a list.
func TestLInsertMovesTheShorterSide(t *testing.T) {
	m := full(t)
	push := caucus.Command{"RPUSH", "long"}
	for range 100 {
		push = append(push, "x")
	}
	push[3], push[100] = "near", "far"
	aside(t, m, 10, entry.Op{Args: push})
	l := func() *list { return m.keys.bodyOf(mustFind(t, m, "long")).elements.(*list) }
	first, _, _ := l().places.Min()
	last, _, _ := l().places.Max()
	aside(t, m, 11, entry.Op{Args: caucus.Command{"LINSERT", "long", "AFTER", "near", "y"}})
	if now, _, _ := l().places.Max(); now != last {
		t.Errorf("the last has moved from %d to %d", last, now)
	}
	lowest, _, _ := l().places.Min()
	aside(t, m, 12, entry.Op{Args: caucus.Command{"LINSERT", "long", "BEFORE", "far", "y"}})
	if now, _, _ := l().places.Min(); now != lowest || now >= first {
		t.Errorf("the first has moved from %d to %d", lowest, now)
	}
	all := values(l())
	if all[1] != "near" || all[2] != "y" || all[99] != "y" || all[100] != "far" || len(all) != 102 {
		t.Errorf("%q", all)
	}
}

// A refusal for too much work is not kept under the number of its request, so that it can be asked again.
func TestB13_ARefusalForWorkIsNotKept(t *testing.T) {
	m := full(t)
	w := &window{}
	m.work.spent = mostEffort + 1
	var id string
	m.sessions.Scan(func(key string, s *session) bool { id, w = key, &s.once; return false })
	before := w.last
	op := entry.Op{Session: entry.Session([]byte(id)), Once: before + 1,
		Args: caucus.Command{"APPEND", "a", "b"}}
	c := m.call(&op)
	s, _ := m.session(op.Session)
	c.op.Attach = s.attach
	if r := m.once(c, func() caucus.Reply { return m.write(c) }); r.Str != errEffort.Error() {
		t.Fatalf("%+v", r)
	}
	if s, _ = m.session(op.Session); s.once.last != before {
		t.Errorf("number %d is kept", s.once.last)
	}
}
