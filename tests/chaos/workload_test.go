//go:build linux

package chaos

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/caucus-project/caucus/tests/chaos/history"
)

// workload is clients that do something whose answers can be judged. A value is for one run.
type workload interface {
	// run works at the field until ctx ends, and then lets every call that is under way come to its end. An
	// error is a violation, and ends the run. No node, nor all of them together, being unable to answer is one.
	run(ctx context.Context, c *crew) error
	// check judges what run was answered. It is called when everything is mended and the nodes are at rest and
	// agree, so it may also read from them, and what it reads must be answered. An error is a violation.
	check(ctx context.Context, c *crew) error
}

// workloads is the table of what clients do. All of them work at the same time.
var workloads = []struct {
	name string
	make func() workload
}{
	{"registers", func() workload { return new(registers) }},
	{"counters", func() workload { return new(counters) }},
	{"bank", func() workload { return new(bank) }},
	{"locks", func() workload { return new(locks) }},
	{"members", func() workload { return new(members) }},
	{"votes", func() workload { return new(votes) }},
	{"messages", func() workload { return new(messages) }},
}

// crew is what a workload works with: the field (field.dial, field.line), chance, and a note of every call
// (notes_test.go).
type crew struct {
	*field
	name  string
	seed  uint64
	work  workload
	pulse *pulse

	began, ended int64 // moments; ended is 0 while it works
	calls        notes[history.Call]
	undecided    []string // what its checkers could not find out
}

// rand gives chance for one client.
func (c *crew) rand(client int) *rand.Rand { return rand.New(rand.NewPCG(c.seed, uint64(client))) }

// rest waits for up to so long, less when ctx ends.
func rest(ctx context.Context, upTo time.Duration, rng *rand.Rand) {
	select {
	case <-ctx.Done():
	case <-time.After(time.Duration(rng.Int64N(int64(upTo)))):
	}
}

// pulse knows for how long no write was acknowledged, to any client, while something was broken and while
// nothing was.
type pulse struct {
	mu            sync.Mutex
	on            int       // faults
	last          time.Time // the last acknowledged write, or since when things are as they are
	broken, whole time.Duration
}

// beat notes an acknowledged write.
func (p *pulse) beat(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count(now)
}

func (p *pulse) count(now time.Time) {
	longest := &p.whole
	if p.on > 0 {
		longest = &p.broken
	}
	if !p.last.IsZero() {
		*longest = max(*longest, now.Sub(p.last))
	}
	p.last = now
}

// faults notes that so many more faults are on.
func (p *pulse) faults(now time.Time, more int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.on == 0 || p.on+more == 0 {
		p.count(now)
	}
	p.on += more
}
