package raftlog_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/raftlog"
	"github.com/caucus-project/caucus/internal/raftlog/sealed"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

func TestOneSyncPerAppend(t *testing.T) {
	l, r := mustOpen(t, vfs.NewMem(1))
	if want := "term 0 vote 0 commit 0 snapshot 0/0:"; describe(r) != want || r.Snapshot != nil {
		t.Fatalf("a new log holds %s", describe(r))
	}
	before := l.Stats().Syncs
	mustAppend(t, l, raftlog.Record{Entries: entries(1, 5), HardState: hard(1, 1, 0)},
		raftlog.Record{Entries: entries(6, 5)})
	if n := l.Stats().Syncs - before; n != 1 {
		t.Fatalf("%d syncs for one append", n)
	}
	mustAppend(t, l, raftlog.Record{HardState: hard(1, 1, 10)})
	mustAppend(t, l)
	if n := l.Stats().Syncs - before; n != 1 {
		t.Fatalf("a commit index alone was synced")
	}
	mustAppend(t, l, raftlog.Record{HardState: hard(2, 0, 10)})
	if n := l.Stats().Syncs - before; n != 2 {
		t.Fatalf("a new term was not synced")
	}
}

// A term is there after a crash once it was appended, which A1 rests on; the commit index waits,
// until Close.
func TestA1TermIsDurableCommitMayWait(t *testing.T) {
	m := vfs.NewMem(3)
	l, _ := mustOpen(t, m)
	mustAppend(t, l, raftlog.Record{Entries: entries(1, 3), HardState: hard(7, 2, 1)})
	mustAppend(t, l, raftlog.Record{HardState: hard(7, 2, 3)})
	m.Crash()
	l, r := mustOpen(t, m)
	if h := r.HardState; h.GetTerm() != 7 || h.GetVote() != 2 || h.GetCommit() != 1 {
		t.Fatalf("after a crash: %s", describe(r))
	}
	mustAppend(t, l, raftlog.Record{HardState: hard(7, 2, 3)})
	mustClose(t, l)
	if _, r = mustOpen(t, m); r.HardState.GetCommit() != 3 {
		t.Fatalf("after a close: %s", describe(r))
	}
}

func TestBadAppendChangesNothing(t *testing.T) {
	m := vfs.NewMem(1)
	l, _ := mustOpen(t, m)
	mustAppend(t, l, raftlog.Record{Entries: entries(1, 2), HardState: hard(1, 1, 0)})
	for what, r := range map[string]raftlog.Record{
		"a gap":                   {Entries: entries(4, 1)},
		"no index":                {Entries: []*raftpb.Entry{{}}},
		"nil":                     {Entries: []*raftpb.Entry{nil}},
		"a snapshot not on disk":  {Snapshot: snapMeta(9, 1)},
		"a gap after good ones":   {Entries: append(entries(3, 1), entries(5, 1)...)},
		"a hard state with a gap": {Entries: entries(9, 1), HardState: hard(5, 1, 0)},
	} {
		if err := l.Append([]raftlog.Record{r}); err == nil {
			t.Fatalf("%s: appended", what)
		}
	}
	mustAppend(t, l, raftlog.Record{Entries: entries(3, 1)})
	mustClose(t, l)
	_, r := mustOpen(t, m)
	want := `term 1 vote 1 commit 0 snapshot 0/0: 1/1 "entry 1" 2/1 "entry 2" 3/1 "entry 3"`
	if describe(r) != want {
		t.Fatalf("got %s", describe(r))
	}
	if err := l.Append(nil); !errors.Is(err, raftlog.ErrClosed) {
		t.Fatalf("append after close: %v", err)
	}
}

func TestB3CommitRaisedToSnapshot(t *testing.T) {
	m := vfs.NewMem(1)
	l, _ := mustOpen(t, m)
	mustAppend(t, l, raftlog.Record{Entries: entries(1, 8), HardState: hard(1, 1, 2)})
	mustSnapshot(t, l, snapMeta(6, 1), []byte("state"))
	m.Crash()
	_, r := mustOpen(t, m)
	if want := `term 1 vote 1 commit 6 snapshot 6/1: 7/1 "entry 7" 8/1 "entry 8"`; describe(r) != want {
		t.Fatalf("got %s", describe(r))
	}
}

func TestInstallSnapshot(t *testing.T) {
	for _, named := range []bool{true, false} {
		m := vfs.NewMem(1)
		l, _ := mustOpen(t, m)
		mustAppend(t, l, raftlog.Record{Entries: entries(1, 8), HardState: hard(1, 1, 2)})
		mustSnapshot(t, l, snapMeta(6, 3), []byte("state")) // entry 6 is of term 1 here: 7 and 8 diverged
		if named {
			mustAppend(t, l, raftlog.Record{Snapshot: snapMeta(6, 3), HardState: hard(3, 0, 6)})
		}
		m.Crash()
		l, r := mustOpen(t, m)
		if want := "term 3 vote 0 commit 6 snapshot 6/3:"; describe(r) != want {
			t.Fatalf("named %v: got %s", named, describe(r))
		}
		mustAppend(t, l, raftlog.Record{Entries: []*raftpb.Entry{entry(7, 3, "new")}})
		m.Crash()
		if _, r = mustOpen(t, m); describe(r) != `term 3 vote 0 commit 6 snapshot 6/3: 7/3 "new"` {
			t.Fatalf("named %v: got %s", named, describe(r))
		}
	}
}

func TestSnapshots(t *testing.T) {
	m := vfs.NewMem(1)
	l, _ := mustOpen(t, m)
	mustAppend(t, l, raftlog.Record{Entries: entries(1, 9), HardState: hard(1, 1, 9)})
	big := bytes.Repeat([]byte("0123456789"), 50_000)
	for i, data := range [][]byte{nil, []byte("small"), big} {
		mustSnapshot(t, l, snapMeta(uint64(i+3), 1), data)
		if got := snapshotData(t, l, uint64(i+3)); !bytes.Equal(got, data) {
			t.Fatalf("snapshot %d: %d bytes instead of %d", i, len(got), len(data))
		}
	}
	r, err := l.OpenSnapshot(5)
	if err != nil || !proto.Equal(r.Meta, snapMeta(5, 1)) {
		t.Fatalf("%v %v", r, err)
	}
	w, err := l.CreateSnapshot(snapMeta(6, 1))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(w, "never")
	if err := w.Abort(); err != nil || w.Commit() == nil {
		t.Fatalf("abort: %v, and commit after it", err)
	}
	mustSnapshot(t, l, snapMeta(7, 1), nil)
	mustSnapshot(t, l, snapMeta(8, 1), nil) // deletes 5, which is still read
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, big) {
		t.Fatalf("a snapshot deleted while it is read: %d bytes, %v", len(got), err)
	}
	if s := l.Snapshots(); len(s) != 2 || s[0].GetIndex() != 8 || s[1].GetIndex() != 7 {
		t.Fatalf("kept %v", s)
	}
	if names, _ := m.ReadDir(dir + "/snap"); len(names) != 2 {
		t.Fatalf("snap holds %v", names)
	}
}

// A damaged snapshot is noticed wherever it is damaged or cut; the one before takes over if the log
// allows it.
func TestDamagedSnapshot(t *testing.T) {
	for _, compact := range []uint64{3, 5} {
		m := vfs.NewMem(1)
		l, _ := mustOpen(t, m)
		for i := range uint64(7) {
			mustAppend(t, l, raftlog.Record{Entries: entriesOf(i+1, strings.Repeat("x", 2000)),
				HardState: hard(1, 1, i)})
		}
		mustSnapshot(t, l, snapMeta(3, 1), []byte("three"))
		mustSnapshot(t, l, snapMeta(5, 1), bytes.Repeat([]byte("five "), 100))
		if err := l.Compact(compact); err != nil {
			t.Fatal(err)
		}
		all := files(t, m)
		path := dir + "/snap/0000000000000005-0000000000000001.snap"
		for at := range len(all[path]) {
			b := bytes.Clone(all[path])
			b[at] ^= 4
			for _, bad := range [][]byte{b, b[:at]} {
				disk := all.with(path, bad).disk(t)
				_, r, err := open(disk)
				if compact == 5 {
					var damage *sealed.DamageError
					if !errors.As(err, &damage) || damage.File != path {
						t.Fatalf("byte %d, nothing to fall back on: %v", at, err)
					}
					continue
				}
				if err != nil || r.Snapshot.GetIndex() != 3 || len(r.Entries) != 4 || r.Repaired == "" {
					t.Fatalf("byte %d: %s %v", at, describe(r), err)
				}
				if names, _ := disk.ReadDir(dir + "/quarantine"); len(names) != 1 {
					t.Fatalf("quarantine holds %v", names)
				}
			}
		}
	}
}

func TestCompact(t *testing.T) {
	m := vfs.NewMem(1)
	l, _ := mustOpen(t, m)
	for i := range uint64(20) {
		mustAppend(t, l, raftlog.Record{Entries: entriesOf(i+1, strings.Repeat("x", 900)),
			HardState: hard(i/5+1, 2, i)})
	}
	count := func() int {
		names, err := m.ReadDir(dir + "/log")
		if err != nil {
			t.Fatal(err)
		}
		return len(names)
	}
	all := count()
	if err := l.Compact(15); err != nil || count() != all {
		t.Fatalf("compacted without a snapshot: %v", err)
	}
	mustSnapshot(t, l, snapMeta(10, 1), []byte("ten"))
	if err := l.Compact(100); err != nil || count() >= all || count() < all/2 {
		t.Fatalf("compacted from %d to %d segments: %v", all, count(), err)
	}
	m.Crash()
	_, r := mustOpen(t, m)
	if len(r.Entries) != 10 || r.Entries[0].GetIndex() != 11 || r.HardState.GetTerm() != 4 {
		t.Fatalf("got %d entries from %d", len(r.Entries), r.Entries[0].GetIndex())
	}
}

// A segment that only just began still knows term, vote and place when all before it are deleted.
func TestCompactToTheActiveSegment(t *testing.T) {
	m := vfs.NewMem(1)
	l, _ := mustOpen(t, m)
	mustAppend(t, l, raftlog.Record{Entries: entriesOf(1, strings.Repeat("x", 3500)), HardState: hard(9, 3, 0)})
	mustAppend(t, l, raftlog.Record{Entries: entriesOf(2, strings.Repeat("x", 5500)), HardState: hard(9, 3, 2)})
	mustAppend(t, l, raftlog.Record{Entries: entriesOf(3, "last")})
	mustSnapshot(t, l, snapMeta(3, 1), nil)
	if err := l.Compact(3); err != nil {
		t.Fatal(err)
	}
	only(t, m, "log")
	m.Crash()
	l, r := mustOpen(t, m)
	if want := "term 9 vote 3 commit 3 snapshot 3/1:"; describe(r) != want {
		t.Fatalf("got %s", describe(r))
	}
	mustAppend(t, l, raftlog.Record{Entries: entries(4, 1)})
}

func TestSnapshotBesideAppends(t *testing.T) {
	m := vfs.NewMem(1)
	l, _ := mustOpen(t, m)
	mustAppend(t, l, raftlog.Record{Entries: entries(1, 1), HardState: hard(1, 1, 1)})
	done := make(chan error)
	go func() {
		w, err := l.CreateSnapshot(snapMeta(1, 1))
		for range 100 {
			if err == nil {
				_, err = w.Write(make([]byte, 5000))
			}
		}
		if err == nil {
			err = errors.Join(w.Commit(), l.Compact(1))
		}
		done <- err
	}()
	for i := range uint64(200) {
		mustAppend(t, l, raftlog.Record{Entries: entries(i+2, 1)})
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := snapshotData(t, l, 1); len(got) != 500_000 {
		t.Fatalf("%d bytes", len(got))
	}
}

// BenchmarkAppend on the real disk says what an append costs; on the one in memory, what it costs
// besides.
func BenchmarkAppend(b *testing.B) {
	for name, disk := range map[string]func() (vfs.FS, string){
		"disk":   func() (vfs.FS, string) { return vfs.OS{}, b.TempDir() },
		"memory": func() (vfs.FS, string) { return vfs.NewMem(1), dir },
	} {
		for _, count := range []uint64{1, 100} {
			b.Run(fmt.Sprintf("%s/%d", name, count), func(b *testing.B) {
				fsys, at := disk()
				l, _, err := raftlog.Open(fsys, at, raftlog.Options{Cluster: cluster, Incarnation: incarnation})
				if err != nil {
					b.Fatal(err)
				}
				es := make([]*raftpb.Entry, count)
				for i := range es {
					es[i] = entry(uint64(i+1), 1, strings.Repeat("v", 100))
				}
				batch := []raftlog.Record{{Entries: es}}
				b.ReportAllocs()
				for b.Loop() {
					if err := l.Append(batch); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(l.Stats().Syncs)/float64(b.N), "syncs/op")
				mustClose(b, l)
			})
		}
	}
}
