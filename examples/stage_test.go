package examples

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

func TestMain(m *testing.M) { nodetest.Main(m) }

// stage is where copies of one example run. They all say what they do in one file, so that it shows in
// which order they did it.
type stage struct {
	t       *testing.T
	program string
	file    *os.File
	cast    []*nodetest.Process
}

func newStage(t *testing.T, example string) *stage {
	t.Helper()
	return stageOf(t, nodetest.Build(t, "examples/"+example))
}

// stageOf is a stage for copies of a program that was built already.
func stageOf(t *testing.T, program string) *stage {
	t.Helper()
	path := filepath.Join(t.TempDir(), "said")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, program: program, file: file}
	t.Cleanup(s.end)
	return s
}

// end stops whoever still runs, which must end well, as everybody does who is asked to.
func (s *stage) end() {
	for _, p := range s.cast {
		if p.Running() {
			s.stop(p)
		}
	}
	if s.t.Failed() {
		s.t.Logf("they said:\n%s", strings.Join(s.said(), "\n"))
	}
	_ = s.file.Close()
}

// start starts one more copy.
func (s *stage) start(args ...string) *nodetest.Process {
	s.t.Helper()
	p, err := nodetest.RunInto(s.file, s.program, args...)
	if err != nil {
		s.t.Fatal(err)
	}
	s.cast = append(s.cast, p)
	return p
}

// stop asks a copy to end by SIGTERM, and fails the test unless it does with status 0.
func (s *stage) stop(p *nodetest.Process) {
	s.t.Helper()
	if err := p.Signal(syscall.SIGTERM); err != nil {
		s.t.Error(err)
	}
	status, err := p.Status(nodetest.Patience)
	if err != nil || status != 0 {
		s.t.Errorf("asked to end, it did so with status %d, %v", status, err)
	}
	if err != nil {
		_ = p.Signal(syscall.SIGKILL)
	}
}

// kill ends a copy as kill -9 does, and waits until it is gone.
func (s *stage) kill(p *nodetest.Process) {
	s.t.Helper()
	if err := p.Signal(syscall.SIGKILL); err != nil {
		s.t.Fatal(err)
	}
	if _, err := p.Status(nodetest.Patience); err != nil {
		s.t.Fatal(err)
	}
}

// note writes a line among those of the copies.
func (s *stage) note(line string) {
	s.t.Helper()
	if _, err := fmt.Fprintln(s.file, line); err != nil {
		s.t.Fatal(err)
	}
}

// said gives all lines up to now.
func (s *stage) said() []string {
	text, err := os.ReadFile(s.file.Name())
	if err != nil {
		s.t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	return lines[:len(lines)-1] // the last is not whole, or empty
}

// line gives the number of the first line of a copy that ends so, from 0; -1 when there is none.
func (s *stage) line(who, end string) int {
	return slices.IndexFunc(s.said(), func(line string) bool {
		return strings.HasPrefix(line, who+" ") && strings.HasSuffix(line, " "+end)
	})
}

// await waits until the lines behind the first so many are as they should be.
func (s *stage) await(what string, behind int, holds func(lines []string) bool) {
	s.t.Helper()
	nodetest.Eventually(s.t, what, func() bool { return holds(s.said()[behind:]) })
}
