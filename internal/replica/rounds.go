package replica

import (
	"github.com/caucus-project/caucus/internal/entry"
)

// rounds carries the reads and the signs of life of this node's clients: all that came while one
// round was out share the next (DESIGN "The way of a read"). A batch waits for three things: the
// leader's confirmation, for the log to be applied here up to what it says, and, when it asks for a
// promise, that its beats counted.
type rounds struct {
	next   []*Batch // for the next round
	flying []*Batch // of the round that is out
	ready  []waiting
	id     uint64 // of the round that is out, 0 for none
	last   uint64
	sent   int64 // when it left, monotonic
	hold   int64 // the next round does not leave before, monotonic
}

// waiting is a batch that is confirmed and waits for the log to be applied up to index. What the
// leader says of its beats is judged then, since a node that lags behind does not know whether a
// session lives.
type waiting struct {
	batch   *Batch
	index   uint64
	refused map[entry.Session]bool // whose beats did not count
}

// start begins to number rounds. Every boot begins somewhere else: a confirmation that was meant
// for a former boot speaks of a time before the present one's reads were asked for, and may still
// be on its way.
func (q *rounds) start(boot entry.Boot) {
	for _, b := range boot[:5] {
		q.last = q.last<<8 | uint64(b)
	}
	q.last <<= 20
}

// add takes a batch of reads.
func (q *rounds) add(b *Batch) { q.next = append(q.next, b) }

// turn forgets the round that is out: another leader must be asked.
func (q *rounds) turn() {
	q.next = append(q.flying, q.next...)
	q.flying, q.id = nil, 0
}

// resend asks again when the question may be lost.
func (q *rounds) resend() { q.turn() }

// advance sends the next round.
func (q *rounds) advance(r *Replica) {
	if q.id != 0 || !q.due(r) || r.lead == 0 || r.now.Mono < q.hold {
		return
	}
	q.flying, q.next = q.next, nil
	q.last++
	q.id, q.sent = q.last, r.now.Mono
	round := &Round{Term: r.term, ID: q.id}
	for _, b := range q.flying {
		round.Beats = append(round.Beats, b.Beats...)
	}
	if r.leader != nil {
		r.leader.ask(r.cfg.Node.ID, round)
	} else {
		r.send(r.lead, Frame{Round: round})
	}
}

// due says whether there is something to ask: what clients ask for, or only what time it is, which a
// follower wants to know once a second (SAFETY A14).
func (q *rounds) due(r *Replica) bool {
	return len(q.next) > 0 || r.leader == nil && (!r.Timed() || r.now.Mono-q.sent >= second)
}

// again is how long a beat that did not count waits for its obstacle (a mark, an end or a drop that is
// on its way through the log) to be out of the way.
const again = 2 * millisecond

// confirmed takes the leader's answer.
func (q *rounds) confirmed(r *Replica, c *Confirm) {
	if q.id == 0 || c.ID != q.id {
		return
	}
	if r.leader == nil {
		r.hearTime(c.Stamp, r.now.Mono-q.sent)
	}
	refused := map[entry.Session]bool{}
	for _, s := range c.Again {
		refused[s] = true
	}
	for _, b := range q.flying {
		q.ready = append(q.ready, waiting{b, c.Index, refused})
	}
	q.flying, q.id = nil, 0
}

// mustRepeat says whether the promise of a batch does not count yet: it goes into another round, unless the
// session is known here to be over, which is then the answer.
func (w *waiting) mustRepeat(r *Replica) bool {
	if !w.batch.Promise || len(w.refused) == 0 {
		return false
	}
	for _, beat := range w.batch.Beats {
		if w.refused[beat.Session] && r.alive(beat) {
			return true
		}
	}
	return false
}

// alive says whether a session lives under the attachment that a beat speaks of, as applied here, and may
// still be promised something.
func (r *Replica) alive(beat entry.Beat) bool {
	s, ok := r.m.Session(beat.Session)
	return ok && !s.Evicted && (beat.Attach == 0 || beat.Attach == s.Attach)
}

// answer answers the confirmed batches for which enough is applied.
func (q *rounds) answer(r *Replica) {
	kept := q.ready[:0]
	for _, w := range q.ready {
		switch {
		case w.index > r.m.Index():
			kept = append(kept, w)
		case w.mustRepeat(r):
			q.next = append(q.next, w.batch)
			q.hold = r.now.Mono + again
		default:
			r.answer(w.batch, r.read(w.batch, false))
		}
	}
	clear(q.ready[len(kept):])
	q.ready = kept
}

// tick asks again when an answer is overdue, and refuses what is past its deadline.
func (q *rounds) tick(r *Replica) {
	if q.id != 0 && r.now.Mono-q.sent > 3*r.cfg.Heartbeat {
		q.turn()
	}
	late := func(b *Batch) bool {
		if b.Deadline > r.now.Mono {
			return false
		}
		r.refuse(b, errUnheard)
		return true
	}
	q.next = without(q.next, late)
	q.flying = without(q.flying, late)
	kept := q.ready[:0]
	for _, w := range q.ready {
		if !late(w.batch) {
			kept = append(kept, w)
		}
	}
	q.ready = kept
}

// abandon answers everybody who waits, because this node cannot.
func (q *rounds) abandon(r *Replica) {
	all := func(b *Batch) bool {
		r.refuse(b, errHung)
		return true
	}
	q.next, q.flying = without(q.next, all), without(q.flying, all)
	for _, w := range q.ready {
		all(w.batch)
	}
	q.ready = nil
}

func without(list []*Batch, drop func(*Batch) bool) []*Batch {
	kept := list[:0]
	for _, b := range list {
		if !drop(b) {
			kept = append(kept, b)
		}
	}
	clear(list[len(kept):])
	return kept
}

// wake gives the next moment at which the next round may leave by itself.
func (q *rounds) wake(r *Replica) int64 {
	if q.id == 0 && len(q.next) > 0 && r.lead != 0 {
		return q.hold
	}
	return r.now.Mono + r.cfg.Heartbeat
}
