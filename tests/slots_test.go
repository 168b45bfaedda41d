//go:build linux

package tests

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// Shell scripts that work by slots: the first keeps half of them when a second comes, and has all again when
// that is ended.
func TestA17_ShellWorkersShareSlots(t *testing.T) {
	c := nodetest.Start(t, 1)
	file := filepath.Join(t.TempDir(), "work")
	end := func(p *nodetest.Process) {
		if p.Running() {
			_ = p.Signal(syscall.SIGTERM)
		}
		_, _ = p.Status(nodetest.Patience)
	}
	hire := func(name string) *nodetest.Process {
		p, err := nodetest.Run("join", "slots", "--slots", "4", "--settle", "0s", "--as", name, "--addr",
			strings.Join(c.Addrs(), ","), "--", "sh", "-c", "while :; do echo \"$CAUCUS_MEMBER $CAUCUS_SLOTS\" >>"+
				file+"; sleep 0.02; done")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { end(p) })
		return p
	}
	await := func(lines ...string) {
		t.Helper()
		before, _ := os.ReadFile(file)
		nodetest.Eventually(t, strings.Join(lines, " and "), func() bool {
			text, _ := os.ReadFile(file)
			for _, line := range lines {
				if !strings.Contains(string(text[len(before):]), line+"\n") {
					return false
				}
			}
			return true
		})
	}
	hire("a")
	await("a 0-3")
	b := hire("b")
	await("a 0-1", "b 2-3")
	text, _ := os.ReadFile(file)
	if _, since, _ := strings.Cut(string(text), "b 2-3\n"); strings.Contains(since, "a 0-3\n") {
		t.Errorf("a worked on what b had:\n%s", text)
	}
	end(b)
	await("a 0-3")
}
