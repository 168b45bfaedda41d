package machine

import (
	"slices"
	"strconv"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"pgregory.net/rapid"
)

func values(l *list) (all []string) {
	l.each(func(e element) bool {
		all = append(all, e.value)
		return true
	})
	return all
}

// A list is a slice, and a copy of it that was taken never changes (SAFETY B12).
func TestB12_ListsAreSlices(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := new(list)
		var all, kept []string
		var view *list
		for i := range rapid.IntRange(1, 80).Draw(t, "changes") {
			value := strconv.Itoa(i)
			at, left := rapid.IntRange(0, len(all)).Draw(t, "at"), rapid.Bool().Draw(t, "left")
			switch kind := rapid.IntRange(0, 5).Draw(t, "kind"); {
			case kind == 0:
				l.push(head, value)
				all = slices.Insert(all, 0, value)
			case kind == 1 || len(all) == 0:
				l.push(tail, value)
				all = append(all, value)
			case kind == 2 && at < len(all):
				position, _, _ := l.places.GetAt(at)
				l.take(position)
				all = slices.Delete(all, at, at+1)
			case kind == 3 && at < len(all):
				position, _, _ := l.places.GetAt(at)
				l.insert(position, left, value)
				all = slices.Insert(all, at+1, value)
			case kind == 4 && at < len(all):
				position, _, _ := l.places.GetAt(at)
				l.insert(position-1, left, value)
				all = slices.Insert(all, at, value)
			case kind == 5:
				view, kept = l.share().(*list), slices.Clone(all)
			}
			var bytes int64
			for _, v := range all {
				bytes += int64(len(v))
			}
			if !slices.Equal(values(l), all) || l.bytes != bytes || l.len() != len(all) {
				t.Fatalf("%q of %d bytes, want %q of %d", values(l), l.bytes, all, bytes)
			}
		}
		if view != nil && !slices.Equal(values(view), kept) {
			t.Fatalf("the view has become %q from %q", values(view), kept)
		}
	})
}

// Who waits stands in snapshots, and is served from one as if there had been none (SAFETY B7).
func TestB7_WaitsStandInSnapshots(t *testing.T) {
	m := full(t) // in which a client waits for two elements of one of two keys
	line := []entry.Op{{Conn: 5, Args: caucus.Command{"BLMOVE", "also", "moved", "LEFT", "LEFT", "3"}}}
	push := []entry.Op{{Args: caucus.Command{"RPUSH", "also", "a", "b", "c", "d"}}}
	apply := func(m *Machine, index uint64, ops []entry.Op) []WaitEnd {
		e := &entry.Entry{Stamp: m.stamp, Batches: []entry.Batch{{Node: 1, Boot: entry.Boot{3}, Number: index,
			Ops: ops}}}
		out, err := m.Apply(index, 1, e, deaf{})
		if err != nil {
			t.Fatal(err)
		}
		return out.Waits
	}
	apply(m, 3, line)
	again, err := load(save(t, m))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(m.deadlines.Items(), again.deadlines.Items()) {
		t.Errorf("due are %v, loaded %v", m.deadlines.Items(), again.deadlines.Items())
	}
	for _, m := range []*Machine{m, again} {
		ends := apply(m, 4, push)
		if len(ends) != 2 || len(ends[0].Reply.Items) != 2 || ends[1].Conn != 5 || ends[1].Reply.Str != "a" {
			t.Errorf("served are %+v", ends)
		}
		if shown := values(m.keys.bodyOf(mustFind(t, m, "also")).elements.(*list)); !slices.Equal(shown,
			[]string{"b"}) {
			t.Errorf("left are %q", shown)
		}
	}
}

func mustFind(t *testing.T, m *Machine, key string) value {
	t.Helper()
	it, ok := m.keys.find(key)
	if !ok {
		t.Fatalf("there is no %s", key)
	}
	return it.value
}

// What waits in a snapshot by a command that cannot wait is refused.
func TestNobodyWaitsByAnotherCommand(t *testing.T) {
	for _, args := range []caucus.Command{{}, {"GET", "k"}, {"LMPOP", "1", "k", "LEFT"}, {"BLPOP", "k"},
		{"BLPOP", "k", "x"}, {"LOCK", "ACQUIRE", "l", "WAIT", "0"}} {
		m := full(t)
		m.pops = popLine{}
		m.pops.add(&popWait{number: 1, args: args, popping: &popping{}})
		if _, err := load(save(t, m)); err == nil {
			t.Errorf("%q is loaded", args)
		}
	}
}
