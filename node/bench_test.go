package node

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/load"
	"github.com/caucus-project/caucus/internal/replica"
)

// The figures are of a whole ensemble in this process, with those who ask it: three nodes, real files and
// connections, every write synced. tests/figures_test.go has the same with processes of their own.

func BenchmarkSet(b *testing.B) { benchmark(b, load.Config{}) }

func BenchmarkGet(b *testing.B) { benchmark(b, load.Config{Reads: 100}) }

func benchmark(b *testing.B, cfg load.Config) {
	nodes := three(b)
	for _, conns := range []int{1, 64, 256} {
		b.Run(fmt.Sprintf("conns=%d", conns), func(b *testing.B) { measure(b, nodes, conns, 1, cfg) })
	}
	b.Run("conns=16,pipeline=32", func(b *testing.B) { measure(b, nodes, 16, 32, cfg) })
}

// three opens an ensemble of three voters.
func three(b *testing.B) []*Node {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 30*time.Second)
	defer cancel()
	var nodes []*Node
	for i := range 3 {
		cfg := Config{Name: fmt.Sprintf("n%d", i+1), Data: b.TempDir(), Listen: "127.0.0.1:0", HTTP: "off"}
		if i > 0 {
			cfg.Join = []string{nodes[0].me.Client}
		}
		n, err := Open(ctx, cfg)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			if err := n.Close(); err != nil {
				b.Error(err)
			}
		})
		nodes = append(nodes, n)
	}
	for _, n := range nodes {
		for ; len(n.greeting.Load().Voters) < 3; time.Sleep(5 * time.Millisecond) {
			if ctx.Err() != nil {
				b.Fatal("the nodes did not all become voters")
			}
		}
	}
	return nodes
}

// measure has b.N commands carried out and says what they cost the ensemble.
func measure(b *testing.B, nodes []*Node, conns, depth int, cfg load.Config) {
	cfg.Conns, cfg.Depth, cfg.Commands = conns, depth, uint64(b.N)
	for _, n := range nodes {
		cfg.Addresses = append(cfg.Addresses, n.me.Client)
	}
	var before, after runtime.MemStats
	entries, syncs := entriesOf(nodes[0]), syncsOf(nodes)
	runtime.ReadMemStats(&before)
	report, err := load.Run(b.Context(), cfg)
	runtime.ReadMemStats(&after)
	if err != nil || report.Failed() > 0 {
		b.Fatal(err, report.Errors)
	}
	per := func(n uint64) float64 { return float64(n) / float64(b.N) }
	b.ReportMetric(report.PerSecond(), "ops/s")
	b.ReportMetric(float64(report.Latency(50).Microseconds()), "p50-µs")
	b.ReportMetric(float64(report.Latency(99).Microseconds()), "p99-µs")
	b.ReportMetric(per(entriesOf(nodes[0])-entries), "entries/op")
	b.ReportMetric(per(syncsOf(nodes)-syncs), "fsyncs/op")
	b.ReportMetric(per(after.Mallocs-before.Mallocs), "mallocs/op")
	b.ReportMetric(per(after.TotalAlloc-before.TotalAlloc), "alloc-B/op")
}

func entriesOf(n *Node) (applied uint64) {
	n.owner.inspect(func(r *replica.Replica) { applied = r.Status().Applied })
	return applied
}

// syncsOf counts the syncs of all nodes.
func syncsOf(nodes []*Node) (sum uint64) {
	for _, n := range nodes {
		sum += n.store.Stats().Syncs
	}
	return sum
}
