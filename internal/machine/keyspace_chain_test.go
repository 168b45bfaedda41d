package machine

import (
	"fmt"
	"slices"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"pgregory.net/rapid"
)

// crowded gives a machine whose hash has two bits, so that keys share hashes.
func crowded() *Machine {
	m := New([16]byte{5}, 0)
	m.keys.shift = 62
	return m
}

func TestKeysOfOneHash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := crowded()
		plain := map[string]string{}
		for i := range rapid.IntRange(1, 50).Draw(t, "steps") {
			key := fmt.Sprint("k", rapid.IntRange(0, 12).Draw(t, "key"))
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				if _, had := plain[key]; m.remove(wordDel, key) != had {
					t.Fatalf("remove %s: it was there: %v", key, had)
				}
				delete(plain, key)
			default:
				m.put(wordSet, key, text(fmt.Sprint(i)), int64(rapid.IntRange(0, 2).Draw(t, "end"))*1000)
				plain[key] = fmt.Sprint(i)
			}
			checkChains(t, m, plain)
		}
	})
}

func checkChains(t *rapid.T, m *Machine, plain map[string]string) {
	var memory int64
	for key, want := range plain {
		it, ok := m.keys.find(key)
		if !ok || it.text != want {
			t.Fatalf("%s: %q, %v, want %q", key, it.text, ok, want)
		}
		memory += it.bytes()
	}
	if m.keys.count != len(plain) || m.keys.memory != memory {
		t.Fatalf("%d keys, %d bytes; want %d, %d", m.keys.count, m.keys.memory, len(plain), memory)
	}
	seen := 0
	var lastHash uint64
	var last string
	m.keys.from(0, func(h uint64, it *item) bool {
		if seen > 0 && (h < lastHash || h == lastHash && it.key <= last) || h != m.keys.hash(it.key) {
			t.Fatalf("%s stands after %s", it.key, last)
		}
		seen++
		lastHash, last = h, it.key
		return true
	})
	if seen != len(plain) {
		t.Fatalf("%d keys were visited of %d", seen, len(plain))
	}
	checkEnds(t, m)
}

// checkEnds compares the queue of what falls due with the keys that have an end.
func checkEnds(t *rapid.T, m *Machine) {
	due := 0
	m.keys.from(0, func(_ uint64, it *item) bool {
		if it.expireAt == 0 {
			return true
		}
		due++
		if _, ok := m.deadlines.Get(endOf(it.key, it.expireAt)); !ok {
			t.Fatalf("the end of %s does not fall due", it.key)
		}
		return true
	})
	if n := m.deadlines.Len(); n != due || m.keys.expiring != due {
		t.Fatalf("%d keys have an end, %d fall due, %d are counted", due, n, m.keys.expiring)
	}
}

func TestB10_KeysOfOneHashComeTogether(t *testing.T) {
	m := crowded()
	for i := range 20 {
		m.put(wordSet, fmt.Sprint("k", i), text("v"), 0)
	}
	var found []string
	for cursor, pages := "0", 0; pages == 0 || cursor != "0"; pages++ {
		page := m.Read(&entry.Op{Args: caucus.Command{"SCAN", cursor, "COUNT", "1"}}, 0, false, nil)
		for _, key := range page.Items[1].Items {
			found = append(found, key.Str)
		}
		if cursor = page.Items[0].Str; pages > 4 {
			t.Fatal("more pages than hashes")
		}
	}
	if slices.Sort(found); len(found) != 20 || len(slices.Compact(found)) != 20 {
		t.Errorf("found %v", found)
	}
}

// A view of a chain never changes (SAFETY B12).
func TestB12_ChainsInAView(t *testing.T) {
	m := crowded()
	for i := range 20 {
		m.put(wordSet, fmt.Sprint("k", i), text("v"), 0)
	}
	view := m.View()
	before, _ := view.Digest()
	for i := range 20 {
		m.put(wordSet, fmt.Sprint("k", i), text("w"), 1)
		m.remove(wordDel, fmt.Sprint("k", 19-i))
	}
	if after, _ := view.Digest(); before != after {
		t.Error("the view changed")
	}
}

// A value of another kind is refused by what wants a string.
func TestWrongType(t *testing.T) {
	m := New([16]byte{}, 0)
	m.write(m.call(&entry.Op{Args: caucus.Command{"HSET", "other", "f", "v"}}))
	for _, cmd := range []caucus.Command{
		{"GET", "other"}, {"STRLEN", "other"}, {"GETRANGE", "other", "0", "1"},
		{"SET", "other", "v", "GET"}, {"GETSET", "other", "v"}, {"GETDEL", "other"}, {"GETEX", "other"},
		{"APPEND", "other", "v"}, {"SETRANGE", "other", "0", ""}, {"INCR", "other"}, {"DECRBY", "other", "1"},
		{"INCRBYFLOAT", "other", "1"},
	} {
		op := entry.Op{Args: cmd}
		var got caucus.Reply
		if spec, _ := m.table.Lookup(cmd); spec.Writes() {
			got = m.write(m.call(&op))
		} else {
			got = m.Read(&op, 0, false, nil)
		}
		if got.Str != "WRONGTYPE Operation against a key holding the wrong kind of value" {
			t.Errorf("%q: %v", cmd, got)
		}
	}
	if got := m.Read(&entry.Op{Args: caucus.Command{"MGET", "other"}}, 0, false, nil); !got.Items[0].IsNil() {
		t.Errorf("MGET: %v", got)
	}
	if it, ok := m.keys.find("other"); !ok || it.kind != kindHash {
		t.Error("a refused command changed the key")
	}
}
