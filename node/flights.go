package node

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/replica"
	"github.com/caucus-project/caucus/internal/talk"
)

// flights are the pipelines that were started and are not answered yet (waist.Starter). One goroutine hands
// on all the answers of a step of the replica.
type flights struct {
	mu     sync.Mutex
	all    map[*flight]struct{}
	landed []landing
	spare  []landing // room for the next landed
	wake   chan struct{}
}

// flight is a pipeline that is under way. Whoever takes it out of flights answers it.
type flight struct {
	c     *conn
	plan  *talk.Plan
	batch replica.Batch
	done  func([]caucus.Reply)
	begun time.Time
	trail *trail // nil unless it is traced
}

// landing is a flight and what the replica answered.
type landing struct {
	*flight
	answer replica.Answer
}

func newFlights() *flights {
	return &flights{all: map[*flight]struct{}{}, wake: make(chan struct{}, 1)}
}

// Start begins a pipeline. One that cannot go as a whole, may have to pause, or whose answer may be long
// in coming, has a goroutine of its own.
func (c *conn) Start(ctx context.Context, cmds []caucus.Command, done func([]caucus.Reply)) []caucus.Reply {
	begun := time.Now()
	c.came(len(cmds), begun)
	plan, used := c.talk.Plan(cmds)
	switch {
	case used < len(cmds) || !plan.Soon() || c.n.shares.mayPause(c.part(plan), begun):
		go func() {
			done(c.doAll(ctx, plan, cmds[used:], len(cmds)))
			c.Push()
		}()
		return nil
	case len(plan.Steps) == 0:
		c.touch(plan)
		return c.talk.Finish(plan, nil)
	}
	f := &flight{c: c, plan: plan, batch: batchOf(plan), done: done, begun: begun}
	f.batch.Tag, f.trail = f, c.n.follow(ctx, plan, &f.batch, f.begun)
	c.n.flights.add(f)
	if !c.n.owner.lay(&f.batch, c.n.patience(ctx)) && c.n.flights.take(f) {
		return c.talk.Fail(plan, errStopping)
	}
	return nil
}

// Push sends what was started on its way.
func (c *conn) Push() { c.n.owner.pushLaid() }

// Abandon has the pipeline that is under way answered, if there is one.
func (c *conn) Abandon() {
	f := c.n.flights
	f.mu.Lock()
	mine := c.flight
	f.mu.Unlock()
	if mine != nil {
		f.hand(mine, replica.Answer{Err: errAbandoned})
	}
}

func (f *flights) add(one *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all[one] = struct{}{}
	one.c.n.shares.underway.Add(1)
	one.c.flight = one
}

// take says whether the flight was still under way; then the caller answers it.
func (f *flights) take(one *flight) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.all[one]
	delete(f.all, one)
	if ok {
		one.c.flight = nil
		one.c.n.shares.underway.Add(-1)
	}
	return ok
}

// hand gives an answer to who waits for it, if he still does.
func (f *flights) hand(one *flight, a replica.Answer) {
	if f.take(one) {
		one.c.n.meter.Answered(way(one.plan), time.Since(one.begun))
		one.done(one.c.conclude(one.plan, a))
		one.c.n.arrived(one.trail, a.Err)
	}
}

// land takes answers, for others than flights too.
func (f *flights) land(answers []replica.Answer) {
	flown := false
	f.mu.Lock()
	for _, a := range answers {
		switch tag := a.Batch.Tag.(type) {
		case *request:
			tag.answer <- a
		case *flight:
			f.landed = append(f.landed, landing{tag, a})
			flown = true
		}
	}
	f.mu.Unlock()
	if flown {
		select {
		case f.wake <- struct{}{}:
		default:
		}
	}
}

// run gives answers to those who wait for them until the owner has stopped; whoever still waits then is told
// that nobody knows.
func (f *flights) run(o *owner) {
	for over := false; !over; {
		select {
		case <-f.wake:
		case <-o.quit:
			over = true
		}
		list := f.arrivals()
		for _, l := range list {
			f.hand(l.flight, l.answer)
		}
		o.pushLaid()
		f.giveBack(list)
	}
	for _, one := range f.rest() {
		f.hand(one, replica.Answer{Err: errAbandoned})
	}
}

func (f *flights) arrivals() []landing {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := f.landed
	f.landed, f.spare = f.spare, nil
	return list
}

// keepLandings is for how many answers the room is kept.
const keepLandings = 4096

func (f *flights) giveBack(list []landing) {
	if cap(list) > keepLandings {
		return
	}
	clear(list)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.spare = list[:0]
}

func (f *flights) rest() []*flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Keys(f.all))
}
