package tests

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/nodetest"
)

// restartKeys is how many keys the node holds that is started again, of restartSize bytes each.
const (
	restartKeys = 1_000_000
	restartSize = 100
)

// BenchmarkRestart takes how long a node with a million keys is away when it is stopped or killed and started
// again: with all of them in its snapshot; with almost as much log behind that as is ever kept, 256 MiB; and
// with all of them still in its log.
//
//	go test -run xxx -bench Restart -benchtime 1x -timeout 40m ./tests
func BenchmarkRestart(b *testing.B) {
	var table strings.Builder
	fmt.Fprintln(&table, "\n| 1,000,000 keys of 100 bytes, from | ended by "+
		"| ready, median of 5 (least to most) | first answer | memory at most | on disk |\n"+
		"| --- | --- | --- | --- | --- | --- |")
	for _, c := range []struct {
		from, by string
		saves    bool // all keys are in a snapshot
		tail     int  // how many writes stand behind it
	}{
		{"snapshot", "SIGTERM", true, 0}, {"snapshot", "kill -9", true, 0},
		{"snapshot and 1,700,000 writes", "kill -9", true, 1_700_000}, {"log", "kill -9", false, 0},
	} {
		b.Run("from="+c.from+"/by="+c.by, func(b *testing.B) {
			fmt.Fprintf(&table, "| %s | %s | %s |\n", c.from, c.by, restarts(b, c.by, c.saves, c.tail))
		})
	}
	fmt.Println(table.String())
}

// restarts prepares a node, restarts it several times, and gives the row of the table.
func restarts(b *testing.B, by string, saves bool, tail int) string {
	b.Helper()
	c := nodetest.Start(b, 1, nodetest.Flags("--snapshot", "100000000"))
	fillKeys(b, c.Addr(0), restartKeys)
	for range 2 { // the log is kept as far as the older of two snapshots needs it
		if saves {
			answers(b, c.Addr(0), "CHECKPOINT")
			answers(b, c.Addr(0), "SET", "another", "key")
		}
	}
	fillKeys(b, c.Addr(0), tail)
	var ready, first []time.Duration
	var memory int64
	for range figureRuns {
		if by == "SIGTERM" {
			c.Stop(0)
		} else {
			c.Kill(0)
		}
		begun := time.Now()
		c.Restart(0)
		ready = append(ready, time.Since(begun))
		if got := answers(b, c.Addr(0), "GET", "key:999999"); !strings.HasPrefix(got.Str, "999999 ") {
			b.Fatal(got)
		}
		first = append(first, time.Since(begun))
		memory = max(memory, peakMemory(b, c.Addr(0)))
	}
	b.ReportMetric(middle(first).Seconds(), "s/first-answer")
	b.ReportMetric(0, "ns/op") // of a whole series of restarts it says nothing
	return fmt.Sprintf("%s | %s | %d MiB | %d MiB", spread(ready), spread(first), memory>>20,
		sizeOf(b, c.Data(0))>>20)
}

// fillKeys writes so many times, the keys in turn.
func fillKeys(b *testing.B, addr string, writes int) {
	b.Helper()
	line, err := nodetest.Dial(addr)
	if err != nil {
		b.Fatal(err)
	}
	defer line.Close()
	const pipeline = 1000
	for i := 0; i < writes; i += pipeline {
		var cmds []caucus.Command
		for k := range pipeline {
			n := strconv.Itoa((i + k) % restartKeys)
			cmds = append(cmds, caucus.Command{"SET", "key:" + n, n + " " + strings.Repeat("x", restartSize-1-len(n))})
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

// peakMemory gives the bytes of memory that a node's process has had at most.
func peakMemory(b *testing.B, addr string) int64 {
	b.Helper()
	_, after, _ := strings.Cut(answers(b, addr, "INFO", "server").Text(), "process_id:")
	pid, _, _ := strings.Cut(after, "\r\n")
	text, err := os.ReadFile(filepath.Join("/proc", pid, "status"))
	if err != nil {
		b.Skip("the memory of a process is read from /proc: ", err)
	}
	_, after, _ = strings.Cut(string(text), "VmHWM:")
	number, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	kib, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return kib << 10
}

// sizeOf gives how many bytes the files below a directory have.
func sizeOf(b *testing.B, dir string) (size int64) {
	b.Helper()
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return size
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
