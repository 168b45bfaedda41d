package nodetest_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

func TestMain(m *testing.M) { nodetest.Main(m) }

func TestNodesLiveThroughEverything(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3, nodetest.Flags("--log-level", "debug"))
	first := c.Leader()
	if _, err := nodetest.Ask(c.Addr(first), "SET", "k", "v"); err != nil {
		t.Fatal(err)
	}
	c.Kill(first)
	second := c.Leader()
	if second == first {
		t.Fatal("a dead node leads")
	}
	c.Restart(first)
	c.Settled()
	c.Pause(first)
	if leader := c.Leader(); leader == first {
		t.Fatal("a paused node leads")
	}
	c.Resume(first)
	c.Stop(first)
	if !strings.Contains(c.Logs(first), "level=") {
		t.Error("a node's log is empty")
	}
	c.Restart(first)
	c.Settled()
	c.Agree()
}

func TestNodesInOneProcess(t *testing.T) {
	t.Parallel()
	nodes := nodetest.InProcess(t, 3, nil)
	first, _, _ := nodes[0].Addresses()
	last, _, _ := nodes[2].Addresses()
	if _, err := nodetest.Ask(first, "SET", "k", "v"); err != nil {
		t.Fatal(err)
	}
	if got, err := nodetest.Ask(last, "GET", "k"); err != nil || got.Str != "v" {
		t.Errorf("GET k through the third node: %v, %v", got, err)
	}
}

func TestProgramsEndWithTheirTest(t *testing.T) {
	t.Parallel()
	var cmd *exec.Cmd
	t.Run("which leaves one behind", func(t *testing.T) {
		cmd = nodetest.Command(t, "sleep", "1000")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	})
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
		t.Errorf("it ended with %v", err)
	}
}
