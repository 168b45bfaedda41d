package raftlog_test

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"testing"

	"github.com/caucus-project/caucus/internal/raftlog"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
	"go.etcd.io/raft/v3/raftpb"
)

const (
	cluster     = "0123456789abcdef0123456789abcdef"
	incarnation = "00112233445566778899aabbccddeeff"
	dir         = "/data"
)

var options = raftlog.Options{Cluster: cluster, Incarnation: incarnation, SegmentSize: 4096}

// tb is what *testing.T and *rapid.T share.
type tb interface {
	Helper()
	Fatalf(format string, args ...any)
}

func entry(index, term uint64, data string) *raftpb.Entry {
	e := &raftpb.Entry{Index: &index, Term: &term, Type: new(raftpb.EntryNormal)}
	if data != "" {
		e.Data = []byte(data)
	}
	return e
}

func hard(term, vote, commit uint64) *raftpb.HardState {
	return &raftpb.HardState{Term: &term, Vote: &vote, Commit: &commit}
}

func snapMeta(index, term uint64) *raftpb.SnapshotMetadata {
	return raftpb.EnsureSnapshotMetadata(&raftpb.SnapshotMetadata{
		Index: &index, Term: &term, ConfState: &raftpb.ConfState{Voters: []uint64{1, 2, 3}}})
}

func mustOpen(t tb, fsys vfs.FS) (*raftlog.Log, raftlog.Recovered) {
	t.Helper()
	l, r, err := raftlog.Open(fsys, dir, options)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return l, r
}

func mustAppend(t tb, l *raftlog.Log, batch ...raftlog.Record) {
	t.Helper()
	if err := l.Append(batch); err != nil {
		t.Fatalf("append: %v", err)
	}
}

func mustClose(t tb, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
}

func mustSnapshot(t tb, l *raftlog.Log, meta *raftpb.SnapshotMetadata, data []byte) {
	t.Helper()
	w, err := l.CreateSnapshot(meta)
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Commit()
	}
	if err != nil {
		t.Fatalf("snapshot: %v", err)
	}
}

func snapshotData(t tb, l *raftlog.Log, index uint64) []byte {
	t.Helper()
	r, err := l.OpenSnapshot(index)
	if err != nil {
		t.Fatalf("open snapshot %d: %v", index, err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read snapshot %d: %v", index, err)
	}
	mustClose(t, r)
	return b
}

// tree is every file of a disk, by path.
type tree map[string][]byte

func files(t tb, fsys vfs.FS) tree {
	t.Helper()
	all := tree{}
	for _, sub := range []string{"", "log", "snap"} {
		names, err := fsys.ReadDir(filepath.Join(dir, sub))
		if err != nil {
			t.Fatalf("%v", err)
		}
		for _, name := range names {
			path := filepath.Join(dir, sub, name)
			if f, err := fsys.Open(path); err == nil {
				size, _ := f.Size()
				b := make([]byte, size)
				if _, err := f.ReadAt(b, 0); err != nil && size > 0 {
					t.Fatalf("%v", err)
				}
				all[path] = b
				mustClose(t, f)
			}
		}
	}
	return all
}

// disk is a new disk that holds the files, all synced.
func (all tree) disk(t tb) *vfs.Mem {
	t.Helper()
	m := vfs.NewMem(1)
	for _, sub := range []string{"", "log", "snap"} {
		if err := m.MkdirAll(filepath.Join(dir, sub)); err != nil {
			t.Fatalf("%v", err)
		}
	}
	for path, b := range all {
		f, err := m.Create(path)
		if err == nil {
			_, err = f.WriteAt(b, 0)
		}
		if err == nil {
			err = f.Sync()
		}
		if err == nil {
			err = m.SyncDir(filepath.Dir(path))
		}
		if err != nil {
			t.Fatalf("%v", err)
		}
	}
	return m
}

func (all tree) with(path string, b []byte) tree {
	next := tree{}
	for p, old := range all {
		next[p] = old
	}
	next[path] = b
	return next
}

// describe prints a recovered state so that two can be compared and read.
func describe(r raftlog.Recovered) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "term %d vote %d commit %d snapshot %d/%d:",
		r.HardState.GetTerm(), r.HardState.GetVote(), r.HardState.GetCommit(),
		r.Snapshot.GetIndex(), r.Snapshot.GetTerm())
	for _, e := range r.Entries {
		fmt.Fprintf(&b, " %d/%d %q", e.GetIndex(), e.GetTerm(), e.GetData())
	}
	return b.String()
}

func only(t *testing.T, fsys vfs.FS, sub string) string {
	t.Helper()
	names, err := fsys.ReadDir(filepath.Join(dir, sub))
	if err != nil || len(names) != 1 {
		t.Fatalf("%s holds %v (%v), not one file", sub, names, err)
	}
	return filepath.Join(dir, sub, names[0])
}

func entries(from, count uint64) (es []*raftpb.Entry) {
	for i := range count {
		es = append(es, entry(from+i, 1, fmt.Sprintf("entry %d", from+i)))
	}
	return es
}

func entriesOf(index uint64, data string) []*raftpb.Entry {
	return []*raftpb.Entry{entry(index, 1, data)}
}
