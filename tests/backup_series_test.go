package tests

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// A series of backups keeps its newest, each of which can be restored, and touches nothing else. One that
// fails removes nothing.
func TestBackupSeries(t *testing.T) {
	t.Parallel()
	c, dir := nodetest.Start(t, 1), t.TempDir()
	foreign := []string{"caucus-" + strings.Repeat("a", 32) + "-20200101T000000.000Z.jsonl", "caucus.jsonl"}
	for _, name := range foreign {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ours := func() (names []string) {
		t.Helper()
		there, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range there {
			if !slices.Contains(foreign, f.Name()) {
				names = append(names, f.Name())
			} else {
				foreign = append(foreign, f.Name())
			}
		}
		if len(there)-len(names) != 2 {
			t.Errorf("what is others' is gone: %v", there)
		}
		return names
	}
	backup := func(want int, keep string) {
		t.Helper()
		if status, out, said := verb(t, "backup", "--keep", keep, dir, "--addr", c.Addr(0)); status != want {
			t.Errorf("status %d: %s%s", status, out, said)
		}
	}
	backup(0, "2")
	first := ours()
	backup(0, "2")
	backup(0, "2")
	kept := ours()
	if len(first) != 1 || len(kept) != 2 || slices.Contains(kept, first[0]) {
		t.Errorf("of three two should be left: %v, and first %v", kept, first)
	}
	for _, name := range kept {
		if status, out, said := verb(t, "restore", "--check", filepath.Join(dir, name)); status != 0 {
			t.Errorf("%s: status %d: %s%s", name, status, out, said)
		}
	}

	// As a service: it goes on by itself, also past a node that is away, and ends well.
	cmd := nodetest.Command(t, nodetest.Binary(t), "backup", "--keep", "1", "--every", "1s", dir,
		"--addr",
		c.Addr(0))
	said, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	nodetest.Eventually(t, "a newer one alone is there", func() bool {
		now := ours()
		return len(now) == 1 && !slices.Contains(kept, now[0])
	})
	c.Kill(0)
	b := make([]byte, 4096)
	if n, err := said.Read(b); err != nil || !strings.Contains(string(b[:n]), "trying again in 1s") {
		t.Errorf("%q, %v", b[:n], err)
	}
	if left := ours(); len(left) == 0 {
		t.Error("a failure has removed what was there")
	}
	c.Restart(0)
	last := ours()
	nodetest.Eventually(t, "it goes on", func() bool {
		now := ours()
		return len(now) == 1 && !slices.Equal(now, last) && strings.HasPrefix(now[0], "caucus-")
	})
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("asked to end: %v", err)
	}
	c.Kill(0)
	backup(1, "1")
	if left := ours(); len(left) != 1 {
		t.Errorf("after a failure: %v", left)
	}
}

// A directory that is not there is made, for nobody but its owner, whether one backup is taken or many.
func TestBackupSeriesMakesItsDirectory(t *testing.T) {
	t.Parallel()
	c, dir := nodetest.Start(t, 1), filepath.Join(t.TempDir(), "of", "series")
	taken := func() bool {
		there, err := filepath.Glob(filepath.Join(dir, "caucus-*.jsonl"))
		return err == nil && len(there) == 1
	}
	if status, out, said := verb(t, "backup", "--keep", "1", dir, "--addr", c.Addr(0)); status != 0 || !taken() {
		t.Errorf("status %d: %s%s", status, out, said)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory is %v, %v", info, err)
	}
	dir = filepath.Join(dir, "further")
	cmd := nodetest.Command(t, nodetest.Binary(t), "backup", "--keep", "1", "--every", "1h", dir,
		"--addr", c.Addr(0))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	nodetest.Eventually(t, "the first is there", taken)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("asked to end: %v", err)
	}
}
