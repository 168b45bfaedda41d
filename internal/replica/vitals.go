package replica

import (
	"iter"

	"github.com/caucus-project/caucus/internal/fields"
)

// Vitals is how a node is, as it tells the leader of a term: every ten heartbeats, each heartbeat
// while no leader has told it the time, and at once when there is something new to tell.
type Vitals struct {
	Term   uint64
	Wall   int64  // its wall clock, microseconds since 1970
	Clock  int64  // its estimate of the ensemble's clock at the same moment; 0 when it has none
	Told   uint64 // the term whose leader told it
	Low    bool   // its disk is low on space
	Digest Digest // the newest that it has taken
}

// news says whether b tells something that a, sent before, did not.
func (a *Vitals) news(b *Vitals) bool {
	return a.Term != b.Term || a.Low != b.Low || a.Digest != b.Digest
}

// telling is what a node has told of itself.
type telling struct {
	last Vitals
	to   uint64
	sent int64 // monotonic
}

// vitals gives how this node is.
func (r *Replica) vitals() Vitals {
	v := Vitals{Term: r.term, Wall: r.now.Wall, Low: r.space.low, Digest: r.digest}
	if r.Timed() {
		v.Clock, v.Told = r.clock.at(r.now), r.clock.told
	}
	return v
}

// advance tells the leader how this node is, when that is due.
func (t *telling) advance(r *Replica) {
	if r.lead == 0 || r.leader != nil {
		return
	}
	pause := 10 * r.cfg.Heartbeat
	if !r.Timed() {
		pause = r.cfg.Heartbeat
	}
	v := r.vitals()
	if r.lead == t.to && !t.last.news(&v) && r.now.Mono-t.sent < pause {
		return
	}
	t.last, t.to, t.sent = v, r.lead, r.now.Mono
	r.send(r.lead, Frame{Vitals: &v})
}

// sign is what a leader was told by a node, and when.
type sign struct {
	Vitals
	at   int64 // monotonic
	wall int64 // its wall clock, less this node's monotonic clock
	late bool  // it may have waited here while this node stood still
}

// fresh is how long a leader believes what a node has told: three times as long as until it tells it again.
func (r *Replica) fresh() int64 { return 30 * r.cfg.Heartbeat }

// learn takes what a node tells of itself. While both know the ensemble's clock, the wall clock is
// measured by it, so that it does not matter how long the frame was on its way.
func (l *leadership) learn(r *Replica, from uint64, v *Vitals) {
	s := sign{Vitals: *v, at: r.now.Mono, wall: v.Wall - r.now.Mono}
	s.late = l.stall != 0 && r.now.Mono-l.stall < r.cfg.Heartbeat
	if r.Timed() && r.knowsTime(v) {
		s.wall = v.Wall - v.Clock + r.clock.offset
	}
	l.signs[from] = s
}

// knowsTime says whether the estimate that a node tells is one of the clock that is in force.
func (r *Replica) knowsTime(v *Vitals) bool { return v.Clock != 0 && v.Told >= r.m.ClockBegun() }

// voters gives what this leader knows of the voters, itself among them, in their order.
func (l *leadership) voters(r *Replica) iter.Seq2[uint64, sign] {
	return func(yield func(uint64, sign) bool) {
		for _, id := range r.conf.GetVoters() {
			s, ok := l.signs[id]
			if id == r.cfg.Node.ID {
				s, ok = sign{Vitals: r.vitals(), at: r.now.Mono, wall: r.now.Wall - r.now.Mono}, true
			}
			if ok && r.now.Mono-s.at <= r.fresh() && !yield(id, s) {
				return
			}
		}
	}
}

// walls gives the voters' wall clocks, as far as they are known: by the ensemble's clock, or when they came
// at once.
func (l *leadership) walls(r *Replica) (walls []wall) {
	for id, s := range l.voters(r) {
		if r.Timed() || !s.late {
			walls = append(walls, wall{id, s.wall})
		}
	}
	return walls
}

// told gives what time it is by each voter whom an earlier leader told.
func (l *leadership) told(r *Replica) (list []int64) {
	for _, s := range l.voters(r) {
		if r.knowsTime(&s.Vitals) && !s.late {
			list = append(list, s.Clock+r.now.Mono-s.at)
		}
	}
	return list
}

func (v *Vitals) append(dst []byte) []byte {
	dst = fields.Varint(fields.Varint(fields.Uvarint(dst, v.Term), v.Wall), v.Clock)
	dst = fields.Uvarint(fields.Bool(fields.Uvarint(dst, v.Told), v.Low), v.Digest.Index)
	return fields.Uint64(fields.Uvarint(dst, uint64(v.Digest.Format)), v.Digest.Sum)
}

func readVitals(r *fields.Reader) *Vitals {
	return &Vitals{Term: r.Uvarint(), Wall: r.Varint(), Clock: r.Varint(), Told: r.Uvarint(),
		Low: r.Bool(), Digest: Digest{Index: r.Uvarint(), Format: uint32(r.Uvarint()), Sum: r.Uint64()}}
}
