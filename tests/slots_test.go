//go:build linux

package tests

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
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

// A member whose node is killed goes on with its slots on another: nothing is stopped for that.
func TestA17_SlotsGoOnWhenANodeDies(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	cl, err := client.Dial(t.Context(), client.Config{Addrs: []string{c.Addr(0)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cl.Close() })
	s, err := cl.Session(t.Context(), client.SessionOptions{TTL: 15 * time.Second, Grace: 15 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	var stopped atomic.Int32
	m, err := s.Join(t.Context(), "g", client.JoinOptions{Slots: 4, Settle: client.Immediately,
		OnRelease: func(context.Context, []int) { stopped.Add(1) }})
	if err != nil {
		t.Fatal(err)
	}
	nodetest.Eventually(t, "slots are held", func() bool {
		slots, _ := m.Slots()
		return len(slots) == 4
	})
	c.Kill(0)
	nodetest.Eventually(t, "the session is on another node", func() bool {
		r, err := cl.Do(t.Context(), caucus.Command{"SESSION", "INFO", s.ID()})
		return err == nil && !strings.Contains(fmt.Sprint(r), c.Name(0))
	})
	if slots, _ := m.Slots(); len(slots) != 4 || stopped.Load() > 0 {
		t.Errorf("it has slots %v, and was stopped %d times", slots, stopped.Load())
	}
}
