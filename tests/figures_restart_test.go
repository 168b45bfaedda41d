package tests

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/nodetest"
)

// restartKeys is how many keys the node holds that is started again.
const restartKeys = 1_000_000

// BenchmarkRestart takes how long a node with a million keys is away when it is killed and started again,
// with all of them in its snapshot, and with all of them still in its log.
//
//	go test -run xxx -bench Restart -timeout 20m ./tests
func BenchmarkRestart(b *testing.B) {
	var table strings.Builder
	fmt.Fprintln(&table, "\n| 1,000,000 keys | ready, median of 5 (least to most) | first answer |\n"+
		"| --- | --- | --- |")
	for _, from := range []string{"snapshot", "log"} {
		b.Run("from="+from, func(b *testing.B) {
			c := nodetest.Start(b, 1, nodetest.Flags("--snapshot", "100000000"))
			fillKeys(b, c.Addr(0))
			for range 2 { // the log is kept as far as the older of two snapshots needs it
				if from == "snapshot" {
					answers(b, c.Addr(0), "CHECKPOINT")
					answers(b, c.Addr(0), "SET", "another", "key")
				}
			}
			var ready, first []time.Duration
			for range figureRuns {
				c.Kill(0)
				begun := time.Now()
				c.Restart(0)
				ready = append(ready, time.Since(begun))
				if got := answers(b, c.Addr(0), "GET", "key:999999"); got.Str != "value:999999" {
					b.Fatal(got)
				}
				first = append(first, time.Since(begun))
			}
			b.ReportMetric(middle(first).Seconds(), "s/first-answer")
			b.ReportMetric(0, "ns/op") // of a whole series of restarts it says nothing
			fmt.Fprintf(&table, "| from the %s | %s | %s |\n", from, spread(ready), spread(first))
		})
	}
	fmt.Println(table.String())
}

// fillKeys writes the keys.
func fillKeys(b *testing.B, addr string) {
	b.Helper()
	line, err := nodetest.Dial(addr)
	if err != nil {
		b.Fatal(err)
	}
	defer line.Close()
	const pipeline = 1000
	for i := 0; i < restartKeys; i += pipeline {
		var cmds []caucus.Command
		for k := range pipeline {
			n := fmt.Sprint(i + k)
			cmds = append(cmds, caucus.Command{"SET", "key:" + n, "value:" + n})
		}
		if err := line.Send(cmds...); err != nil {
			b.Fatal(err)
		}
		for range pipeline {
			if reply, err := line.Read(); err != nil || reply.Err() != nil {
				b.Fatal(reply, err)
			}
		}
	}
}

// answers gives the reply to a command, as soon as there is one that is no request to try again.
func answers(b *testing.B, addr string, words ...string) (reply caucus.Reply) {
	b.Helper()
	nodetest.Eventually(b, strings.Join(words, " "), func() bool {
		var err error
		reply, err = nodetest.Ask(addr, words...)
		return err == nil && reply.Err() == nil
	})
	return reply
}

func middle(list []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

func spread(list []time.Duration) string {
	return fmt.Sprintf("%.2f s (%.2f to %.2f)", middle(list).Seconds(), slices.Min(list).Seconds(),
		slices.Max(list).Seconds())
}
