package tool_test

import (
	"testing"

	"github.com/caucus-project/caucus/internal/tool"
)

// ending stands in for a test and notes how it would have ended.
type ending struct {
	testing.TB
	how string
}

func (e *ending) Helper()               {}
func (e *ending) Skipf(string, ...any)  { e.end("skipped") }
func (e *ending) Fatalf(string, ...any) { e.end("failed") }
func (e *ending) Errorf(string, ...any) { e.end("failed") }

func (e *ending) end(how string) {
	if e.how == "" {
		e.how = how
	}
}

func TestNeed(t *testing.T) {
	for _, c := range []struct {
		program, noSkip, want string
	}{
		{"go", "", ""},
		{"go", "1", ""},
		{"no-such-program-anywhere", "", "skipped"},
		{"no-such-program-anywhere", "1", "failed"},
	} {
		t.Run(c.program+c.noSkip, func(t *testing.T) {
			t.Setenv(tool.NoSkip, c.noSkip)
			e := &ending{TB: t}
			tool.Need(e, c.program)
			if e.how != c.want {
				t.Errorf("Need(%q) with %s=%q: %q, want %q", c.program, tool.NoSkip, c.noSkip, e.how, c.want)
			}
		})
	}
}
