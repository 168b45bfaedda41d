package examples

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/nodetest"
)

var shows = regexp.MustCompile(`^(\w+) .* shows (\w+) for ([\d:.]+), (.+) after it, give or take (.+)$`)

// vote lets the lamps vote, and gives the status: 0 for yes, 1 for no or too late.
func vote(t *testing.T, addr, colour string) int {
	t.Helper()
	p, err := nodetest.Run("vote", "lamps", colour, "--at", "+2s", "--timeout", "30s", "--addr", addr)
	if err != nil {
		t.Fatal(err)
	}
	status, err := p.Status(nodetest.Patience)
	if err != nil || status > 1 {
		t.Fatalf("the vote ended with status %d, %v: %s", status, err, p.Log())
	}
	return status
}

// Three lamps at three nodes show what they agreed on, all for the same moment, and none before it. What
// one of them cannot do none does. One that is removed ends and says so.
func TestLamps(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	s := newStage(t, "lamps")
	var last *nodetest.Process
	for i, name := range []string{"anna", "bert", "cleo"} {
		addrs := c.Addrs()
		addrs[0], addrs[i] = addrs[i], addrs[0]
		last = s.start("-name", name, "-addr", strings.Join(addrs, ","))
	}
	s.await("all are there", 0, func(lines []string) bool { return len(lines) == 3 })

	if status := vote(t, c.Addr(0), "blue"); status == 0 {
		t.Error("they agreed on a colour that they do not have")
	}
	// A machine under load may be too late for it, which is no fault of theirs.
	nodetest.Eventually(t, "all show red", func() bool { return together(s, c.Addr(1), "red") })
	nodetest.Eventually(t, "all show green", func() bool { return together(s, c.Addr(2), "green") })
	if slices.ContainsFunc(s.said(), func(line string) bool { return strings.Contains(line, "shows blue") }) {
		t.Error("one shows what they did not agree on")
	}

	if _, err := nodetest.Ask(c.Addr(0), "GROUP", "EVICT", "lamps", "cleo"); err != nil {
		t.Fatal(err)
	}
	if status, err := last.Status(nodetest.Patience); err != nil || status != 1 {
		t.Errorf("cleo ended with status %d, %v", status, err)
	}
	if lines := s.said(); !strings.Contains(lines[len(lines)-1], "evicted by GROUP EVICT") {
		t.Error("cleo does not say why it ends")
	}
}

// together lets the lamps agree on a colour, waits until each of the three has shown it or said that it
// does not, and says whether all have. They must do so for one moment, and none before it.
func together(s *stage, addr, colour string) bool {
	s.t.Helper()
	behind := len(s.said())
	if vote(s.t, addr, colour) != 0 {
		return false
	}
	var agreed []string
	s.await("all show "+colour+", or do not", behind, func(lines []string) bool {
		missed := 0
		agreed = nil
		for _, line := range lines {
			if m := shows.FindStringSubmatch(line); m != nil && m[2] == colour {
				agreed = append(agreed, m[3])
				notBefore(s.t, line, m[4], m[5])
			} else if strings.Contains(line, "does not show "+colour) {
				missed++
			}
		}
		return len(agreed)+missed == 3
	})
	if len(slices.Compact(slices.Clone(agreed))) > 1 {
		s.t.Errorf("they show %s at %v", colour, agreed)
	}
	return len(agreed) == 3
}

// notBefore checks that a lamp was not early, as far as it could know the time.
func notBefore(t *testing.T, line, after, doubt string) {
	t.Helper()
	late, wrong := time.ParseDuration(after)
	within, err := time.ParseDuration(doubt)
	if wrong != nil || err != nil {
		t.Fatalf("%s: %v, %v", line, wrong, err)
	}
	if late+within < 0 {
		t.Errorf("early: %s", line)
	}
}
