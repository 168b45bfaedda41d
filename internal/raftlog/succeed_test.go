package raftlog_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/raftlog"
	"github.com/caucus-project/caucus/internal/raftlog/datadir"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
)

// brittle is a file system that stops working after so many changes.
type brittle struct {
	*vfs.Mem
	left int
}

var errStopped = errors.New("the machine stopped")

func (b *brittle) spend() error {
	if b.left == 0 {
		return errStopped
	}
	b.left--
	return nil
}

func (b *brittle) Create(path string) (vfs.File, error) {
	if err := b.spend(); err != nil {
		return nil, err
	}
	return b.Mem.Create(path)
}

func (b *brittle) Rename(from, to string) error {
	if err := b.spend(); err != nil {
		return err
	}
	return b.Mem.Rename(from, to)
}

func (b *brittle) SyncDir(dir string) error {
	if err := b.spend(); err != nil {
		return err
	}
	return b.Mem.SyncDir(dir)
}

// owned opens a directory as a node does at its start, and gives the index of the last entry.
func owned(t *testing.T, fsys vfs.FS, dir string) (id datadir.Identity, last uint64) {
	t.Helper()
	id, err := datadir.Read(fsys, dir)
	if err == nil {
		err = datadir.Finish(fsys, dir, id)
	}
	if err != nil {
		t.Fatal(err)
	}
	l, r, err := raftlog.Open(fsys, dir, raftlog.Options{Cluster: id.Cluster, Incarnation: id.Incarnation,
		MustExist: true, SegmentSize: options.SegmentSize})
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, l)
	last = r.Snapshot.GetIndex()
	for _, e := range r.Entries {
		last = e.GetIndex()
	}
	return id, last
}

// Whenever the machine stops, the directory is whole and belongs to the former owner or to the heir.
func TestB4SuccessionIsAllOrNothing(t *testing.T) {
	next := me
	next.Cluster, next.Incarnation, next.RaftID = strings.Repeat("cd", 16), strings.Repeat("ab", 16), 7
	before, after := 0, 0
	for n := 0; after < 3 && n < 200; n++ {
		for _, power := range []bool{false, true} {
			m := vfs.NewMem(uint64(n))
			if err := errors.Join(m.MkdirAll(dir), datadir.Write(m, dir, me)); err != nil {
				t.Fatal(err)
			}
			l, _ := mustOpen(t, m)
			mustAppend(t, l, raftlog.Record{Entries: entries(1, 3), HardState: hard(1, 1, 1)})
			mustClose(t, l)
			b := &brittle{m, n}
			err := succeed(b, next)
			if power {
				m.Crash()
			} else {
				m.Kill()
			}
			id, last := owned(t, m, dir)
			switch {
			case id.Incarnation == me.Incarnation && last == 3 && err != nil:
				before++
			case id.Incarnation == next.Incarnation && last == 9:
				if old := filepath.Join(dir, "quarantine", "before-abababab", "log"); err == nil {
					if names, err := m.ReadDir(old); err != nil || len(names) != 1 {
						t.Fatalf("the old log: %v %v", names, err)
					}
					after++
				}
			default:
				t.Fatalf("after %d changes (%v) it belongs to %+v and ends with %d", n, err, id, last)
			}
			owned(t, m, dir) // and once more
		}
	}
	if before < 3 || after < 3 {
		t.Fatalf("%d tries before, %d after", before, after)
	}
}

// succeed prepares an heir with a snapshot at 9 and lets it take over.
func succeed(fsys vfs.FS, next datadir.Identity) error {
	heir, err := datadir.Heir(fsys, dir)
	if err != nil {
		return err
	}
	l, _, err := raftlog.Open(fsys, heir, raftlog.Options{Cluster: next.Cluster, Incarnation: next.Incarnation,
		SegmentSize: options.SegmentSize})
	if err != nil {
		return err
	}
	w, err := l.CreateSnapshot(snapMeta(9, 2))
	if err == nil {
		err = w.Commit()
	}
	if err == nil {
		err = l.Append([]raftlog.Record{{Snapshot: snapMeta(9, 2)}})
	}
	if err = errors.Join(err, l.Close()); err != nil {
		return err
	}
	_, err = datadir.Succeed(fsys, dir, next)
	return err
}
