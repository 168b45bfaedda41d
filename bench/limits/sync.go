package limits

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/caucus-project/caucus/bench/outcome"
	"github.com/caucus-project/caucus/bench/procs"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
)

// Probe is the first argument with which this program is one of the processes that measure a limit. The
// second says which.
const Probe = "probe"

// block is what is written before each sync, as much as a small append to a log; a file begins again at
// its end.
const (
	block    = 512
	fileSize = 64 << 20
)

// BeProbe is such a process. It is given what comes after Probe.
func BeProbe(args []string) error {
	switch {
	case len(args) == 3 && args[0] == "sync":
		return syncing(args[1], args[2])
	case len(args) == 1 && args[0] == "echo":
		return echo()
	}
	return fmt.Errorf("a probe cannot be %q", args)
}

// syncing appends and syncs for some time, when it is told that all have begun, and prints how often and
// how long half of it took at most.
func syncing(file, long string) error {
	d, err := time.ParseDuration(long)
	if err != nil {
		return err
	}
	f, err := vfs.OS{}.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Preallocate(fileSize); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	times := hdrhistogram.New(1, int64(time.Minute/time.Microsecond), 3)
	text, n := bytes.Repeat([]byte{'x'}, block), int64(0)
	begun := time.Now()
	for before := begun; before.Sub(begun) < d; n++ {
		if _, err := f.WriteAt(text, n*block%fileSize); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
		now := time.Now()
		_ = times.RecordValue(max(1, now.Sub(before).Microseconds())) // nothing takes a minute
		before = now
	}
	_, err = fmt.Println("result", n, time.Since(begun).Seconds(), times.ValueAtQuantile(50))
	return err
}

// Sync has so many processes sync at once, each in a file of its own. What they did per second is added
// up; the time within which half of the syncs were done is the median of theirs.
func Sync(ctx context.Context, self, dir string, processes int, long time.Duration) (outcome.Limit, error) {
	limit := outcome.Limit{What: "fdatasync of 512 bytes, one process"}
	if processes > 1 {
		limit.What = "fdatasync of 512 bytes, " + strconv.Itoa(processes) + " processes at once, sum"
	}
	dir, err := os.MkdirTemp(dir, "sync-")
	if err != nil {
		return limit, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left goes with the directory around it
	var all []*procs.Process
	defer func() { procs.StopAll(all) }()
	for i := range processes {
		p, err := procs.Start(self, Probe, "sync", filepath.Join(dir, strconv.Itoa(i)), long.String())
		if err != nil {
			return limit, err
		}
		all = append(all, p)
	}
	var halves []float64
	for _, p := range all {
		var n, seconds, half float64
		line, err := p.Await(ctx, "result ")
		if err != nil {
			return limit, err
		}
		if _, err := fmt.Sscanf(line, "result %g %g %g", &n, &seconds, &half); err != nil {
			return limit, fmt.Errorf("a probe said %q: %w", line, err)
		}
		limit.PerSecond += n / seconds
		halves = append(halves, half/1000)
	}
	limit.Half = outcome.Median(halves)
	return limit, nil
}
