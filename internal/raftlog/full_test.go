package raftlog_test

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/caucus-project/caucus/internal/raftlog"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
	"go.etcd.io/raft/v3/raftpb"
)

// tight is a disk on which files cannot be made larger than so many bytes.
type tight struct {
	*vfs.Mem
	most *int64
}

func (d tight) Create(path string) (vfs.File, error) {
	f, err := d.Mem.Create(path)
	return tightFile{f, d.most}, err
}

type tightFile struct {
	vfs.File
	most *int64
}

func (f tightFile) Preallocate(size int64) error {
	if size > *f.most {
		return &fsError{}
	}
	return f.File.Preallocate(size)
}

// fsError is what the system says of a full disk.
type fsError struct{}

func (*fsError) Error() string { return "fallocate: no space left on device" }
func (*fsError) Unwrap() error { return syscall.ENOSPC }

// SAFETY B13: a disk without room for a segment of the usual size gets a smaller one; without room for
// any the append fails, leaves nothing behind, and may be tried again; nothing acknowledged is lost.
func TestB13FullDisk(t *testing.T) {
	most := int64(1 << 40)
	disk := tight{vfs.NewMem(1), &most}
	l, _ := mustOpen(t, disk)
	word := strings.Repeat("x", 400)
	last := uint64(0)
	add := func() error {
		err := l.Append([]raftlog.Record{{Entries: []*raftpb.Entry{entry(last+1, 1, word)}}})
		if err == nil {
			last++
		}
		return err
	}
	for range 30 { // segments of 4096 bytes
		if err := add(); err != nil {
			t.Fatal(err)
		}
	}
	most = 2000
	for range 30 {
		if err := add(); err != nil {
			t.Fatalf("with room for a small segment: %v", err)
		}
	}
	most = 300
	var err error
	for err == nil {
		err = add()
	}
	if !errors.Is(err, raftlog.ErrNoSpace) || !strings.Contains(err.Error(), "the disk is full") {
		t.Fatalf("a full disk says %v", err)
	}
	if again := add(); !errors.Is(again, raftlog.ErrNoSpace) {
		t.Fatalf("tried again it says %v", again)
	}
	for _, folder := range []string{"log", "snap"} {
		names, err := disk.ReadDir(filepath.Join(dir, folder))
		if err != nil || strings.Contains(fmt.Sprint(names), "tmp") {
			t.Fatalf("it leaves %v, %v", names, err)
		}
	}
	most = 1 << 40
	if err := add(); err != nil {
		t.Fatalf("with room again: %v", err)
	}
	disk.Crash()
	_, found := mustOpen(t, disk)
	if n := len(found.Entries); uint64(n) != last {
		t.Fatalf("%d entries of %d are there", n, last)
	}
}

// SAFETY B13: a snapshot that the disk has no room for leaves no half file.
func TestB13SnapshotWithoutRoom(t *testing.T) {
	mem := vfs.NewMem(1)
	l, _ := mustOpen(t, mem)
	mustAppend(t, l, raftlog.Record{Entries: []*raftpb.Entry{entry(1, 1, "x")}})
	mem.FailWrite = func(string) error { return syscall.ENOSPC }
	err := l.SaveSnapshot(snapMeta(1, 1), func(w io.Writer) error {
		for range 100 {
			if _, err := w.Write(make([]byte, 10_000)); err != nil {
				return err
			}
		}
		return nil
	})
	mem.FailWrite = nil
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("it says %v", err)
	}
	if names, err := mem.ReadDir(filepath.Join(dir, "snap")); err != nil || len(names) != 0 {
		t.Fatalf("it leaves %v, %v", names, err)
	}
	if size, err := l.SnapshotSize(); size != 0 || err != nil {
		t.Fatalf("the newest snapshot has %d bytes, %v", size, err)
	}
	if err := l.SaveSnapshot(snapMeta(1, 1), func(w io.Writer) error {
		_, err := w.Write(make([]byte, 10_000))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if size, err := l.SnapshotSize(); size < 10_000 || err != nil {
		t.Fatalf("the newest snapshot has %d bytes, %v", size, err)
	}
}
