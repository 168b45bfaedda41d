package sim

import (
	"github.com/caucus-project/caucus/internal/lease"
	"github.com/caucus-project/caucus/internal/replica"
)

// clock is what one process, or one node, takes for the time. Its rate is within 1 percent of the truth.
type clock struct {
	w     *World
	ppm   int64 // parts per million that it goes fast
	start int64 // true time at which it showed base
	base  int64
	skew  int64 // of the wall clock
	drift int64 // parts per million that the wall clock goes faster than the monotonic one
	slept int64 // for how long the monotonic clock stood still while the machine was suspended
}

// mostDrift is what is promised of monotonic clocks, parts per million.
const mostDrift = 10_000

// newClock draws a clock.
func newClock(w *World) clock {
	if w.plan.exact {
		return clock{w: w, start: w.now, base: second}
	}
	return clock{w: w, ppm: w.between(-mostDrift, mostDrift), start: w.now, base: second,
		skew: w.between(-300, 300) * millisecond}
}

// passed gives how much time has passed by this clock since it started.
func (c *clock) passed() int64 {
	d := c.w.now - c.start
	return d + d*c.ppm/1_000_000
}

// mono gives the monotonic clock.
func (c *clock) mono() int64 { return c.base + c.passed() - c.slept }

// wallBegin is when all simulated ensembles begin, microseconds since 1970.
const wallBegin = 1_700_000_000 * second

// wall gives the wall clock.
func (c *clock) wall() int64 {
	return wallBegin + c.start + c.passed() + c.passed()*c.drift/1_000_000 + c.skew
}

// run changes the rates from now on.
func (c *clock) run(ppm, drift int64) {
	mono, wall := c.mono(), c.wall()
	c.start, c.base, c.ppm, c.drift = c.w.now, mono+c.slept, ppm, drift
	c.skew += wall - c.wall()
}

// time gives the clocks as a replica wants them.
func (c *clock) time() replica.Time { return replica.Time{Mono: c.mono(), Wall: c.wall()} }

// reading gives the clocks as a lease wants them.
func (c *clock) reading() lease.Reading {
	return lease.Reading{Mono: c.mono(), Boot: c.mono() + c.slept, Wall: c.wall()}
}

// until gives how long it truly takes until the monotonic clock shows t.
func (c *clock) until(t int64) int64 {
	d := t - c.mono()
	if d <= 0 {
		return 0
	}
	return d*1_000_000/(1_000_000+c.ppm) + 1
}

// reboot starts the monotonic clock anew.
func (c *clock) reboot() {
	wall := c.wall()
	c.start, c.base, c.slept = c.w.now, second, 0
	c.skew += wall - c.wall()
}
