package tests

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/load"
	"github.com/caucus-project/caucus/internal/nodetest"
)

var (
	missed = flag.Uint64("missed", 1_000_000, "BenchmarkCatchUp: how many writes the node misses")
	hands  = flag.Int("writers", 64, "BenchmarkCatchUp: how many write them; the more, the more share an entry")
)

// BenchmarkCatchUp takes how long a node needs to catch up that missed a million small writes, while writers
// go on, and what those notice of it. Whether by the log or by a snapshot depends on how many entries they
// made.
//
//	go test -run xxx -bench CatchUp -benchtime 1x -timeout 60m ./tests [-missed WRITES] [-writers N]
func BenchmarkCatchUp(b *testing.B) {
	c := nodetest.Start(b, 3)
	late := (c.Leader() + 1) % 3
	there := []string{c.Addr((late + 1) % 3), c.Addr((late + 2) % 3)}
	writing := load.Config{Addresses: there, Conns: *hands, Keys: 1_000_000, ValueSize: 32}
	sent := func() int {
		return strings.Count(c.Logs((late+1)%3)+c.Logs((late+2)%3), `msg="snapshot sent"`)
	}
	c.Kill(late)
	sentBefore := sent()
	before, err := c.Standing((late + 1) % 3)
	if err != nil {
		b.Fatal(err)
	}
	writing.Commands, writing.Duration = *missed, time.Hour
	usual := take(b, writing)
	after, err := c.Standing((late + 1) % 3)
	if err != nil {
		b.Fatal(err)
	}
	writing.Commands, writing.Conns = 0, 64
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	var meanwhile *load.Report
	var writers sync.WaitGroup
	writers.Go(func() { meanwhile, err = load.Run(ctx, writing) })
	begun := time.Now()
	c.Restart(late)
	nodetest.Eventually(b, "it has all that the others had", func() bool {
		s, err := c.Standing(late)
		return err == nil && s.Applied >= after.Index
	})
	caught := time.Since(begun)
	nodetest.Eventually(b, "it is at most one round trip behind", func() bool {
		first, err := c.Standing((late + 1) % 3)
		if err != nil {
			return false
		}
		s, err := c.Standing(late)
		return err == nil && s.Applied >= first.Applied
	})
	level := time.Since(begun)
	memory := peakMemory(b, c.Addr(late))
	stop()
	writers.Wait()
	if err != nil {
		b.Fatal(err)
	}
	way := "the log"
	if sent() > sentBefore {
		way = "a snapshot"
	}
	b.ReportMetric(0, "ns/op") // it says nothing
	fmt.Printf("\n%d writes missed in %d entries; by %s\n\n| | |\n| --- | --- |\n"+
		"| all that it missed is there after | %.2f s |\n| level with the others, who go on writing | %.2f s |\n"+
		"| memory of its process at most | %d MiB |\n| %d writers before | %s |\n| 64 writers meanwhile | %s |\n",
		*missed, after.Index-before.Index, way, caught.Seconds(), level.Seconds(), memory>>20, *hands, pace(usual),
		pace(meanwhile))
}

// pace says how a load went.
func pace(r *load.Report) string {
	return fmt.Sprintf("%s a second, half within %s, 99%% within %s", thousands(r.PerSecond()),
		millis(r.Latency(50)), millis(r.Latency(99)))
}
