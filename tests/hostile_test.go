//go:build linux

package tests

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// roomFor asks the system for as many open files as the crowd needs, here and in the node, which inherits it.
func roomFor(t testing.TB, files uint64) {
	t.Helper()
	var have syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &have); err != nil {
		t.Fatal(err)
	}
	if want := (syscall.Rlimit{Cur: files, Max: max(files, have.Max)}); have.Cur < files {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &want); err != nil {
			t.Skipf("the system gives %d open files, and %d are needed: %v", have.Max, files, err)
		}
		t.Cleanup(func() { _ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &have) })
	}
}

// polite works at the node as one should, and gives how long each command took.
func polite(t testing.TB, addr string, rounds int) (took []time.Duration) {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1, PoolSize: 1, ReadTimeout: time.Minute})
	defer c.Close()
	for n := range rounds {
		begun := time.Now()
		if err := c.Set(t.Context(), "polite", n, 0).Err(); err != nil {
			t.Fatalf("SET %d: %v", n, err)
		}
		took = append(took, time.Since(begun))
		begun = time.Now()
		if got, err := c.Get(t.Context(), "polite").Int(); err != nil || got != n {
			t.Fatalf("GET gives %d, %v, not %d", got, err, n)
		}
		took = append(took, time.Since(begun))
		time.Sleep(time.Millisecond) // it is no flood
	}
	slices.Sort(took)
	return took
}

// holds asks a node how many bytes it holds from the system, and how many of them for its clients.
func holds(t testing.TB, addr string) (all, clients int64) {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr, ReadTimeout: time.Minute})
	defer c.Close()
	number := func(section, name string) int64 {
		text, err := c.Info(t.Context(), section).Result()
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(text, name+":")
		word, _, _ := strings.Cut(after, "\r\n")
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			t.Fatalf("INFO %s says %s:%s", section, name, word)
		}
		return n
	}
	return number("memory", "used_memory_rss"), number("clients", "client_memory")
}

// hostileNode starts one that thousands can come to, with a value that is dear to read and a user for the
// mob.
func hostileNode(t testing.TB, flags ...string) string {
	t.Helper()
	roomFor(t, throng+2000)
	flags = append(flags, "--max-clients", strconv.Itoa(throng+100), "--max-client-memory", "128mb")
	c := nodetest.Start(t, 1, nodetest.Flags(flags...))
	r := redis.NewClient(&redis.Options{Addr: c.Addr(0)})
	defer r.Close()
	if err := r.Set(t.Context(), "big", strings.Repeat("b", 1<<20), 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := r.Do(t.Context(), "ACL", "SETUSER", "mob", "on", ">mob", "~*", "&*", "+@all").Err(); err != nil {
		t.Fatal(err)
	}
	return c.Addr(0)
}

// TestHostileClients holds 10,000 connections, of which some mean harm: they read nothing, send halves,
// flood, babble, and come again when they are cut. A client that works as one should is answered rightly
// meanwhile, and the node holds no more than it may.
func TestHostileClients(t *testing.T) {
	addr := hostileNode(t)
	before, _ := holds(t, addr)
	m, err := assemble(addr, "")
	defer m.disperse()
	if err != nil {
		t.Fatal(err)
	}
	var most, clients int64
	for range 4 {
		polite(t, addr, 20)
		all, theirs := holds(t, addr)
		most, clients = max(most, all), max(clients, theirs)
	}
	m.disperse()
	t.Logf("%d MiB at rest, %d at most, of them %d for what clients hold", before>>20, most>>20, clients>>20)
	if clients > 128<<20 {
		t.Errorf("clients held %d MiB", clients>>20)
	}
	// What clients hold, the log up to its next snapshot and behind the last, all once more for what the
	// collector has not seen yet; and the connections.
	if bound := before + 2*((128+256+64)<<20) + throng*40<<10; most > bound {
		t.Errorf("the node held %d MiB, and %d would do", most>>20, bound>>20)
	}
	nodetest.Eventually(t, "what the mob held is given back", func() bool {
		_, theirs := holds(t, addr)
		return theirs == 0
	})
}

// quickly gives within how many milliseconds 99 of 100 commands of a client are answered. It has a process of
// its own, and sends a command when the last is answered.
func quickly(b *testing.B, addr string) float64 {
	b.Helper()
	status, out, said := verb(b, "bench", "--json", "--addr", addr, "-c", "1", "-n", "10000", "-d", "1m",
		"--warmup", "0", "--reads", "50", "mixed")
	var r struct {
		Commands int
		Latency  map[string]float64 `json:"latency_us"`
		Errors   map[string]int
	}
	err := json.Unmarshal([]byte(out), &r)
	if err != nil || status != 0 || r.Commands == 0 || len(r.Errors) > 0 {
		b.Fatalf("status %d, %v, said %q: %s", status, err, said, out)
	}
	return r.Latency["99"] / 1000
}

// BenchmarkHostile measures how long a polite client waits, alone and beside 10,000 connections of which some
// mean harm, of each kind and all of them. As they come from this machine they have the lowest priority, and
// what they send stands ready: what they cost the node is measured, not what they cost elsewhere. Beside
// those who only count is seen how much slower this machine answers its disk when its processors are busy.
// With TMPDIR in memory there is no such disk, and what is left is the node's own.
func BenchmarkHostile(b *testing.B) {
	only := []string{"", "nobody"}
	for _, kind := range kinds {
		only = append(only, kind.name)
	}
	beside(b, hostileNode(b), only...)
}

// BenchmarkHostileRated is BenchmarkHostile where a user may ask for no more than a polite one needs.
func BenchmarkHostileRated(b *testing.B) {
	beside(b, hostileNode(b, "--max-user-rate", "5000"), "", "pipelines")
}

// beside measures a polite client alone, and beside mobs of one kind each, or of all.
func beside(b *testing.B, addr string, only ...string) {
	b.Helper()
	quiet := quickly(b, addr)
	for _, name := range only {
		b.Run(cmp.Or(name, "all"), func(b *testing.B) {
			for b.Loop() {
				disperse := incite(b, addr, name)
				time.Sleep(2 * time.Second) // they are at it
				took := quickly(b, addr)
				all, clients := holds(b, addr)
				disperse()
				b.ReportMetric(quiet, "ms-quiet-p99")
				b.ReportMetric(took, "ms-p99")
				b.ReportMetric(took/quiet, "times")
				b.ReportMetric(float64(all>>20), "MiB")
				b.ReportMetric(float64(clients>>20), "MiB-of-clients")
			}
		})
	}
}
