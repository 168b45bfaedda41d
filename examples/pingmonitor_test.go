package examples

import (
	"net"
	"regexp"
	"slices"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

var finding = regexp.MustCompile(`^(\w+) .* web is (up|down): of \d monitors \d say that it is down`)

// find waits until each of the monitors has said that it is so, behind the first so many lines.
func find(s *stage, behind int, state string, monitors ...string) {
	s.t.Helper()
	s.await("all find it "+state, behind, func(lines []string) bool {
		latest := map[string]string{}
		for _, line := range lines {
			if m := finding.FindStringSubmatch(line); m != nil {
				latest[m[1]] = m[2]
			}
		}
		return !slices.ContainsFunc(monitors, func(name string) bool { return latest[name] != state })
	})
}

// Three monitors find that a service is up, down, and, though their leader was killed, up again. One that
// alone cannot reach it learns from the others that it is up.
func TestPingMonitor(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 1)
	s := newStage(t, "pingmonitor")
	target := nodetest.FreeAddress(t)
	listen := func() net.Listener {
		l, err := net.Listen("tcp", target)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l
	}
	watch := func(name, target string) *nodetest.Process {
		return s.start("-addr", c.Addr(0), "-name", name, "-target", target)
	}
	service := listen()
	monitors := map[string]*nodetest.Process{}
	for _, name := range []string{"anna", "bert", "cleo"} {
		monitors[name] = watch(name, target)
	}
	find(s, 0, "up", "anna", "bert", "cleo")

	behind := len(s.said())
	service.Close()
	find(s, behind, "down", "anna", "bert", "cleo")

	leader, err := nodetest.Ask(c.Addr(0), "GROUP", "LEADER", "ping.web")
	if err != nil {
		t.Fatal(err)
	}
	dead := leader.Items[0].Text()
	s.kill(monitors[dead])
	behind = len(s.said())
	listen()
	left := slices.DeleteFunc([]string{"anna", "bert", "cleo"}, func(name string) bool { return name == dead })
	find(s, behind, "up", left...)

	watch("dora", nodetest.FreeAddress(t))
	find(s, behind, "up", "dora")
}
