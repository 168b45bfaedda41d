package tests

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// Every shape runs, counts what it did, and leaves nothing behind.
func TestBench(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 1)
	for _, shape := range []string{"set", "get", "mixed", "incr", "churn", "heartbeats"} {
		status, out, said := verb(t, "bench", "--json", "--addr", c.Addr(0), "-c", "3", "-P", "2", "-n", "200",
			"-d", "1h", "--warmup", "0", "--keys", "500", shape)
		if status != 0 || said != "" {
			t.Fatalf("%s: status %d, said %q", shape, status, said)
		}
		var r struct {
			Shape     string
			Commands  int
			PerSecond float64           `json:"per_second"`
			Latency   map[string]int    `json:"latency_us"`
			Errors    map[string]uint64 `json:"errors"`
			Histogram []struct{ Count int }
		}
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatal(err)
		}
		sum := 0
		for _, bar := range r.Histogram {
			sum += bar.Count
		}
		if r.Shape != shape || r.Commands != 200 || sum != 200 || len(r.Errors) != 0 || r.PerSecond <= 0 ||
			r.Latency["50"] > r.Latency["100"] {
			t.Errorf("%s: %s", shape, out)
		}
	}
	if size, err := nodetest.Ask(c.Addr(0), "DBSIZE"); err != nil || size.Int != 0 {
		t.Errorf("it left %d keys, %v", size.Int, err)
	}
	nodetest.Eventually(t, "its groups are gone", func() bool {
		groups, err := nodetest.Ask(c.Addr(0), "GROUP", "LIST", "MATCH", "bench*")
		return err == nil && len(groups.Items) == 0
	})
}

// Errors are counted by their word: these, the node refuses.
func TestBenchShowsErrorsByTheirWord(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 1, nodetest.Flags("--max-clients", "3"))
	status, out, said := verb(t, "bench", "--addr", c.Addr(0), "-c", "20", "-d", "300ms", "--warmup", "0",
		"heartbeats")
	if status != 0 || said != "" || !strings.Contains(out, "failed with ") || !strings.Contains(out, "█") {
		t.Errorf("status %d, said %q:\n%s", status, said, out)
	}
}

func TestBenchThatIsInterruptedShowsWhatItHas(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 1)
	bench := nodetest.Command(t, nodetest.Binary(t), "bench", "--addr", c.Addr(0), "-d", "1h",
		"incr")
	var out strings.Builder
	bench.Stdout = &out
	if err := bench.Start(); err != nil {
		t.Fatal(err)
	}
	nodetest.Eventually(t, "it counts", func() bool {
		size, err := nodetest.Ask(c.Addr(0), "DBSIZE")
		return err == nil && size.Int > 0
	})
	if err := bench.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := bench.Wait(); err != nil || !strings.Contains(out.String(), "a second") {
		t.Errorf("%v, said %q", err, out.String())
	}
	if size, err := nodetest.Ask(c.Addr(0), "DBSIZE"); err != nil || size.Int != 0 {
		t.Errorf("it left %d keys, %v", size.Int, err)
	}
}

func TestBenchRefusesNonsense(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"-c 0", "-P 0", "--keys 0", "--size 0", "-d 0", "--reads 101", "sideways"} {
		status, _, said := verb(t, append([]string{"bench"}, strings.Fields(args)...)...)
		if status != 2 {
			t.Errorf("%s: status %d, said %q", args, status, said)
		}
	}
	status, _, said := verb(t, "bench", "--addr", "127.0.0.1:1")
	if status != 1 || !strings.Contains(said, "127.0.0.1:1") {
		t.Errorf("nobody there: status %d, said %q", status, said)
	}
}
