package sim_test

import (
	"flag"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/caucus-project/caucus/internal/invariant"
	"github.com/caucus-project/caucus/internal/sim"
)

var (
	seeds   = flag.Int("seeds", 0, "how many seeds TestSeeds runs; 0 means 1000, or 100 with -short")
	from    = flag.Uint64("from", 1, "the first seed")
	lines   = flag.Int("lines", 40, "how many lines of its trace a failed seed prints")
	without = flag.String("without", "", "numbers of faults that do not come, as 3,5-9")
	luck    = flag.Uint64("luck", 0, "another course of events under the same faults")
	tries   = flag.Int("tries", 200, "how often a failed seed is run again, in search of fewer faults")
)

// TestSeeds runs seeds, two at a time; each of them is single-threaded. A seed that fails prints the
// command that replays it, and the shortest case that was found to fail in the same way.
// After five that failed, or one under -failfast, no more begin.
func TestSeeds(t *testing.T) {
	t.Parallel()
	n := *seeds
	if n == 0 {
		n = 1000
		if testing.Short() {
			n = 100
		}
	}
	left, err := numbers(*without)
	if err != nil {
		t.Fatal(err)
	}
	run := &seedRun{t: t, without: left, next: *from, end: *from + uint64(n), most: 5,
		counts: map[string]int{}}
	if failfast := flag.Lookup("test.failfast"); failfast != nil && failfast.Value.String() == "true" {
		run.most = 1
	}
	defer debug.SetGCPercent(debug.SetGCPercent(800)) // a world is small, makes much garbage, and is gone soon
	var both sync.WaitGroup
	for range 2 {
		both.Go(run.work)
	}
	both.Wait()
	for _, what := range slices.Sorted(maps.Keys(run.counts)) {
		t.Logf("%9d %s", run.counts[what], what)
	}
	if n >= 1000 && *from == 1 && run.failed == 0 {
		run.sawAll()
	}
	if run.failed > 0 {
		t.Errorf("%d of %d seeds failed", run.failed, n)
	}
}

// seedRun hands out seeds and gathers what became of them.
type seedRun struct {
	t         *testing.T
	without   []int
	mu        sync.Mutex
	next, end uint64
	failed    int
	most      int // no seed begins when so many failed
	counts    map[string]int
}

func (r *seedRun) work() {
	for {
		seed, ok := r.take()
		if !ok {
			return
		}
		c := sim.Case{Seed: seed, Without: r.without, Luck: *luck, Lines: *lines}
		result := sim.Run(c)
		r.done(result)
		if result.Err != nil {
			r.t.Error(report(c, result))
		}
	}
}

// sawAll sees that every kind of fault really came, and that what faults are there to bring about came about.
func (r *seedRun) sawAll() {
	about := []string{"elections", "handed over", "transfers", "removals", "replacements", "joined", "nospace",
		"tryagain", "uncertain", "snapshots to laggards", "snapshots to newcomers", "repaired", "cold clocks",
		"writes sent again", "resumed", "moved", "messages too late", "rights given", "rights taken",
		"noperm", "seeds with 3 voters", "seeds with 5 voters", "seeds with 7 voters"}
	for _, what := range append(sim.FaultKinds(), about...) {
		if r.counts[what] == 0 {
			r.t.Errorf("in %d seeds there was none: %s", r.next-*from, what)
		}
	}
}

func (r *seedRun) take() (uint64, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next == r.end || r.failed >= r.most {
		return 0, false
	}
	r.next++
	return r.next - 1, true
}

func (r *seedRun) done(result sim.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts["steps"] += result.Events
	for what, n := range result.Counts {
		r.counts[what] += n
	}
	if result.Err != nil {
		r.failed++
	}
}

// report tells how a case failed, how it is replayed, and the shortest that was found to fail like it.
func report(c sim.Case, r sim.Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %v\n%s\nreplay: %s\n", c.Seed, r.Err, r.Plan, replay(c))
	if *tries > 0 {
		short, found := sim.Shrink(c, *tries)
		fmt.Fprintf(&b, "%d of its %d faults are enough: %v\nreplay: %s\n", len(found.Faults), len(r.Faults),
			found.Err, replay(short))
		r = found
	}
	fmt.Fprintf(&b, "%s\n%s", strings.Join(r.Faults, "\n"), r.Tail)
	return b.String()
}

// replay gives the one command that has a case again.
func replay(c sim.Case) string {
	var b strings.Builder
	b.WriteString("go test")
	if invariant.On {
		b.WriteString(" -tags invariants")
	}
	fmt.Fprintf(&b, " ./internal/sim -run TestSeeds -seeds 1 -from %d", c.Seed)
	if c.Luck > 0 {
		fmt.Fprintf(&b, " -luck %d", c.Luck)
	}
	if len(c.Without) > 0 {
		fmt.Fprintf(&b, " -without %s", spans(c.Without))
	}
	b.WriteString(" -tries 0 -lines 500 -v")
	return b.String()
}

// spans writes numbers, which rise, as 3,5-9.
func spans(list []int) string {
	var words []string
	for i := 0; i < len(list); {
		last := i
		for last+1 < len(list) && list[last+1] == list[last]+1 {
			last++
		}
		word := strconv.Itoa(list[i])
		if last > i {
			word += "-" + strconv.Itoa(list[last])
		}
		words, i = append(words, word), last+1
	}
	return strings.Join(words, ",")
}

// numbers reads what spans writes.
func numbers(text string) (list []int, err error) {
	for word := range strings.SplitSeq(text, ",") {
		if word == "" {
			continue
		}
		first, last, span := strings.Cut(word, "-")
		from, err := strconv.Atoi(first)
		to := from
		if span && err == nil {
			to, err = strconv.Atoi(last)
		}
		if err != nil {
			return nil, fmt.Errorf("-without takes numbers and spans of them, as 3,5-9, not %q: %w", text, err)
		}
		for n := from; n <= to; n++ {
			list = append(list, n)
		}
	}
	return list, nil
}

func TestSpans(t *testing.T) {
	for _, text := range []string{"", "3", "3,5-9", "1-2,4,7-30"} {
		if list, err := numbers(text); err != nil || spans(list) != text {
			t.Errorf("%q is read as %v, %v", text, list, err)
		}
	}
	if _, err := numbers("3,x"); err == nil {
		t.Error("x is taken for a number")
	}
}

// TestSameSeedSameTrace: a seed that fails can be replayed.
func TestSameSeedSameTrace(t *testing.T) {
	t.Parallel()
	for seed := uint64(1); seed <= 12; seed++ {
		c := sim.Case{Seed: seed, Luck: seed % 3, Lines: 1}
		a, b := sim.Run(c), sim.Run(c)
		if a.Hash != b.Hash || a.Events != b.Events {
			t.Errorf("seed %d: %d steps with hash %x, then %d steps with hash %x", seed, a.Events, a.Hash,
				b.Events, b.Hash)
		}
	}
	if a, b := sim.Run(sim.Case{Seed: 1}), sim.Run(sim.Case{Seed: 2}); a.Hash == b.Hash {
		t.Error("two seeds have one hash")
	}
	if a, b := sim.Run(sim.Case{Seed: 1}), sim.Run(sim.Case{Seed: 1, Luck: 1}); a.Hash == b.Hash {
		t.Error("two courses of a seed have one hash")
	}
}
