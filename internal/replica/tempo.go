package replica

// tempo compares how fast this node's clock and the leader's run, by what the leader's shows in the answers
// to this node's questions. Beliefs are safe while every clock is within 1 % of true time (SAFETY A2), so
// two of them may differ by 2 %. Beyond that one of the two is wrong, which cannot be known to be this one,
// nor be mended, but said.
type tempo struct {
	term  uint64 // whose leader's clock it is
	since glimpse
	off   bool // it was said
}

// glimpse is what the leader's clock showed at some moment between two of this node's.
type glimpse struct{ stamp, asked, answered int64 }

// How far the rates may differ, in thousandths: 2 %, and the thousandth by which a leader steers. After a
// minute and a half a comparison ends and another begins, so that a clock that becomes wrong, or right,
// shows.
const (
	mayDiffer = 21
	compare   = 90 * second
)

// heard takes an answer that took so long. It judges only by what is certain, however slow answers are.
func (t *tempo) heard(r *Replica, stamp, took int64) {
	now := glimpse{stamp: stamp, asked: r.now.Mono - took, answered: r.now.Mono}
	if t.term != r.term { // another clock, perhaps a better one
		*t = tempo{term: r.term, since: now}
		return
	}
	theirs := stamp - t.since.stamp
	most := theirs * mayDiffer / 1000
	fast, slow := now.asked-t.since.answered-theirs, theirs-(now.answered-t.since.asked)
	switch over := now.answered-t.since.answered >= compare; {
	case fast > most:
		t.say(r, now, "ahead_ms", fast)
	case slow > most:
		t.say(r, now, "behind_ms", slow)
	case over:
		if t.off {
			r.notice("this node's clock and the leader's run alike again", "leader", r.lead)
		}
		t.off, t.since = false, now
	}
}

// say warns once, and begins to compare anew.
func (t *tempo) say(r *Replica, now glimpse, which string, gained int64) {
	if !t.off {
		r.warn("this node's clock and the leader's differ in rate by more than 2 %, so one of them is wrong, and "+
			"what is held may be believed in by two: replace the machine whose clock is wrong; it is the leader's if "+
			"other nodes say the same", "leader", r.lead,
			which, gained/millisecond, "within_ms", (now.answered-t.since.answered)/millisecond)
	}
	t.off, t.since = true, now
}
