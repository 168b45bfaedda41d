package machine_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/waist"
	"pgregory.net/rapid"
)

// builds gives how many bytes are allocated meanwhile, freed ones among them.
func builds(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// one carries out one operation of nobody's session.
func (b *bare) one(args ...string) caucus.Reply {
	b.t.Helper()
	return b.batch(entry.Op{Args: args})[0].Reply
}

// together carries out commands in one transaction, numbered unless n is 0.
func (b *bare) together(n uint64, queue ...caucus.Command) caucus.Reply {
	b.t.Helper()
	op := entry.Op{Args: caucus.Command{"EXEC"}, Queue: queue, Once: n}
	if n > 0 {
		s := b.of("a")
		op.Session, op.Attach = s.ID, s.Attach
	}
	return b.batch(op)[0].Reply
}

func again(n int, cmd ...string) []caucus.Command {
	queue := make([]caucus.Command, n)
	for i := range queue {
		queue[i] = cmd
	}
	return queue
}

func refusedFor(r caucus.Reply, why string) bool {
	return r.Kind == caucus.KindError && strings.Contains(r.Str, why)
}

// A reply that is kept for a numbered request is carried out by every node. Of one that is too large nothing
// is written, and the others stay (A15, B13).
func TestB13_NothingIsBuiltOfAReplyThatIsTooLargeToKeep(t *testing.T) {
	b := newBare(t)
	b.do("a", "SESSION OPEN")
	b.one("SET", "big", strings.Repeat("x", 8<<20))
	b.one("HSET", "h", "f", strings.Repeat("x", 8<<20))
	b.together(1, again(1, "PUBLISH", "c", "m")...)
	fields := caucus.Command(append([]string{"HMGET", "h"}, strings.Fields(strings.Repeat("f ", 10_000))...))
	built := builds(func() {
		queue := append(again(1000, "GET", "big"), again(20, fields...)...)
		r := b.together(2, append(queue, caucus.Command{"INCR", "n"})...)
		switch {
		case len(r.Items) != 1021 || r.Items[0].Str == "" || r.Items[1020].Int != 1:
			t.Errorf("it answers %d items, the last %+v", len(r.Items), r.Items[len(r.Items)-1])
		case !refusedFor(r.Items[999], "the reply would be"), !refusedFor(r.Items[1000], "the reply would be"):
			t.Error("GETs of 8 GB, or fields of 80 GB, are answered in one reply")
		}
	})
	if built > 256<<20 {
		t.Errorf("%d MiB were built", built>>20)
	}
	if r := b.together(2, again(1, "INCR", "n")...); !refusedFor(r, "GAP 2 was carried out") {
		t.Errorf("the same number again answers %+v", r)
	}
	if r := b.together(1, again(1, "INCR", "n")...); r.Kind != caucus.KindArray {
		t.Errorf("the number before answers %+v", r)
	}
}

// SORT makes of a list and patterns no more than an answer, or one command, may have (B13).
func TestB13_SortDoesNotMultiply(t *testing.T) {
	b := newBare(t)
	b.one("SET", "bigx", strings.Repeat("x", 1<<20))
	b.one(append([]string{"RPUSH", "l"}, strings.Fields(strings.Repeat("x ", 4000))...)...)
	few := append([]string{"SORT", "l", "ALPHA"}, strings.Fields(strings.Repeat("GET big* ", 4))...)
	many := append([]string{"SORT", "l", "ALPHA"}, strings.Fields(strings.Repeat("GET big* ", 4000))...)
	long := []string{"SORT", "l", "BY", strings.Repeat("x", 1<<20) + "*"}
	for why, cmd := range map[string][]string{
		"the reply would be larger": few, "one command may add": append(few, "STORE", "d"),
		"too much for one SORT": many, "1 patterns are too much": long,
	} {
		var r caucus.Reply
		built := builds(func() { r = b.one(cmd...) })
		if !refusedFor(r, why) {
			t.Errorf("%.60q answers %.80q, want %q", cmd[1:], r.Str, why)
		}
		if built > 2500<<20 {
			t.Errorf("for %q %d MiB were built", why, built>>20)
		}
	}
	if b.m.Memory() > 2<<20 {
		t.Errorf("%d bytes are held", b.m.Memory())
	}
}

// What a transaction, or an entry, may come to is bounded without any limit on memory: what is laborious is
// refused from then on, on all nodes alike, and what is not is carried out (B13).
func TestB13_AnEntryIsNoMoreWorkThanANodeCanDo(t *testing.T) {
	b := newBare(t)
	b.one("SET", "k", "x")
	queue := append(again(40, "SETRANGE", "k", fmt.Sprint(64<<20-1), "y"), caucus.Command{"INCR", "n"})
	r := b.together(0, queue...)
	if r.Items[10].Int != 64<<20 || !refusedFor(r.Items[39], "TRYAGAIN") || r.Items[40].Int != 1 {
		t.Errorf("%+v, %+v, %+v", r.Items[10], r.Items[39], r.Items[40])
	}
	if r := b.one("APPEND", "n", "0"); r.Int != 2 {
		t.Errorf("the next entry begins with %+v", r)
	}
	if r := b.one("SETRANGE", "m", "67108864", "y"); !refusedFor(r, "max-value-bytes") {
		t.Errorf("a string above the default limit: %+v", r)
	}
}

// Reads that come together are bounded as well; what they come to decides nothing about writes.
func TestB13_ReadsOfAPipelineAreBounded(t *testing.T) {
	b := newBare(t)
	values := strings.Fields(strings.Repeat("x ", 100_000))
	b.one(append([]string{"RPUSH", "l"}, values...)...)
	list := make([]entry.Step, 300)
	for i := range list {
		list[i] = entry.Step{Op: &entry.Op{Args: caucus.Command{"LRANGE", "l", "0", "-1"}}}
	}
	list = append(list, entry.Step{Op: &entry.Op{Args: caucus.Command{"GET", "l"}}})
	built := builds(func() {
		results := b.m.ReadAll(list, 0, false, steps{})
		if len(results[0].Reply.Items) != len(values) || !refusedFor(results[299].Reply, "TRYAGAIN") ||
			!refusedFor(results[300].Reply, "WRONGTYPE") {
			t.Errorf("the first has %d items, the last are %+v", len(results[0].Reply.Items), results[299:])
		}
	})
	if built > 1<<30 {
		t.Errorf("%d MiB were built", built>>20)
	}
}

// What would take many times longer than there are elements is done in another way, or refused (B13). That
// these come to an end at all is the test.
func TestB13_NothingTakesLongerThanThereIsToGoThrough(t *testing.T) {
	b := newBare(t)
	var members, scored, absent, same []string
	for i := range 50_000 {
		members = append(members, fmt.Sprint("m", i))
		scored = append(scored, "1", fmt.Sprint("m", i))
		absent = append(absent, fmt.Sprint("none", i))
		same = append(same, "z")
		b.one("SADD", fmt.Sprint("small", i), "m0")
	}
	b.one(append([]string{"SADD", "s"}, members...)...)
	b.one(append([]string{"ZADD", "z"}, scored...)...)
	small := make([]string, 50_000)
	for i := range small {
		small[i] = fmt.Sprint("small", i)
	}
	sets := func(name string, lists ...[]string) []string {
		cmd := []string{name, "d", "s"}
		for _, l := range lists {
			cmd = append(cmd, l...)
		}
		return cmd
	}
	ranked := func(name string, keys []string) []string {
		return append([]string{name, "d", fmt.Sprint(len(keys))}, keys...)
	}
	for _, c := range []struct {
		cmd  []string
		want int64
		why  string
	}{
		{sets("SUNIONSTORE", absent, small), 50_000, ""},
		{sets("SDIFFSTORE", absent, small), 49_999, ""},
		{sets("SINTERSTORE", absent), 0, ""},
		{ranked("ZUNIONSTORE", same), 0, "the same sets are named so often"},
		{ranked("ZINTERSTORE", same), 0, "the same sets are named so often"},
		{ranked("ZUNIONSTORE", []string{"z", "z", "z"}), 50_000, ""},
		{ranked("ZDIFFSTORE", append([]string{"z"}, small...)), 49_999, ""},
		{ranked("ZDIFFSTORE", same), 0, ""},
	} {
		r := b.one(c.cmd...)
		if c.why == "" && (r.Kind != caucus.KindInt || r.Int != c.want) || c.why != "" && !refusedFor(r, c.why) {
			t.Errorf("%s of %d answers %+v", c.cmd[0], len(c.cmd), r)
		}
	}
}

// A MULTI draws anew for each of its commands, and so do two connections.
func TestDrawsDiffer(t *testing.T) {
	b := newBare(t)
	for i := range 1000 {
		b.one("SADD", "s", fmt.Sprint(i))
	}
	seen := map[string]bool{}
	for _, item := range b.together(0, again(10, "SRANDMEMBER", "s")...).Items {
		seen[item.Str] = true
	}
	for conn := range uint64(10) {
		op := entry.Op{Conn: conn, Request: 1, Args: caucus.Command{"SRANDMEMBER", "s"}}
		seen[b.m.Read(&op, 5, false, steps{}).Str] = true
	}
	if len(seen) < 15 {
		t.Errorf("of 20 draws %d differ", len(seen))
	}
}

// elsewhere is a node that no client of a batch sits on.
type elsewhere struct{ steps }

func (elsewhere) Steps(*entry.Batch) []entry.Step { return nil }

// Whatever clients send, all nodes come to the same state, whether the clients sit there or not, and memory
// stays within its limit and what single commands bring along (B13).
func TestB13_LimitsHoldAndAreAlikeOnAllNodes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		const limit, largest = 60_000, 4_000
		here, there := newBare(t), newBare(t)
		here.do("a", "SESSION OPEN")
		there.do("a", "SESSION OPEN")
		s := here.of("a")
		for _, b := range []*bare{here, there} {
			b.one("CONFIG", "SET", "maxmemory", fmt.Sprint(limit), "max-reply-bytes", "5000", "max-elements", "40",
				"max-value-bytes", fmt.Sprint(largest))
		}
		once := uint64(0)
		for range rapid.IntRange(1, 20).Draw(rt, "operations") {
			op := entry.Op{Conn: 1, Request: 1, Session: s.ID, Attach: s.Attach}
			for range rapid.IntRange(1, 8).Draw(rt, "commands") {
				op.Queue = append(op.Queue, anyCommand(rt))
			}
			switch rapid.IntRange(0, 2).Draw(rt, "kind") {
			case 0:
				op.Args, op.Queue = op.Queue[0], nil
			case 1:
				once++
				op.Args, op.Once = caucus.Command{"EXEC"}, once
			default:
				op.Args = caucus.Command{"EXEC"}
			}
			r := here.batch(op)[0].Reply
			there.elsewhere(op)
			if w := waist.Weight(&r, 1<<30); w > 3*5000+largest {
				rt.Fatalf("%+v answers %d bytes", op, w)
			}
			if m := here.m.Memory(); m > limit+16*largest {
				rt.Fatalf("after %+v %d bytes are held", op, m)
			}
			if one, other := digestOf(t, here.m), digestOf(t, there.m); one != other {
				rt.Fatalf("the states differ after %+v", op)
			}
		}
	})
}

// elsewhere applies an operation as a node does that its client does not sit on.
func (b *bare) elsewhere(op entry.Op) {
	b.number++
	b.index++
	_, err := b.m.Apply(b.index, bareTerm, &entry.Entry{Level: entry.Level, Term: bareTerm, Stamp: epoch0 * 1000,
		Batches: []entry.Batch{{Node: 1, Boot: entry.Boot{1}, Number: b.number, Ops: []entry.Op{op}}}}, elsewhere{})
	if err != nil {
		b.t.Fatal(err)
	}
}

func digestOf(t *testing.T, m *machine.Machine) [32]byte {
	t.Helper()
	sum, err := m.View().Digest()
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// anyCommand draws a command that adds, multiplies, takes or tells, on few keys.
func anyCommand(rt *rapid.T) caucus.Command {
	key := func() string { return rapid.SampledFrom([]string{"l", "s", "z", "h", "k", "m"}).Draw(rt, "key") }
	text := func() string { return strings.Repeat("x", rapid.IntRange(0, 3000).Draw(rt, "bytes")) }
	n := func() string { return fmt.Sprint(rapid.IntRange(-5, 4000).Draw(rt, "n")) }
	words := func() []string {
		return strings.Fields(fmt.Sprint(rapid.SliceOfN(rapid.IntRange(0, 99), 1, 30).Draw(rt, "words"))[1:])
	}
	switch rapid.IntRange(0, 19).Draw(rt, "command") {
	case 0:
		return caucus.Command{"SETRANGE", key(), n(), "y"}
	case 1:
		return caucus.Command{"APPEND", key(), text()}
	case 2:
		return append(caucus.Command{"RPUSH", "l"}, words()...)
	case 3:
		return append(caucus.Command{"SADD", "s"}, words()...)
	case 4:
		return caucus.Command{"HSET", "h", n(), text()}
	case 5:
		return caucus.Command{"ZADD", "z", "1", n(), "2", n()}
	case 6:
		return caucus.Command{"COPY", key(), key(), "REPLACE"}
	case 7:
		return caucus.Command{"SORT", key(), "BY", "x*", "GET", "k*", "GET", "#", "STORE", key()}
	case 8:
		return caucus.Command{"SORT", key(), "ALPHA", "GET", "#", "GET", "h->f"}
	case 9:
		return caucus.Command{"SUNIONSTORE", key(), "s", key()}
	case 10:
		return caucus.Command{"ZUNIONSTORE", key(), "3", "z", "s", "z"}
	case 11:
		return caucus.Command{"LPOP", "l", n()}
	case 12:
		return caucus.Command{"SPOP", "s", n()}
	case 13:
		return caucus.Command{"LMOVE", "l", key(), "LEFT", "RIGHT"}
	case 14:
		return caucus.Command{"HGETALL", "h"}
	case 15:
		return caucus.Command{"SRANDMEMBER", "s", "-30"}
	case 16:
		return caucus.Command{"LRANGE", "l", "0", "-1"}
	case 17:
		return caucus.Command{"GETEX", key(), "PERSIST"}
	case 18:
		return caucus.Command{"DEL", key()}
	}
	return caucus.Command{"BLPOP", key(), key(), "0"}
}
