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

// shift is a group of shell scripts that say what they work on, in one file.
type shift struct {
	t    *testing.T
	c    *nodetest.Cluster
	file string
}

func newShift(t *testing.T) *shift {
	return &shift{t: t, c: nodetest.Start(t, 1), file: filepath.Join(t.TempDir(), "work")}
}

// hire lets another script work, as a member of that name.
func (s *shift) hire(name string, flags ...string) *nodetest.Process {
	s.t.Helper()
	args := append([]string{"join", "slots", "--settle", "0s", "--as", name, "--addr",
		strings.Join(s.c.Addrs(), ",")}, flags...)
	p, err := nodetest.Run(append(args, "--", "sh", "-c",
		"while :; do echo \"$CAUCUS_MEMBER $CAUCUS_INDEX:$CAUCUS_SLOTS\" >>"+s.file+"; sleep 0.02; done")...)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { s.end(p) })
	return p
}

func (s *shift) end(p *nodetest.Process) {
	if p.Running() {
		_ = p.Signal(syscall.SIGTERM)
	}
	_, _ = p.Status(nodetest.Patience)
}

// await waits until all lines are said that were not before.
func (s *shift) await(lines ...string) {
	s.t.Helper()
	before, _ := os.ReadFile(s.file)
	nodetest.Eventually(s.t, strings.Join(lines, " and "), func() bool {
		text, _ := os.ReadFile(s.file)
		for _, line := range lines {
			if !strings.Contains(string(text[len(before):]), line+"\n") {
				return false
			}
		}
		return true
	})
}

// Shell scripts that work by slots: the first keeps half of them when a second comes, and has all again when
// that is ended.
func TestA17_ShellWorkersShareSlots(t *testing.T) {
	s := newShift(t)
	s.hire("a", "--slots", "4")
	s.await("a :0-3")
	b := s.hire("b", "--slots", "4")
	s.await("a :0-1", "b :2-3")
	text, _ := os.ReadFile(s.file)
	if _, since, _ := strings.Cut(string(text), "b :2-3\n"); strings.Contains(since, "a :0-3\n") {
		t.Errorf("a worked on what b had:\n%s", text)
	}
	s.end(b)
	s.await("a :0-3")
}

// Who does not work by slots in a group that has some is told so, and holds nobody up.
func TestA17_ShellWorkersWithoutSlotsReleaseThem(t *testing.T) {
	s := newShift(t)
	s.hire("a", "--slots", "4")
	s.await("a :0-3")
	b := s.hire("b")
	s.await("a :0-1", "b 2:")
	s.hire("c", "--slots", "4")
	s.await("a :0-1", "b 2:", "c :3")
	nodetest.Eventually(t, "b is told", func() bool {
		return strings.Contains(b.Log(), "without --slots nobody works on those of this member, 2-3")
	})
}
