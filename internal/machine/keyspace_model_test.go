package machine_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
	"pgregory.net/rapid"
)

// naive is the keyspace as plainly as it can be written.
type naive struct {
	keys map[string]naiveKey
	now  int64
}

type naiveKey struct {
	text string
	end  int64 // 0 for none
}

// newNaive begins a second after the beginning, so that no end is 0.
func newNaive(b *bare) *naive {
	b.Advance(1000)
	return &naive{keys: map[string]naiveKey{}, now: b.now}
}

// pass lets time pass and forgets what is over.
func (n *naive) pass(now int64) {
	n.now = now
	maps.DeleteFunc(n.keys, func(_ string, k naiveKey) bool { return k.end != 0 && k.end <= now })
}

func (n *naive) set(key, text string, end int64) {
	n.keys[key] = naiveKey{text, end}
	n.pass(n.now)
}

// act does something at random on both, and compares the answers.
func (n *naive) act(t *rapid.T, b *bare) {
	name := rapid.SampledFrom([]string{"a", "b", "c", "", "a longer key, so that it is not all alike"})
	key, other := name.Draw(t, "key"), name.Draw(t, "other")
	ms := rapid.Int64Range(-5, 40).Draw(t, "ms")
	old, had := n.keys[key]
	_, taken := n.keys[other]
	var cmd []string
	var want caucus.Reply
	switch rapid.IntRange(0, 13).Draw(t, "what") {
	case 0:
		cmd, want = []string{"SET", key, "x"}, caucus.OK()
		n.set(key, "x", 0)
	case 1:
		cmd, want = []string{"SET", key, "yy", "PXAT", fmt.Sprint(epoch0 + n.now + ms)}, caucus.OK()
		n.set(key, "yy", n.now+ms)
	case 2:
		cmd, want = []string{"SET", key, "z", "KEEPTTL"}, caucus.OK()
		n.set(key, "z", old.end)
	case 3:
		cmd, want = []string{"DEL", key}, caucus.Truth(had)
		delete(n.keys, key)
	case 4:
		cmd, want = []string{"APPEND", key, "+"}, caucus.Int(int64(len(old.text)+1))
		n.set(key, old.text+"+", old.end)
	case 5:
		cmd, want = []string{"PEXPIRE", key, fmt.Sprint(ms)}, caucus.Truth(had)
		if had {
			n.set(key, old.text, n.now+ms)
		}
	case 6:
		cmd = []string{"PEXPIRE", key, fmt.Sprint(ms), "GT"}
		want = caucus.Truth(had && old.end != 0 && n.now+ms > old.end)
		if want.Int == 1 {
			n.set(key, old.text, n.now+ms)
		}
	case 7:
		cmd, want = []string{"PERSIST", key}, caucus.Truth(old.end != 0)
		if had {
			n.set(key, old.text, 0)
		}
	case 8:
		cmd, want = []string{"RENAME", key, other}, caucus.Fail(caucus.ErrBad, "no such key")
		if had {
			want = caucus.OK()
			delete(n.keys, key)
			n.set(other, old.text, old.end)
		}
	case 9:
		cmd, want = []string{"COPY", key, other}, caucus.Truth(had && !taken)
		if key == other {
			want = caucus.Fail(caucus.ErrBad, "source and destination objects are the same")
		} else if had && !taken {
			n.set(other, old.text, old.end)
		}
	case 10:
		cmd, want = []string{"GETDEL", key}, caucus.Nil()
		if had {
			want = caucus.Bulk(old.text)
			delete(n.keys, key)
		}
	case 11:
		cmd, want = []string{"MSETNX", key, "1", other, "2"}, caucus.Truth(!had && !taken)
		if want.Int == 1 {
			n.set(key, "1", 0)
			n.set(other, "2", 0)
		}
	case 12:
		cmd, want = []string{"FLUSHALL"}, caucus.OK()
		clear(n.keys)
	default:
		b.Advance(b.now + max(0, ms))
		n.pass(b.now)
		return
	}
	if got := b.Do("c", cmd); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%q: %v, want %v", cmd, got, want)
	}
}

// check compares all that can be seen.
func (n *naive) check(t *rapid.T, b *bare) {
	all := slices.Sorted(maps.Keys(n.keys))
	if got := b.read(false, "KEYS", "*"); fmt.Sprint(got) != fmt.Sprint(caucus.Bulks(all...)) {
		t.Fatalf("KEYS: %v, want %q", got, all)
	}
	var next int64
	expiring, memory := 0, 0
	for _, name := range all {
		k := n.keys[name]
		memory += 128 + len(name) + len(k.text)
		left := int64(-1)
		if k.end != 0 {
			expiring++
			left = k.end - n.now
			if next == 0 || k.end < next {
				next = k.end
			}
		}
		if got := b.read(false, "GET", name); got.Str != k.text {
			t.Fatalf("GET %q: %v, want %q", name, got, k.text)
		}
		if got := b.read(false, "PTTL", name); got.Int != left {
			t.Fatalf("PTTL %q: %v, want %d", name, got, left)
		}
	}
	keys, ends := b.m.KeyCount()
	if keys != len(all) || ends != expiring || b.m.Memory() != int64(memory) {
		t.Fatalf("%d keys, %d expiring, %d bytes; want %d, %d, %d",
			keys, ends, b.m.Memory(), len(all), expiring, memory)
	}
	stamp, ok := b.m.NextDeadline()
	if ok != (next != 0) || ok && stamp != (epoch0+next)*1000 {
		t.Fatalf("the next deadline is %d, %v, want %d", stamp, ok, next)
	}
}

func TestKeyspaceIsTheNaiveOne(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBare(t)
		n := newNaive(b)
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			n.act(rt, b)
			n.check(rt, b)
			if rapid.IntRange(0, 9).Draw(rt, "reload") == 0 {
				b.m = reloaded(rt, b.m)
				n.check(rt, b)
			}
		}
	})
}

// reloaded saves a machine and loads it again, and compares.
func reloaded(t rapid.TB, m *machine.Machine) *machine.Machine {
	var first, second bytes.Buffer
	if err := m.View().Save(&first); err != nil {
		t.Fatal(err)
	}
	again, err := machine.Load(bytes.NewReader(first.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := again.View().Save(&second); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Fatal("saved, loaded and saved again, the snapshot differs")
	}
	return again
}

// Watches noted before a snapshot are decided alike by who loaded it.
func TestB8_ReloadedMachineDecidesAlike(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBare(t)
		n := newNaive(b)
		for range rapid.IntRange(0, 10).Draw(rt, "before") {
			n.act(rt, b)
		}
		ws := b.watched("a", "b", "")
		for range rapid.IntRange(0, 5).Draw(rt, "between") {
			n.act(rt, b)
		}
		again := reloaded(rt, b.m)
		for _, w := range ws {
			op := entry.Op{Args: caucus.Command{"EXEC"}, Queue: []caucus.Command{{"DBSIZE"}}, Watch: []entry.Watch{w}}
			one, two := b.m.Read(&op, 0, false, steps{}), again.Read(&op, 0, false, steps{})
			if one.IsNil() != two.IsNil() {
				rt.Fatalf("%+v: %v, and after a reload %v", w, one, two)
			}
		}
	})
}

func BenchmarkSet(b *testing.B) {
	for _, keys := range []int{1000, 1_000_000} {
		b.Run(strconv.Itoa(keys), func(b *testing.B) {
			st := newBare(b)
			names := fill(st, keys)
			value := "a value of some thirty-two bytes"
			e := entry.Entry{Batches: []entry.Batch{{Node: 1, Boot: entry.Boot{1}, Ops: []entry.Op{{}}}}}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				st.number++
				st.index++
				e.Batches[0].Number = st.number
				e.Batches[0].Ops[0].Args = caucus.Command{"SET", names[i*7919%keys], value}
				if _, err := st.m.Apply(st.index, bareTerm, &e, steps{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSetWhileSaved sets keys all over the tree with a new view before every 10,000 of them.
func BenchmarkSetWhileSaved(b *testing.B) {
	st := newBare(b)
	names := fill(st, 1_000_000)
	op := entry.Op{}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%10_000 == 0 {
			st.m.View()
		}
		op.Args = caucus.Command{"SET", names[i*7919%len(names)], "v"}
		applyOnly(b, st, op)
	}
}

func BenchmarkGet(b *testing.B) {
	for _, keys := range []int{1000, 1_000_000} {
		b.Run(strconv.Itoa(keys), func(b *testing.B) {
			st := newBare(b)
			names := fill(st, keys)
			op := entry.Op{}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				op.Args = caucus.Command{"GET", names[i*7919%keys]}
				if r := st.m.Read(&op, 0, false, steps{}); r.IsNil() {
					b.Fatal("not found")
				}
			}
		})
	}
}

func BenchmarkSave(b *testing.B) {
	st := newBare(b)
	fill(st, 1_000_000)
	var size counter
	b.ReportAllocs()
	for b.Loop() {
		size = 0
		if err := st.m.View().Save(&size); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(size))
}

func BenchmarkLoad(b *testing.B) {
	st := newBare(b)
	fill(st, 1_000_000)
	data := saved(b, st.m.View())
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := machine.Load(bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
}

type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// fill makes keys and gives their names.
func fill(st *bare, keys int) []string {
	names := make([]string, keys)
	ops := make([]entry.Op, keys)
	for i := range ops {
		names[i] = fmt.Sprintf("key:%012d", i)
		ops[i].Args = caucus.Command{"SET", names[i], "a value of some thirty-two bytes"}
	}
	for chunk := range slices.Chunk(ops, 1000) {
		st.batch(chunk...)
	}
	return names
}
