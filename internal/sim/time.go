package sim

// hour is a large step of a wall clock.
const hour = 3600 * second

// timeKept is what leaders showed for the ensemble's clock (SAFETY A14).
type timeKept struct {
	term  uint64 // of the newest leader that was seen
	by    *node  // the newest leader that knew the time, nil for none
	under uint64 // the term in which it did
	at    int64  // true time of the last look
	shown int64  // what it showed then
	stamp int64  // the newest of any entry applied anywhere
}

// apart is how far the clocks of two leaders in turn may be apart: the estimate of a follower is as good
// as the way to its leader and back is short, and a question is out for three heartbeats at most.
const apart = 300 * millisecond

// look sees that the clock of the newest leader goes as fast as time, but for the rate of its node's
// clock (1 percent) and the steering (1 in 1,000), that the next leader's joins it unless the log says that
// it was begun anew, and that it is ahead of all stamps.
func (t *timeKept) look(n *node) {
	if stamp := n.r.State().Stamp(); stamp > t.stamp {
		t.stamp = stamp
	}
	_, term, _ := n.r.Standing()
	if !n.r.Leads() || term < t.term {
		return
	}
	w, shown := n.w, n.r.Clock(n.clock.time())
	passed, since := shown-t.shown, w.now-t.at
	grain := 100 + w.plan.pause/1000 // what it may be steered by at once, after two heartbeats or a pause
	switch {
	case !n.r.Timed():
		t.term = term
		return
	case n.r.State().Term() < term:
		return // it has applied nothing of its own term: it may not know the last stamps yet, and stamps nothing
	case shown < t.stamp:
		w.fail("SAFETY A14: %s shows %d, after an entry was stamped %d", n.name, shown, t.stamp)
	case n.r.State().ClockBegun() == term && t.under != term: // it may have jumped, but not behind the stamps
		w.checks.count("cold clocks")
	case t.by == nil:
		w.fail("SAFETY A14: %s knows the time, which nobody has begun", n.name)
	case t.by == n && t.under == term && (passed < since-since/80-grain || passed > since+since/80+grain):
		w.fail("SAFETY A14: the clock of %s went by %d in %d µs", n.name, passed, since)
	case passed < since-since/30-apart || passed > since+since/30+apart:
		w.fail("SAFETY A14: the clock of %s went by %d in %d µs, since %s led", n.name, passed, since, t.by.name)
	}
	t.term, t.under, t.by, t.at, t.shown = term, term, n, w.now, shown
}
