package machine

import (
	"testing"
	"unsafe"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
)

// The strings of an entry share one buffer. A key that kept a piece of it would keep all of it alive.
func TestKeysShareNoMemoryWithTheirEntry(t *testing.T) {
	m := New([16]byte{}, 0)
	var e entry.Entry
	ops := []entry.Op{}
	for _, cmd := range []caucus.Command{
		{"SET", "set", "v"}, {"SETEX", "setex", "10", "v"}, {"SETNX", "setnx", "v"}, {"MSET", "m1", "v", "m2", "v"},
		{"MSETNX", "mn1", "v"}, {"APPEND", "append", "v"}, {"APPEND", "append", ""}, {"GETSET", "getset", "v"},
		{"SETRANGE", "setrange", "0", "v"}, {"INCR", "incr"}, {"INCRBY", "incrby", "7"},
		{"INCRBYFLOAT", "float", "7.5"},
		{"SET", "old", "v"}, {"RENAME", "old", "new"}, {"COPY", "new", "copied"}, {"EXPIRE", "set", "100"},
		{"GETEX", "setnx", "EX", "10"}, {"SET", "setnx", "v", "KEEPTTL"},
	} {
		ops = append(ops, entry.Op{Args: cmd})
	}
	n := Node{ID: 1}
	m.Admit(1, 1, n)
	n.Boot, n.Boots = entry.Boot{1}, 1
	e.Batches = []entry.Batch{{Node: 1, Boot: n.Boot, Number: 1, Ops: append([]entry.Op{Boot(n)}, ops...)}}
	read, err := entry.Decode(e.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Apply(2, 1, read, deaf{}); err != nil {
		t.Fatal(err)
	}
	size := uintptr(len(e.Append(nil)))
	first := uintptr(unsafe.Pointer(unsafe.StringData(read.Batches[0].Ops[0].Args[0])))
	shares := func(s string) bool {
		at := uintptr(unsafe.Pointer(unsafe.StringData(s)))
		return len(s) > 0 && at+size > first && at < first+size
	}
	if !shares(read.Batches[0].Ops[1].Args[2]) {
		t.Fatal("the entry's strings do not share a buffer: this test shows nothing")
	}
	if m.keys.count != 14 {
		t.Errorf("%d keys", m.keys.count)
	}
	m.keys.from(0, func(_ uint64, it *item) bool {
		if shares(it.key) || shares(it.text) {
			t.Errorf("%s keeps a piece of its entry", it.key)
		}
		return true
	})
	m.history.from(0, func(c *keyChange) bool {
		if shares(c.key) {
			t.Errorf("the change of %s keeps a piece of its entry", c.key)
		}
		return true
	})
	m.deadlines.Scan(func(d deadline) bool {
		if shares(d.name) {
			t.Errorf("the deadline of %s keeps a piece of its entry", d.name)
		}
		return true
	})
}
