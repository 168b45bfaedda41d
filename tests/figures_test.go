package tests

import (
	"bytes"
	"cmp"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/load"
	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
)

// figureRuns is how often each figure is taken: the median counts, the others show how far it can be trusted.
const figureRuns = 5

// BenchmarkEnsemble takes the figures of README.md and prints them as they stand there: three processes with
// files that are synced, and the clients in a fourth, all on this machine.
//
//	go test -run xxx -bench Ensemble -timeout 20m ./tests
func BenchmarkEnsemble(b *testing.B) {
	var table strings.Builder
	fmt.Fprintf(&table, "\n%d cores; the sync of one small append takes %v (median), before any node runs.\n\n",
		runtime.NumCPU(), syncTime(b).Round(time.Microsecond))
	c := nodetest.Start(b, 3)
	warm(b, c.Addrs())
	fmt.Fprintf(&table, "| | connections | per second, median (least to most of %d runs) "+
		"| half within | 99%% within |\n", figureRuns)
	fmt.Fprintln(&table, "| --- | --- | --- | --- | --- |")
	for _, command := range []string{"SET", "GET"} {
		for _, conns := range []int{1, 64, 256} {
			b.Run(fmt.Sprintf("%s/conns=%d", command, conns), func(b *testing.B) {
				fmt.Fprintln(&table, figure(b, c.Addrs(), command, conns))
			})
		}
	}
	fmt.Println(table.String())
}

// warm writes every key once, so that the figures are not those of an empty store.
func warm(b *testing.B, addresses []string) {
	b.Helper()
	take(b, load.Config{Addresses: addresses, Conns: 64, Duration: time.Second})
}

// figure takes one figure and gives its line of the table.
func figure(b *testing.B, addresses []string, command string, conns int) string {
	cfg := load.Config{Addresses: addresses, Conns: conns,
		Warmup: 300 * time.Millisecond, Duration: 2 * time.Second}
	if command == "GET" {
		cfg.Reads = 100
	}
	var runs []*load.Report
	for range figureRuns {
		runs = append(runs, take(b, cfg))
	}
	middle, least, most := spreadOf(runs, (*load.Report).PerSecond)
	b.ReportMetric(middle.PerSecond(), "ops/s")
	b.ReportMetric(0, "ns/op") // of a whole series of runs it says nothing
	return fmt.Sprintf("| %s | %d | %s (%s to %s) | %s | %s |", command, conns, thousands(middle.PerSecond()),
		thousands(least.PerSecond()), thousands(most.PerSecond()),
		millis(middle.Latency(50)), millis(middle.Latency(99)))
}

func take(b *testing.B, cfg load.Config) *load.Report {
	b.Helper()
	r, err := load.Run(b.Context(), cfg)
	if err != nil || r.Failed() > 0 {
		b.Fatal(err, r.Errors)
	}
	return r
}

func thousands(perSecond float64) string {
	n := int(perSecond + 0.5)
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

func millis(d time.Duration) string { return fmt.Sprintf("%.2f ms", d.Seconds()*1000) }

// syncTime gives the median time of a small append to a reserved file and its sync, as the log does it: the
// least that a write can take on one node.
func syncTime(b *testing.B) time.Duration {
	b.Helper()
	f, err := vfs.OS{}.Create(filepath.Join(b.TempDir(), "sync"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	block, times := bytes.Repeat([]byte{1}, 512), make([]time.Duration, 0, 400)
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	must(f.Preallocate(64 << 20))
	must(f.Sync())
	for i := range cap(times) {
		begun := time.Now()
		_, err := f.WriteAt(block, int64(i*len(block)))
		must(err)
		must(f.Sync())
		times = append(times, time.Since(begun))
	}
	slices.Sort(times)
	return times[len(times)/2]
}

// spreadOf gives the middle one of several runs by a figure, and those with the least and the most.
func spreadOf[R any](runs []R, figure func(R) float64) (middle, least, most R) {
	sorted := slices.SortedFunc(slices.Values(runs), func(a, b R) int {
		return cmp.Compare(figure(a), figure(b))
	})
	return sorted[len(sorted)/2], sorted[0], sorted[len(sorted)-1]
}
