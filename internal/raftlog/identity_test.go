package raftlog_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/raftlog"
	"github.com/caucus-project/caucus/internal/raftlog/datadir"
	"github.com/caucus-project/caucus/internal/raftlog/sealed"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
)

var me = datadir.Identity{Cluster: cluster, Node: "alpha", RaftID: 7, Incarnation: incarnation, Boots: 3,
	Heartbeat: 50_000, Election: 400_000}

// onBoth runs a test on the real disk and on the one in memory.
func onBoth(t *testing.T, test func(t *testing.T, fsys vfs.FS, dir string)) {
	t.Run("disk", func(t *testing.T) { test(t, vfs.OS{}, filepath.Join(t.TempDir(), "a", "data")) })
	t.Run("memory", func(t *testing.T) { test(t, vfs.NewMem(1), dir) })
}

func TestIdentity(t *testing.T) {
	onBoth(t, func(t *testing.T, fsys vfs.FS, dir string) {
		lock, err := datadir.Acquire(fsys, dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := datadir.Read(fsys, dir); !errors.Is(err, datadir.ErrNoIdentity) {
			t.Fatalf("a new directory: %v", err)
		}
		if err := datadir.Write(fsys, dir, me); err != nil {
			t.Fatal(err)
		}
		got, err := datadir.Read(fsys, dir)
		if got.Check, got.Format = "", 0; err != nil || got != me {
			t.Fatalf("read %+v, %v", got, err)
		}
		if err := datadir.Write(fsys, dir, datadir.Identity{Cluster: "x"}); err == nil {
			t.Fatal("an identity without ids was written")
		}
		mustClose(t, lock)
	})
}

func TestSecondLockRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, fsys vfs.FS, dir string) {
		lock, err := datadir.Acquire(fsys, dir)
		if err != nil {
			t.Fatal(err)
		}
		_, err = datadir.Acquire(fsys, dir)
		if !errors.Is(err, datadir.ErrLocked) || !strings.Contains(err.Error(), dir) {
			t.Fatalf("a second lock: %v", err)
		}
		var held *vfs.LockedError
		if !errors.As(err, &held) || held.PID != 0 && held.PID != os.Getpid() {
			t.Fatalf("who holds it: %v", err)
		}
		mustClose(t, lock)
		if lock, err = datadir.Acquire(fsys, dir); err != nil {
			t.Fatalf("after it was released: %v", err)
		}
		mustClose(t, lock)
	})
}

func TestIdentityRefusals(t *testing.T) {
	write := func(fsys vfs.FS, path, content string) {
		f, err := fsys.Create(path)
		if err == nil {
			_, err = f.WriteAt([]byte(content), 0)
		}
		if err != nil {
			t.Fatal(err)
		}
		mustClose(t, f)
	}
	m := vfs.NewMem(1)
	if err := errors.Join(m.MkdirAll(dir), datadir.Write(m, dir, me)); err != nil {
		t.Fatal(err)
	}
	good := string(files(t, files(t, withSubdirs(t, m)).disk(t))[dir+"/identity"])
	for _, c := range []struct {
		name, file, content string
		want                error
	}{
		{"foreign", "holiday.jpg", "x", sealed.ErrForeign},
		{"newer", "identity", strings.Replace(good, `"format": 1`, `"format": 2`, 1), sealed.ErrNewer},
		{"empty", "identity", "", nil},
		{"cut", "identity", good[:len(good)/2], nil},
		{"changed", "identity", strings.Replace(good, `"raft_id": 7`, `"raft_id": 6`, 1), nil},
		{"another id", "identity", strings.Replace(good, `"boots": 3`, `"boots": 2`, 1), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := vfs.NewMem(1)
			if err := m.MkdirAll(dir); err != nil {
				t.Fatal(err)
			}
			write(m, filepath.Join(dir, c.file), c.content)
			_, err := datadir.Read(m, dir)
			if c.want != nil && !errors.Is(err, c.want) || c.want == nil && !errors.As(err, new(*sealed.DamageError)) {
				t.Fatalf("got %v", err)
			}
			if !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), ";") {
				t.Fatalf("%v: says not where, or not what to do", err)
			}
		})
	}
	lost := vfs.NewMem(1)
	mustOpen(t, lost)
	if _, err := datadir.Read(lost, dir); !errors.As(err, new(*sealed.DamageError)) {
		t.Fatalf("a log without identity: %v", err)
	}
}

func withSubdirs(t *testing.T, m *vfs.Mem) *vfs.Mem {
	if err := errors.Join(m.MkdirAll(dir+"/log"), m.MkdirAll(dir+"/snap")); err != nil {
		t.Fatal(err)
	}
	return m
}

// A damaged node sets its log aside, and comes back as somebody new; nothing is deleted.
func TestP22QuarantineAndReturn(t *testing.T) {
	onBoth(t, func(t *testing.T, fsys vfs.FS, dir string) {
		lock, err := datadir.Acquire(fsys, dir)
		if err == nil {
			err = datadir.Write(fsys, dir, me)
		}
		if err != nil {
			t.Fatal(err)
		}
		l, _, err := raftlog.Open(fsys, dir, options)
		if err != nil {
			t.Fatal(err)
		}
		mustAppend(t, l, raftlog.Record{Entries: entries(1, 3), HardState: hard(1, 1, 1)})
		mustClose(t, l)
		if _, err := datadir.Quarantine(fsys, dir, me); err == nil {
			t.Fatal("came back as the one it was")
		}
		next := me
		next.Incarnation, next.Boots = strings.Repeat("ab", 16), 0
		aside, err := datadir.Quarantine(fsys, dir, next)
		if err != nil {
			t.Fatal(err)
		}
		if names, err := fsys.ReadDir(filepath.Join(aside, "log")); err != nil || len(names) != 1 {
			t.Fatalf("set aside: %v %v", names, err)
		}
		got, err := datadir.Read(fsys, dir)
		if err != nil || got.Incarnation != next.Incarnation {
			t.Fatalf("%+v %v", got, err)
		}
		opt := options
		opt.Incarnation = next.Incarnation
		l, r, err := raftlog.Open(fsys, dir, opt)
		if err != nil || len(r.Entries) != 0 || r.HardState.GetTerm() != 0 {
			t.Fatalf("%s %v", describe(r), err)
		}
		mustClose(t, l)
		mustClose(t, lock)
	})
}

// The real disk, once through: what the model test says of the one in memory.
func TestOnDisk(t *testing.T) {
	dir := t.TempDir()
	for boot := range uint64(3) {
		l, r, err := raftlog.Open(vfs.OS{}, dir, options)
		if err != nil || uint64(len(r.Entries)) != boot*3 {
			t.Fatalf("%s %v", describe(r), err)
		}
		mustAppend(t, l, raftlog.Record{Entries: entries(boot*3+1, 3), HardState: hard(boot, 1, boot*3+3)})
		if boot == 2 {
			mustSnapshot(t, l, snapMeta(8, 1), []byte("state"))
		}
		mustClose(t, l)
	}
	l, r, err := raftlog.Open(vfs.OS{}, dir, options)
	want := `term 2 vote 1 commit 9 snapshot 8/1: 9/1 "entry 9"`
	if err != nil || describe(r) != want || string(snapshotData(t, l, 8)) != "state" {
		t.Fatalf("%s %v", describe(r), err)
	}
	mustClose(t, l)
}
