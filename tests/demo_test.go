package tests

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// The main job, as README has it: exit status 0 only if the claims held, and nothing left behind.
func TestDemo(t *testing.T) {
	t.Parallel()
	items, temp := filepath.Join(t.TempDir(), "items"), t.TempDir()
	var lines strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&lines, "item %d\n", i)
	}
	if err := os.WriteFile(items, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	demo := nodetest.Command(t, nodetest.Binary(t), "demo", "--items", items)
	demo.Env = append(os.Environ(), "TMPDIR="+temp)
	out, err := demo.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"2,000 lines", "worker", "leading node", "kill -9", "All claims held",
		"no line was ever worked on by two"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("nothing is said of %q:\n%s", want, out)
		}
	}
	if strings.Contains(string(out), "\x1b") {
		t.Errorf("it draws where there is no terminal:\n%q", out)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("it left %v behind (%v)", left, err)
	}
}

// Who looks no further (caucus demo | head -1) leaves nothing behind either.
func TestDemoThatNobodyReads(t *testing.T) {
	t.Parallel()
	temp := t.TempDir()
	demo := nodetest.Command(t, nodetest.Binary(t), "demo")
	demo.Env = append(os.Environ(), "TMPDIR="+temp)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	read.Close()
	demo.Stdout = write
	err = demo.Run()
	write.Close()
	if demo.ProcessState.ExitCode() != 1 {
		t.Errorf("it ended with %v", err)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("it left %v behind (%v)", left, err)
	}
}

// A file that is not there is said to be missing before anything is started.
func TestDemoWithoutItsItems(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	out, err := nodetest.Command(t, nodetest.Binary(t), "demo", "--items", missing).CombinedOutput()
	if err == nil || !strings.Contains(string(out), missing) {
		t.Fatalf("%v\n%s", err, out)
	}
}
