//go:build linux

package chaos

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

// witness stands in for a test, and keeps what it was told.
type witness struct {
	testing.TB
	errors, logs []string
	end          func()
}

func (w *witness) Helper()                    {}
func (w *witness) Cleanup(end func())         { w.end = end }
func (w *witness) Failed() bool               { return len(w.errors) > 0 }
func (w *witness) Error(args ...any)          { w.errors = append(w.errors, fmt.Sprint(args...)) }
func (w *witness) Logf(f string, args ...any) { w.logs = append(w.logs, fmt.Sprintf(f, args...)) }

// A node that ends and was not asked to is a violation: the run ends, and says where everything is that was
// written; that stays. After a run without one nothing stays.
func TestFieldJudgesItsNodes(t *testing.T) {
	needRoot(t)
	t.Parallel()
	for what, c := range map[string]struct {
		harm  func(n *node) error
		wrong string
	}{
		"killed by nobody known": {func(n *node) error { return n.signal(syscall.SIGKILL) }, "n1 ended by itself"},
		"killed by a fault":      {(*node).kill, ""},
		"asked to end":           {(*node).terminate, ""},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w := &witness{TB: t}
			f := newField(w, 1)
			if err := c.harm(f.all()[0]); err != nil {
				t.Error(err)
			}
			if c.wrong != "" {
				<-f.ctx.Done()
			}
			w.end()
			said := strings.Join(w.errors, "\n")
			if (c.wrong == "") != (said == "") || !strings.Contains(said, c.wrong) {
				t.Errorf("it was told %q", said)
			}
			_, err := os.Stat(f.dir)
			if kept := err == nil; kept != (c.wrong != "") {
				t.Errorf("%s: kept %v", f.dir, kept)
			}
			if c.wrong != "" && !strings.Contains(strings.Join(w.logs, "\n"), "are in "+f.dir) {
				t.Errorf("it does not say where the logs are: %q", w.logs)
			}
			if err := os.RemoveAll(f.dir); err != nil {
				t.Error(err)
			}
		})
	}
}
