package machine_test

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
	"pgregory.net/rapid"
)

// changesFrom reads all changes from a revision on.
func (b *bare) changesFrom(from uint64, more ...string) caucus.Reply {
	return b.read(false, append([]string{"CHANGES", "FROM", strconv.FormatUint(from, 10)}, more...)...)
}

func (b *bare) wantGap(from, oldest uint64) {
	b.t.Helper()
	r := b.changesFrom(from)
	if want := fmt.Sprintf("GAP %d ", oldest); r.Kind != caucus.KindError || !strings.HasPrefix(r.Str, want) {
		b.t.Errorf("FROM %d: %v, want %s", from, r, want)
	}
}

// The changes are what makes one keyspace of the other: who follows them and reads each key that is named has
// at the end what the store has, whatever happened, and what is not told is not changed.
func TestChangesTellOfEveryKey(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBare(t)
		n := newNaive(b)
		seen, next := map[string]string{}, b.m.Counter()+1
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			n.act(rt, b)
			if rapid.IntRange(0, 9).Draw(rt, "reload") == 0 {
				b.m = reloaded(rt, b.m)
			}
			if rapid.IntRange(0, 3).Draw(rt, "follow") == 0 {
				next = b.mirror(rt, seen, next)
			}
		}
		b.mirror(rt, seen, next)
		for key, k := range n.keys {
			if seen[key] != k.text {
				rt.Fatalf("%q is %q, who follows has %q", key, k.text, seen[key])
			}
		}
		if len(seen) != len(n.keys) {
			rt.Fatalf("%d keys, who follows has %d", len(n.keys), len(seen))
		}
	})
}

// mirror does what the changes from a revision on say, and gives where to go on.
func (b *bare) mirror(t *rapid.T, seen map[string]string, next uint64) uint64 {
	for _, c := range b.changesFrom(next).Items {
		if revision := uint64(c.Items[0].Int); revision < next || revision > b.m.Counter() {
			t.Fatalf("a change has revision %d, from %d on", revision, next)
		}
		next = uint64(c.Items[0].Int) + 1
		key := c.Items[2].Str
		if c.Items[1].Str == "flushall" {
			clear(seen)
		} else if now := b.read(false, "GET", key); now.IsNil() {
			delete(seen, key)
		} else {
			seen[key] = now.Str
		}
	}
	return next
}

func TestChangesThatAreNotKeptAreAGap(t *testing.T) {
	b := newBare(t)
	first := b.m.Counter() + 1
	long := strings.Repeat("k", 1<<20)
	for i := range 20 {
		b.Do("a", caucus.Command{"SET", strconv.Itoa(i) + long, "v"})
	}
	kept := b.changesFrom(first + 10).Items
	if len(kept) != 10 {
		t.Fatalf("%d of the last 10 are kept", len(kept))
	}
	oldest := b.m.Counter() - 14 // of keys of a little over a mebibyte 15 fit into sixteen
	b.wantGap(0, oldest)
	b.wantGap(oldest-1, oldest)
	if n := len(b.changesFrom(oldest).Items); n != 15 {
		t.Errorf("%d are kept", n)
	}
	b.m = reloaded(t, b.m)
	b.wantGap(oldest-1, oldest)
	if n := len(b.changesFrom(oldest).Items); n != 15 {
		t.Errorf("%d are kept after a reload", n)
	}
}

// A revision that is still to come is no place to wait at: it is of another ensemble, or of this one before
// it was restored. A state that may be stale only lags behind.
func TestARevisionToComeIsAGap(t *testing.T) {
	b := newBare(t)
	b.Do("a", caucus.Command{"SET", "k", "v"})
	newest := b.m.Counter()
	if r := b.changesFrom(newest + 1); len(r.Items) != 0 || r.Kind != caucus.KindArray {
		t.Errorf("behind the newest: %v", r)
	}
	b.wantGap(newest+2, 0)
	if r := b.read(true, "CHANGES", "FROM", strconv.FormatUint(newest+2, 10)); r.Kind != caucus.KindArray {
		t.Errorf("a stale read: %v", r)
	}
}

// Changes are part of what is read in a transaction, and of what it does.
func TestChangesInATransaction(t *testing.T) {
	b := newBare(t)
	from := strconv.FormatUint(b.m.Counter()+1, 10)
	b.Do("a", caucus.Command{"MULTI"})
	b.Do("a", caucus.Command{"SET", "a", "1"})
	b.Do("a", caucus.Command{"CHANGES", "FROM", from, "BLOCK", "0"})
	b.Do("a", caucus.Command{"DEL", "a"})
	r := b.Do("a", caucus.Command{"EXEC"})
	if got := fmt.Sprint(r.Items[1]); got != fmt.Sprint(b.changesFrom(b.m.Counter()-1, "COUNT", "1")) {
		t.Errorf("in the middle: %s", got)
	}
}

// A restored ensemble, and one that was founded anew by a survivor, have no past that could be relied on.
func TestARestoredEnsembleHasNoPast(t *testing.T) {
	b := newBare(t)
	b.Do("a", caucus.Command{"SET", "k", "v"})
	before := b.m.Counter()
	var dump bytes.Buffer
	if err := b.m.View().Dump(&dump); err != nil {
		t.Fatal(err)
	}
	read, err := machine.ReadDump(&dump)
	if err != nil {
		t.Fatal(err)
	}
	restored := newBare(t)
	restored.m = read.Found([16]byte{2}, epoch0*1000)
	b.m.Refound([16]byte{3}, machine.Node{ID: 1, Name: "n1"})
	for _, one := range []*bare{restored, b} {
		oldest := one.m.Counter() + 1
		if one == b {
			oldest = before + 1<<32 + 1 // what came after is of the new one
		}
		one.wantGap(0, oldest)
		one.wantGap(before, oldest)
		one.wantGap(before+1000, oldest) // what others may have been told of before they were lost
		if r := one.changesFrom(oldest); r.Kind != caucus.KindArray || len(r.Items) != 0 {
			t.Errorf("from %d on: %v", oldest, r)
		}
	}
}

// What those who wait are told of is what is read.
func TestChangedAfterIsWhatIsRead(t *testing.T) {
	b := newBare(t)
	from := b.m.Counter()
	for _, line := range []string{"SET a 1", "MSET b 2 c 3", "DEL a", "FLUSHALL"} {
		b.Do("a", strings.Fields(line))
	}
	var got []string
	whole := b.m.ChangedAfter(from+1, func(c machine.Changed) bool {
		got = append(got, fmt.Sprint(c.Key, c.All))
		return len(got) < 4
	})
	if want := []string{"bfalse", "cfalse", "afalse", "true"}; !slices.Equal(got, want) || !whole {
		t.Errorf("%q, %v, want %q", got, whole, want)
	}
	b.m.Refound([16]byte{3}, machine.Node{ID: 1, Name: "n1"})
	if b.m.ChangedAfter(from, func(machine.Changed) bool { return true }) {
		t.Error("what is no longer kept counts as known")
	}
}

// What a view shows stays, however the history goes on (SAFETY B12).
func TestB12_AViewOfTheHistoryNeverChanges(t *testing.T) {
	b := newBare(t)
	for i := range 700 {
		b.Do("a", caucus.Command{"SET", strconv.Itoa(i), "v"})
	}
	view := b.m.View()
	before, _ := view.Digest()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 3 {
			if sum, err := view.Digest(); sum != before || err != nil {
				t.Errorf("the digest has changed, or failed: %v", err)
			}
		}
	}()
	ops := make([]entry.Op, 1000)
	for i := range ops {
		ops[i].Args = caucus.Command{"SET", strconv.Itoa(i), "w"}
	}
	for range 110 { // more than are kept
		b.batch(ops...)
	}
	<-done
	if sum, _ := view.Digest(); sum != before {
		t.Error("the digest has changed")
	}
}
