package vfs_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"testing"

	"github.com/caucus-project/caucus/internal/raftlog/vfs"
)

func create(t *testing.T, m *vfs.Mem, path string, data []byte) vfs.File {
	t.Helper()
	f, err := m.Create(path)
	if err == nil {
		_, err = f.WriteAt(data, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func read(t *testing.T, m *vfs.Mem, path string, n int) []byte {
	t.Helper()
	f, err := m.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, n)
	got, err := f.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		t.Fatal(err)
	}
	return b[:got]
}

// crashed writes twice with one sync between, crashes, and gives what is left.
func crashed(t *testing.T, seed uint64, size int) []byte {
	m := vfs.NewMem(seed)
	if err := m.MkdirAll("/d"); err != nil {
		t.Fatal(err)
	}
	f := create(t, m, "/d/f", bytes.Repeat([]byte("a"), size))
	if err := errors.Join(f.Sync(), m.SyncDir("/d")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(bytes.Repeat([]byte("b"), size), 0); err != nil {
		t.Fatal(err)
	}
	m.Crash()
	if _, err := f.WriteAt([]byte("x"), 0); !errors.Is(err, fs.ErrClosed) {
		t.Fatalf("a handle lived through the crash: %v", err)
	}
	return read(t, m, "/d/f", size)
}

func TestCrashTearsAtSectorsAndRepeats(t *testing.T) {
	const size = 10 * 512
	kept, lost, torn := false, false, false
	for seed := range uint64(100) {
		got := crashed(t, seed, size)
		if !bytes.Equal(got, crashed(t, seed, size)) {
			t.Fatalf("seed %d gave two different disks", seed)
		}
		for at := 0; at < size; at += 512 {
			if n := bytes.Count(got[at:at+512], []byte("a")); n != 0 && n != 512 {
				t.Fatalf("seed %d: the sector at %d is half written", seed, at)
			}
		}
		n := bytes.Count(got, []byte("a"))
		kept, lost, torn = kept || n == 0, lost || n == size, torn || n > 0 && n < size
	}
	if !kept || !lost || !torn {
		t.Fatalf("kept %v, lost %v, torn %v: each was to be seen", kept, lost, torn)
	}
}

func TestNamesNeedSyncDir(t *testing.T) {
	gone := 0
	for seed := range uint64(50) {
		m := vfs.NewMem(seed)
		if err := m.MkdirAll("/d"); err != nil {
			t.Fatal(err)
		}
		f := create(t, m, "/d/kept", []byte("1"))
		if err := errors.Join(f.Sync(), m.SyncDir("/d")); err != nil {
			t.Fatal(err)
		}
		f = create(t, m, "/d/new.tmp", []byte("2"))
		if err := errors.Join(f.Sync(), m.Rename("/d/new.tmp", "/d/new")); err != nil {
			t.Fatal(err)
		}
		m.Crash()
		if got := read(t, m, "/d/kept", 1); string(got) != "1" {
			t.Fatalf("seed %d: a synced file holds %q", seed, got)
		}
		names, err := m.ReadDir("/d")
		if err != nil || len(names) > 2 {
			t.Fatalf("seed %d: %v %v", seed, names, err)
		}
		if len(names) == 1 {
			gone++
		}
	}
	if gone == 0 || gone == 50 {
		t.Fatalf("the new name was gone %d times of 50", gone)
	}
}

func TestFailedSyncIsNotMadeGoodByTheNext(t *testing.T) {
	lost := false
	for seed := range uint64(50) {
		m := vfs.NewMem(seed)
		if err := m.MkdirAll("/d"); err != nil {
			t.Fatal(err)
		}
		f := create(t, m, "/d/f", make([]byte, 512))
		if err := errors.Join(f.Sync(), m.SyncDir("/d")); err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte("x"), 0); err != nil {
			t.Fatal(err)
		}
		broken := errors.New("input/output error")
		m.FailSync = func(string) error { return broken }
		if err := f.Sync(); !errors.Is(err, broken) {
			t.Fatal(err)
		}
		m.FailSync = nil
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
		m.Crash()
		lost = lost || read(t, m, "/d/f", 1)[0] == 0
	}
	if !lost {
		t.Fatal("what a failed sync covered always survived")
	}
}

func TestCorruptFlipsOneBit(t *testing.T) {
	m := vfs.NewMem(1)
	if err := m.MkdirAll("/d"); err != nil {
		t.Fatal(err)
	}
	create(t, m, "/d/f", []byte{0, 0, 0})
	if err := m.Corrupt("/d/f", 1); err != nil || m.Corrupt("/d/f", 3) == nil {
		t.Fatal(err)
	}
	if b := read(t, m, "/d/f", 3); b[0] != 0 || b[2] != 0 || b[1] == 0 || b[1]&(b[1]-1) != 0 {
		t.Fatalf("got %v", b)
	}
}
