package replica

// clock is a node's estimate of the ensemble's clock: its monotonic clock plus an offset. The
// leader's estimate is the ensemble's clock; a follower corrects its own by what the leader says. A
// new leader goes on from its estimate, and nobody's estimate is ever behind a stamp that it has
// seen.
type clock struct {
	offset int64 // microseconds since 1970, minus the monotonic clock
	known  bool  // a leader has told the time in this boot
}

// start begins with the wall clock, but not before the last stamp.
func (c *clock) start(now Time, stamp int64) {
	c.offset = max(now.Wall, stamp) - now.Mono
}

// at gives the estimate.
func (c *clock) at(now Time) int64 { return now.Mono + c.offset }

// heard takes what the leader said the time was when it answered, a moment ago.
func (c *clock) heard(now Time, stamp int64) {
	if !c.known || stamp > c.at(now) {
		c.offset, c.known = stamp-now.Mono, true
	}
}

// applied sees to it that the estimate is not behind the stamp of an entry.
func (c *clock) applied(now Time, stamp int64) {
	c.offset = max(c.offset, stamp-now.Mono)
}

// Clock gives this node's estimate of the ensemble's clock, in microseconds since 1970.
func (r *Replica) Clock(now Time) int64 { return r.clock.at(now) }
