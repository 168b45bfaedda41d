package entry_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/tool"
	"pgregory.net/rapid"
)

func drawID(t *rapid.T, name string) (id [16]byte) {
	copy(id[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, name))
	return id
}

func drawCommand(t *rapid.T) caucus.Command {
	return rapid.SliceOfN(rapid.String(), 1, 4).Draw(t, "args")
}

func drawOp(t *rapid.T) entry.Op {
	o := entry.Op{
		Conn: rapid.Uint64().Draw(t, "conn"), Request: rapid.Uint64().Draw(t, "request"),
		Session: drawID(t, "session"), Attach: rapid.Uint64().Draw(t, "attach"), Fresh: drawID(t, "fresh"),
		Bound: rapid.Bool().Draw(t, "bound"), Once: rapid.Uint64().Draw(t, "once"),
		User: rapid.String().Draw(t, "user"), Args: drawCommand(t),
	}
	for range rapid.IntRange(0, 2).Draw(t, "queued") {
		o.Queue = append(o.Queue, drawCommand(t))
	}
	for range rapid.IntRange(0, 2).Draw(t, "watched") {
		o.Watch = append(o.Watch, entry.Watch{Key: rapid.String().Draw(t, "key"),
			Revision: rapid.Uint64Max(1<<62).Draw(t, "rev"), Present: rapid.Bool().Draw(t, "present")})
	}
	return o
}

func drawEntry(t *rapid.T) *entry.Entry {
	e := &entry.Entry{Level: rapid.Uint16().Draw(t, "level"), Stamp: rapid.Int64().Draw(t, "stamp"),
		Term: rapid.Uint64().Draw(t, "term"), Seed: rapid.Uint64().Draw(t, "seed"), Batches: []entry.Batch{}}
	for range rapid.IntRange(0, 2).Draw(t, "notes") {
		e.Notes = append(e.Notes, drawOp(t))
	}
	for range rapid.IntRange(0, 3).Draw(t, "batches") {
		e.Batches = append(e.Batches, entry.Batch{Node: rapid.Uint64().Draw(t, "node"),
			Boot: drawID(t, "boot"), Number: rapid.Uint64().Draw(t, "number"), Ops: []entry.Op{drawOp(t)}})
	}
	return e
}

func TestEntryReadsBackAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawEntry(t)
		got, err := entry.Decode(want.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	})
}

// SAFETY B20: an entry of a format that this version does not know is refused, never guessed at.
func TestB20NewerFormatIsRefused(t *testing.T) {
	data := (&entry.Entry{}).Append(nil)
	data[0] = entry.Format + 1
	if _, err := entry.Decode(data); err == nil {
		t.Fatal("an entry of a newer format was read")
	}
}

func TestEveryCutIsNoticed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := drawEntry(t).Append(nil)
		n := rapid.IntRange(0, len(data)-1).Draw(t, "cut")
		if _, err := entry.Decode(data[:n]); err == nil {
			t.Fatalf("%d of %d bytes were read as a whole entry", n, len(data))
		}
	})
}

// FuzzDecode proves of any bytes: they are an entry, which is written and read as the same, or an error that
// says so; they take a hundred times their memory at most, which is an operation for every two bytes.
func FuzzDecode(f *testing.F) {
	f.Add((&entry.Entry{Notes: []entry.Op{{Args: caucus.Command{"SET", "k", "v"}}}}).Append(nil))
	f.Add([]byte{entry.Format, 1, 2, 3})
	ops := []entry.Op{
		{Conn: 3, Request: 4, Session: entry.Session{5}, Attach: 6, Bound: true, Once: 8, User: "ann",
			Args: caucus.Command{"EXEC"}, Queue: []caucus.Command{{"SET", "k", ""}, {"GET", "k"}},
			Watch: []entry.Watch{{Key: "k", Revision: 9, Present: true}, {Key: "none"}}},
		{Fresh: entry.Session{7}, Args: caucus.Command{"SESSION", "OPEN"}},
	}
	f.Add((&entry.Entry{Level: 1, Stamp: -5, Term: 7, Seed: 9,
		Batches: []entry.Batch{{Node: 1, Number: 2, Ops: ops}, {Node: 2}}}).Append(nil))
	f.Add(append([]byte{entry.Format, 1, 2, 3}, bytes.Repeat([]byte{0xff}, 30)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		var e *entry.Entry
		var err error
		tool.AtMost(t, 64<<10+100*len(data), func() { e, err = entry.Decode(data) })
		if err != nil {
			if !strings.Contains(err.Error(), "log entry") {
				t.Errorf("the error does not say what cannot be read: %v", err)
			}
			return
		}
		once := e.Append(nil)
		again, err := entry.Decode(once)
		if err != nil || !bytes.Equal(again.Append(nil), once) {
			t.Fatalf("does not survive a second writing: %v\n%+v\n%+v", err, e, again)
		}
	})
}
