package sim_test

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/caucus-project/caucus/internal/sim"
)

var (
	seeds = flag.Int("seeds", 0, "how many seeds TestSeeds runs; 0 means 1000, or 100 with -short")
	from  = flag.Uint64("from", 1, "the first seed")
	lines = flag.Int("lines", 30, "how many lines of its trace a failed seed prints")
)

// TestSeeds runs seeds, two at a time; each of them is single-threaded. A seed that fails prints the
// command that replays it.
func TestSeeds(t *testing.T) {
	t.Parallel()
	n := *seeds
	if n == 0 {
		n = 1000
		if testing.Short() {
			n = 100
		}
	}
	run := &seedRun{t: t, next: *from, end: *from + uint64(n), counts: map[string]int{}}
	var both sync.WaitGroup
	for range 2 {
		both.Go(run.work)
	}
	both.Wait()
	for _, what := range slices.Sorted(maps.Keys(run.counts)) {
		t.Logf("%9d %s", run.counts[what], what)
	}
	if run.failed > 0 {
		t.Errorf("%d of %d seeds failed", run.failed, n)
	}
}

// seedRun hands out seeds and gathers what became of them.
type seedRun struct {
	t         *testing.T
	mu        sync.Mutex
	next, end uint64
	failed    int
	counts    map[string]int
}

func (r *seedRun) work() {
	for {
		seed, ok := r.take()
		if !ok {
			return
		}
		r.done(seed, play(seed))
	}
}

// play runs a seed. A panic is a failure of the seed like any other.
func play(seed uint64) (result sim.Result) {
	defer func() {
		if p := recover(); p != nil {
			result.Err = fmt.Errorf("panic: %v", p)
		}
	}()
	return sim.Run(seed, *lines)
}

func (r *seedRun) take() (uint64, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next == r.end || r.failed >= 5 {
		return 0, false
	}
	r.next++
	return r.next - 1, true
}

func (r *seedRun) done(seed uint64, result sim.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts["steps"] += result.Events
	for what, n := range result.Counts {
		r.counts[what] += n
	}
	if result.Err == nil {
		return
	}
	r.failed++
	r.t.Errorf("seed %d: %v\nreplay: go test ./internal/sim -run Seeds -seeds 1 -from %d -lines 500 -v\n%s",
		seed, result.Err, seed, result.Tail)
}

// TestSameSeedSameTrace: a seed that fails can be replayed.
func TestSameSeedSameTrace(t *testing.T) {
	t.Parallel()
	for seed := uint64(1); seed <= 12; seed++ {
		a, b := sim.Run(seed, 1), sim.Run(seed, 1)
		if a.Hash != b.Hash || a.Events != b.Events {
			t.Errorf("seed %d: %d steps with hash %x, then %d steps with hash %x", seed, a.Events, a.Hash,
				b.Events, b.Hash)
		}
	}
	if a, b := sim.Run(1, 1), sim.Run(2, 1); a.Hash == b.Hash {
		t.Error("two seeds have one hash")
	}
}
