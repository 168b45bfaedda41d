package replica

import (
	"cmp"
	"slices"

	"github.com/caucus-project/caucus/internal/machine"
)

// clock is a node's estimate of the ensemble's clock: its monotonic clock plus an offset. The
// leader's estimate is the ensemble's clock; a follower corrects its own by what the leader says. A
// new leader goes on from its estimate, and nobody's estimate is ever behind a stamp that it has
// seen (SAFETY A14).
type clock struct {
	offset int64  // microseconds since 1970, minus the monotonic clock
	told   uint64 // the term whose leader told the time last in this boot, be it this node; 0 for none
	shown  int64  // the latest time that was read from it, so that small corrections do not turn it back
}

// start begins with the wall clock, but not before the last stamp. It is a guess until a leader tells.
func (c *clock) start(now Time, stamp int64) {
	c.offset = max(now.Wall, stamp) - now.Mono
}

// at gives the estimate. While it is corrected by less than a second it stands still rather than go back.
func (c *clock) at(now Time) int64 {
	if at := now.Mono + c.offset; at > c.shown || at < c.shown-trust {
		c.shown = at
	}
	return c.shown
}

// heard takes what the leader's clock showed at some moment since this node asked, which took so
// long: now it shows as much at least, and not more than that later. An estimate between these stays.
func (c *clock) heard(now Time, stamp, took int64) {
	c.offset = min(max(c.offset, stamp-now.Mono), stamp+took-now.Mono)
}

// set makes it show a time, whatever was guessed before.
func (c *clock) set(now Time, stamp int64) { c.offset, c.shown = stamp-now.Mono, stamp }

// lead makes the clock that of the ensemble, which does not stand still: it goes on from the estimate,
// whatever this node has shown as a follower.
func (c *clock) lead() { c.shown = 0 }

// applied sees to it that the estimate is not behind the stamp of an entry.
func (c *clock) applied(now Time, stamp int64) {
	c.offset = max(c.offset, stamp-now.Mono)
}

// Clock gives this node's estimate of the ensemble's clock, in microseconds since 1970.
func (r *Replica) Clock(now Time) int64 { return r.clock.at(now) }

// Timed says whether the estimate is one of the ensemble's clock: a leader has told it in this boot, or this
// node leads and has begun that clock, and it was not begun anew since, as far as the log is applied here.
func (r *Replica) Timed() bool { return r.clock.told != 0 && r.clock.told >= r.m.ClockBegun() }

// hearTime takes what the leader's clock showed at some moment since this node asked, which took so long.
// Entries that were stamped later may have been applied meanwhile.
func (r *Replica) hearTime(stamp, took int64) {
	if r.Timed() {
		r.clock.heard(r.now, stamp, took)
	} else {
		r.clock.set(r.now, stamp)
	}
	r.clock.applied(r.now, r.m.Stamp())
	r.clock.told = r.term
	r.tempo.heard(r, stamp, took)
}

// trust is how far a wall clock may be from the voters' median and count.
const trust = second

// wall is a voter's wall clock, less the leader's monotonic clock at the same moment.
type wall struct {
	node   uint64
	offset int64
}

// weigh gives the median of the wall clocks that count and the nodes whose clock is off. Of two in the
// middle it takes the lower: time that was jumped over does not come back. Agreed says that those
// that count are a majority of so many voters; otherwise nobody knows what time it is.
func weigh(walls []wall, voters int) (median int64, off []wall, agreed bool) {
	if len(walls) == 0 {
		return 0, nil, false
	}
	slices.SortFunc(walls, func(a, b wall) int { return cmp.Compare(a.offset, b.offset) })
	middle := walls[(len(walls)-1)/2].offset
	var counted []int64
	for _, w := range walls {
		if w.offset < middle-trust || w.offset > middle+trust {
			off = append(off, w)
		} else {
			counted = append(counted, w.offset)
		}
	}
	return counted[(len(counted)-1)/2], off, 2*len(counted) > voters
}

// timing is how a leader keeps the ensemble's clock.
type timing struct {
	steered int64           // up to when it was steered, monotonic
	anew    bool            // it begins the clock, which counts once the note of that is applied
	off     map[uint64]bool // voters whose wall clock does not count
}

// begun says whether this leader may stamp entries. If it was not told what time it is, it waits until it
// has heard all voters, or a quorum for two heartbeats: the clock goes on from what one of them was told, and
// if nobody was, it begins anew at the median of their wall clocks, not before the last stamp. The first
// entry says so, and before that is applied nobody is told the new time: who has an older estimate and
// leads next may not know of it otherwise.
func (t *timing) begun(r *Replica, l *leadership) bool {
	if r.Timed() || t.anew && r.m.ClockBegun() == l.term {
		r.clock.told = l.term
		return true
	}
	if t.anew {
		return true
	}
	walls, voters := l.walls(r), len(r.conf.GetVoters())
	waited := r.now.Mono-l.since >= 2*r.cfg.Heartbeat
	if len(walls) < voters && (!waited || 2*len(walls) <= voters) {
		return false
	}
	median, _, _ := weigh(walls, voters)
	at := median + r.now.Mono
	if told := l.told(r); len(told) > 0 {
		slices.Sort(told)
		at, r.clock.told = told[(len(told)-1)/2], l.term
	} else {
		t.anew = true
		l.notes = append(l.notes, machine.BeginClock())
	}
	r.clock.set(r.now, max(at, r.m.Stamp()))
	return true
}

// steer brings the clock nearer to the voters' wall clocks, by a thousandth of the time that has passed
// at most. It is called at every tick and acts a heartbeat apart.
func (t *timing) steer(r *Replica, l *leadership) {
	passed := r.now.Mono - t.steered
	switch {
	case !r.Timed() || t.steered == 0:
		t.steered = r.now.Mono
		return
	case passed < r.cfg.Heartbeat:
		return
	}
	t.steered = r.now.Mono
	median, off, agreed := weigh(l.walls(r), len(r.conf.GetVoters()))
	t.report(r, off)
	if agreed {
		most := passed / 1000
		r.clock.offset += min(max(median-r.clock.offset, -most), most)
	}
}

// report says once of each voter that its clock is off, and once that it is right again.
func (t *timing) report(r *Replica, off []wall) {
	now := map[uint64]bool{}
	for _, w := range off {
		if now[w.node] = true; !t.off[w.node] {
			r.notice("the wall clock of a node is more than a second from the median of the voters' and does not "+
				"count: see to its time service", "node", w.node,
				"ahead_ms", (w.offset-r.clock.offset)/millisecond)
		}
	}
	for _, id := range r.conf.GetVoters() {
		if t.off[id] && !now[id] {
			r.notice("the wall clock of a node counts again", "node", id)
		}
	}
	t.off = now
}
