//go:build linux

package chaos

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/tool"
)

var (
	lasts = flag.Duration("chaos", 20*time.Second, "for how long TestChaos breaks things")
	seed  = flag.Uint64("seed", 0, "of the schedule; 0 draws one")
	nodes = flag.Int("nodes", 3, "in the field: 3 or 5")
	only  = flag.String("only", "", "faults to break things with, as kill,part; all when empty, or none")
)

// TestChaos is the whole of it: the workloads under a schedule of faults, and then what is left.
func TestChaos(t *testing.T) {
	needRoot(t)
	if err := bury(); err != nil {
		t.Error(err)
	}
	if testing.Short() {
		*lasts = min(*lasts, 5*time.Second)
	}
	if *seed == 0 {
		*seed = rand.Uint64N(1_000_000_000)
	}
	r := newRun(t)
	t.Logf("seed %d; again: %s", *seed, r.again())
	r.storms()
	r.mended()
	r.judge()
	r.report()
}

// needRoot ends the test unless it may make places.
func needRoot(t *testing.T) {
	t.Helper()
	tool.Need(t, "ip", "nft", "env", "mount", "umount", "mkfs.ext4", "fsfreeze", "fallocate", "df", "truncate")
	p, err := newPlace("trial", "")
	if err != nil {
		tool.Lack(t, "the right to make network namespaces (root): "+err.Error())
	}
	p.ns.Close()
}

// run is one run of the runner.
type run struct {
	*field
	t     *testing.T
	table []fault
	pulse *pulse
	crews []*crew
	began time.Time

	working sync.WaitGroup
	undoing sync.WaitGroup

	mu    sync.Mutex
	on    map[int]string // what is broken at present, by the number of its turn
	times map[string]int // how often each fault was on
}

func newRun(t *testing.T) *run {
	t.Helper()
	r := &run{t: t, pulse: new(pulse), on: map[int]string{}, times: map[string]int{}}
	r.table = slices.DeleteFunc(slices.Clone(faults), func(one fault) bool {
		return *only != "" && !slices.Contains(strings.Split(*only, ","), one.name)
	})
	if len(r.table) == 0 && *only != "none" {
		t.Fatalf("no fault is called %q", *only)
	}
	r.field = newField(t, *nodes)
	for i, w := range workloads {
		r.crews = append(r.crews, &crew{field: r.field, name: w.name, work: w.make(), pulse: r.pulse,
			seed: *seed + uint64(i)})
	}
	return r
}

// storms sets the workloads to work, and breaks and mends what the schedule says. What is slow to mend may
// still be under way when it returns.
func (r *run) storms() {
	ctx, cancel := context.WithTimeout(r.ctx, *lasts)
	defer cancel()
	for _, c := range r.crews {
		c.began = moment()
		r.working.Go(func() {
			if err := c.work.run(ctx, c); err != nil {
				r.violated("%s: %w", c.name, err)
			}
		})
	}
	defer func() {
		for _, c := range r.crews {
			c.ended = moment()
		}
	}()
	r.began = time.Now()
	telling := make(chan struct{})
	go func() { defer close(telling); r.tell(ctx) }()
	for i, one := range schedule(*seed, *lasts, r.table) {
		select {
		case <-ctx.Done():
		case <-time.After(time.Until(r.began.Add(one.at))):
			r.undoing.Go(func() { r.turn(ctx, i, one) })
		}
	}
	<-ctx.Done()
	<-telling
}

// turn has one fault on for its time.
func (r *run) turn(ctx context.Context, i int, one turn) {
	undo, what, err := one.fault.do(r.field, rand.New(rand.NewPCG(one.seed, 2)))
	if errors.Is(err, errBusy) {
		return
	}
	if err != nil {
		r.violated("%s %s: %w", one.fault.name, what, err)
		return
	}
	r.note(i, one.fault.name, what)
	select {
	case <-ctx.Done():
	case <-time.After(time.Until(r.began.Add(one.at + one.lasts))):
	}
	if err := undo(); err != nil {
		r.violated("mending %s %s: %w", one.fault.name, what, err)
	}
	r.note(i, one.fault.name, "")
}

// note keeps what is broken at present.
func (r *run) note(i int, fault, what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if what == "" {
		delete(r.on, i)
		r.pulse.faults(time.Now(), -1)
		return
	}
	r.on[i] = fault + " " + what
	r.times[fault]++
	r.pulse.faults(time.Now(), 1)
	r.t.Logf("%7.2f s  %s", time.Since(r.began).Seconds(), r.on[i])
}

// mended waits until everything is mended, all that clients had under way has come to its end, and the
// nodes are at rest and agree.
func (r *run) mended() {
	done := make(chan struct{})
	go func() { r.undoing.Wait(); r.working.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(2 * nodetest.Patience):
		r.violated("%v after the last fault there is still under way: %v, or a call of a client",
			2*nodetest.Patience, r.present())
		<-done
	}
	if r.ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(r.ctx, 2*nodetest.Patience)
	defer cancel()
	var last error
	if err := wait(ctx, "rest", func() bool { last = r.atRest(); return last == nil }); err != nil {
		r.violated("the nodes do not come to rest: %w: %w", err, last)
	}
}

// judge has the workloads look at what they saw.
func (r *run) judge() {
	for _, c := range r.crews {
		if r.ctx.Err() != nil {
			return
		}
		if err := c.work.check(r.ctx, c); err != nil {
			r.violated("%s: %w", c.name, err)
		}
	}
}

// present lists the faults that are on.
func (r *run) present() (list []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, what := range r.on {
		list = append(list, what)
	}
	slices.Sort(list)
	return list
}

// again is the command that draws the same schedule.
func (r *run) again() string {
	return fmt.Sprintf("go test -tags chaos ./tests/chaos -run TestChaos -v -count 1 -timeout 0 "+
		"-chaos %v -seed %d -nodes %d -only %q", *lasts, *seed, *nodes, *only)
}
