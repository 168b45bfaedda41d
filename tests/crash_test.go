package tests

import (
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"
)

// crashFor says how long nodes are killed: as long as CAUCUS_CRASH says, else a minute, or some
// seconds with -short.
func crashFor(t *testing.T) time.Duration {
	if d, err := time.ParseDuration(os.Getenv("CAUCUS_CRASH")); err == nil {
		return d
	}
	if testing.Short() {
		return 12 * time.Second
	}
	return time.Minute
}

// Any of three nodes is killed at any time, often two or all at once, while clients write on each.
// Every acknowledged write is on all three afterwards, and nothing that any client saw contradicts
// one order of all.
func TestKillsUnderWriters(t *testing.T) {
	t.Parallel()
	list := ensemble(t, 3, "--snapshot", "2000")
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	w := startWriters(t, list, 3)
	end := time.Now().Add(crashFor(t))
	var killers sync.WaitGroup
	for i, s := range list {
		rng := rand.New(rand.NewPCG(seed, uint64(i)))
		killers.Go(func() { torment(s, rng, end) })
	}
	killers.Wait()
	for _, s := range list {
		s.serving()
	}
	before := w.total()
	eventually(t, "clients go on", func() bool { return w.total() > before+20 })
	w.finish()
	w.settled(t, list)
	w.check(t)
	for _, kind := range []string{"get", "set", "incr", "cas", "swap", "once"} {
		if w.count[kind] == 0 {
			t.Errorf("not one %s was answered", kind)
		}
	}
}

// torment kills a server and starts it again, over and over. It may die again before it serves.
func torment(s *server, rng *rand.Rand, end time.Time) {
	for time.Now().Before(end) {
		time.Sleep(time.Duration(500+rng.IntN(4500)) * time.Millisecond)
		s.kill()
		time.Sleep(time.Duration(rng.IntN(1500)) * time.Millisecond)
		s.launch()
	}
}

// All three die in the same moment, in the middle of everything, again and again: what was
// acknowledged was on the disks of a majority.
func TestRestartAll(t *testing.T) {
	t.Parallel()
	list := ensemble(t, 3)
	w := startWriters(t, list, 3)
	for range 3 {
		before := w.total()
		eventually(t, "clients go on", func() bool { return w.total() > before+200 })
		var all sync.WaitGroup
		for _, s := range list {
			all.Go(s.kill)
		}
		all.Wait()
		for _, s := range list {
			s.launch()
		}
	}
	for _, s := range list {
		s.serving()
	}
	w.finish()
	w.settled(t, list)
	w.check(t)
}
