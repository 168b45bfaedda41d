package tests

import (
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// A node that lives answers caucus ping, and with --ready only while it can serve what a majority
// confirms. With --wait it is asked until it does.
func TestPing(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 2)
	ping := func(want int, words string, args ...string) {
		t.Helper()
		status, out, said := verb(t, append([]string{"ping", "--addr", c.Addr(0)}, args...)...)
		if status != want || !strings.Contains(out+said, words) {
			t.Errorf("ping %v: status %d, %s%s; want %d, %s", args, status, out, said, want, words)
		}
	}
	ping(0, "PONG after ")
	ping(0, "PONG after ", "--ready")
	c.Kill(1)
	ping(0, "PONG after ")
	ping(1, "TRYAGAIN", "--ready")
	c.Kill(0)
	ping(1, "no node")
	ping(1, "no node", "--wait", "300ms")
	c.Begin(0)
	ping(0, "PONG after ", "--wait", "1m")
	c.Begin(1)
	ping(0, "PONG after ", "--ready", "--wait", "1m")
}
