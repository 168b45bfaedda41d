package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/load"
)

// benchCmd measures an ensemble: how many commands a second, and how long each takes.
type benchCmd struct {
	ensembleFlags
	Shape    string        `arg:"" optional:"" enum:"set,get,mixed,incr,churn,heartbeats" default:"set" help:"set, get, mixed, incr (all on keys), churn (members join and leave groups) or heartbeats (sessions are kept alive)."`
	Conns    int           `short:"c" default:"64" help:"Connections, spread over the addresses."`
	Depth    int           `short:"P" default:"1" help:"Commands that a connection sends before it waits for their answers."`
	Duration time.Duration `short:"d" default:"10s" help:"How long it is measured, unless --commands are answered before."`
	Commands uint64        `short:"n" help:"How many commands at most." placeholder:"N"`
	Warmup   time.Duration `default:"1s" help:"How long the load runs before it is measured."`
	Reads    int           `default:"90" help:"Of mixed: how many of a hundred commands are GET."`
	Keys     int           `default:"10000" help:"Different keys."`
	Size     int           `default:"64" help:"Bytes of a value."`
	JSON     bool          `name:"json" help:"As JSON, for programs."`
}

// Validate looks at what can be judged before anything is done; kong calls it.
func (c *benchCmd) Validate() error {
	switch {
	case min(c.Conns, c.Depth, c.Keys, c.Size) < 1:
		return errors.New("--conns, --depth, --keys and --size must be 1 at least")
	case c.Keys > 10_000_000:
		return errors.New("--keys must be 10,000,000 at most")
	case c.Duration <= 0 || c.Warmup < 0:
		return errors.New("--duration must be longer than nothing, and --warmup not negative")
	case c.Reads < 0 || c.Reads > 100:
		return errors.New("--reads is a percentage, 0 to 100")
	}
	return nil
}

// Run measures and shows. What it wrote is removed, also when it is interrupted.
func (c *benchCmd) Run(ctx context.Context) (err error) {
	cl, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer cl.Close()
	cfg, err := c.load()
	if err != nil {
		return err
	}
	if cfg.Shape == load.Store || cfg.Shape == load.Counters {
		defer func() { err = errors.Join(err, c.eachKeys(context.WithoutCancel(ctx), cl, cfg, remove)) }()
	}
	if cfg.Shape == load.Store {
		if err := c.eachKeys(ctx, cl, cfg, fill(c.Size)); err != nil {
			return err
		}
	}
	screen := newScreen(os.Stdout)
	if screen.live && !c.JSON {
		cfg.Watch, cfg.Every = watchLoad(screen), 250*time.Millisecond
	}
	r, err := load.Run(ctx, cfg)
	if err != nil {
		return err
	}
	if c.JSON {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		err = out.Encode(c.figures(r))
	} else {
		screen.plain()
		err = c.print(os.Stdout, r)
	}
	if err == nil && r.Commands == 0 && ctx.Err() == nil {
		err = errors.New("nothing was answered")
	}
	return err
}

func (c *benchCmd) load() (load.Config, error) {
	password, err := readPassword(c.PasswordFile)
	prefix := fmt.Sprintf("bench:%d:%d:", os.Getpid(), time.Now().UnixMilli())
	cfg := load.Config{Addresses: c.Addr, User: c.User, Password: password, Conns: c.Conns, Depth: c.Depth,
		Keys: c.Keys, KeySize: len(prefix) + 8, ValueSize: c.Size, Prefix: prefix, Duration: c.Duration,
		Commands: c.Commands, Warmup: c.Warmup, Seed: uint64(time.Now().UnixNano()), Dial: c.dialPlain}
	switch c.Shape {
	case "get":
		cfg.Reads = 100
	case "mixed":
		cfg.Reads = c.Reads
	case "incr":
		cfg.Shape = load.Counters
	case "churn":
		cfg.Shape = load.Churn
	case "heartbeats":
		cfg.Shape = load.Heartbeats
	}
	return cfg, err
}

// few is how many keys are written or removed by one command.
const few = 200

// fill and remove make the command that does so with some keys.
func fill(size int) func(keys []string) caucus.Command {
	value := strings.Repeat("x", size)
	return func(keys []string) caucus.Command {
		cmd := caucus.Command{"MSET"}
		for _, key := range keys {
			cmd = append(cmd, key, value)
		}
		return cmd
	}
}

func remove(keys []string) caucus.Command { return append(caucus.Command{"DEL"}, keys...) }

func (c *benchCmd) eachKeys(ctx context.Context, cl *client.Client, cfg load.Config,
	command func([]string) caucus.Command) error {
	for from := 0; from < cfg.Keys; from += few {
		var keys []string
		for n := from; n < min(from+few, cfg.Keys); n++ {
			keys = append(keys, cfg.Key(n))
		}
		if _, err := cl.Do(ctx, command(keys)); err != nil {
			return fmt.Errorf("keys %s...: %w", cfg.Prefix, err)
		}
	}
	return nil
}

// watchLoad draws how it goes, with the rate since the last time.
func watchLoad(screen *screen) func(*load.Report) {
	var last load.Report
	return func(r *load.Report) {
		rate := float64(r.Commands-last.Commands) / (r.Elapsed - last.Elapsed).Seconds()
		last = *r
		screen.progress("%6.1f s  %9s a second   half within %8s   99%% within %8s   %s failed",
			r.Elapsed.Seconds(), thousands(int(rate)), rounded(r.Latency(50)), rounded(r.Latency(99)),
			thousands(int(r.Failed())))
	}
}

// rounded leaves two or three digits.
func rounded(d time.Duration) time.Duration {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond)
	case d >= 10*time.Millisecond:
		return d.Round(100 * time.Microsecond)
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond)
	}
	return d
}

// figures is the JSON form.
type figures struct {
	Shape     string            `json:"shape"`
	Conns     int               `json:"connections"`
	Depth     int               `json:"depth"`
	Seconds   float64           `json:"seconds"`
	Commands  uint64            `json:"commands"`
	Reads     uint64            `json:"reads"`
	PerSecond float64           `json:"per_second"`
	Latency   map[string]int64  `json:"latency_us"` // by percent
	Errors    map[string]uint64 `json:"errors"`
	Histogram []bar             `json:"histogram"`
}

type bar struct {
	UpTo  int64  `json:"up_to_us"`
	Count uint64 `json:"count"`
}

var percents = []float64{50, 90, 99, 99.9, 100}

func (c *benchCmd) figures(r *load.Report) figures {
	f := figures{Shape: c.Shape, Conns: c.Conns, Depth: c.Depth, Seconds: r.Elapsed.Seconds(),
		Commands: r.Commands, Reads: r.Reads, PerSecond: r.PerSecond(), Latency: map[string]int64{},
		Errors: r.Errors, Histogram: []bar{}}
	for _, p := range percents {
		f.Latency[fmt.Sprint(p)] = r.Latency(p).Microseconds()
	}
	for _, b := range r.Buckets() {
		f.Histogram = append(f.Histogram, bar{b.UpTo.Microseconds(), b.Count})
	}
	return f
}

// print writes what people want to see.
func (c *benchCmd) print(w io.Writer, r *load.Report) error {
	lines := []string{
		fmt.Sprintf("%s: %s commands in %.1f s over %d connections, %d at a time on each", c.Shape,
			thousands(int(r.Commands)), r.Elapsed.Seconds(), c.Conns, c.Depth),
		fmt.Sprintf("%s a second", thousands(int(r.PerSecond()))), "",
	}
	for _, p := range percents {
		lines = append(lines, fmt.Sprintf("%6v %% within %v", p, rounded(r.Latency(p))))
	}
	lines = append(append(lines, ""), histogram(r.Buckets())...)
	for _, word := range r.Words() {
		lines = append(lines, fmt.Sprintf("failed with %s: %s", word, thousands(int(r.Errors[word]))))
	}
	return writeAll(w, lines)
}

// histogram draws how often which latency was met.
func histogram(buckets []load.Bucket) (lines []string) {
	most := uint64(1)
	for _, b := range buckets {
		most = max(most, b.Count)
	}
	for _, b := range buckets {
		filled := int((b.Count*barWidth*2 + most - 1) / most)
		lines = append(lines, fmt.Sprintf("to %8v %10s %s", rounded(b.UpTo), thousands(int(b.Count)),
			strings.Repeat("█", filled)))
	}
	return lines
}
