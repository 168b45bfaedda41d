package replica

import (
	"bytes"
	"errors"

	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
	"go.etcd.io/raft/v3"
)

// leadership is all that a leader remembers. It begins empty with the term and is thrown away with it.
type leadership struct {
	term  uint64
	since int64 // when it began, monotonic
	stall int64 // when this node last stood still no more, monotonic; 0 for never
	armed bool  // the first entry of the term is applied here, so nothing of earlier terms is still to come
	ticks int64 // when raft's next tick is due, monotonic

	streams  map[uint64]*inbound // by raft id of the origin
	gathered []entry.Batch       // taken and not yet proposed
	notes    []entry.Op          // decided and not yet proposed
	raised   uint64              // which of this leader's entries has the last note to raise the feature level
	stamped  int64               // of the last entry proposed
	left     int64               // when the last entry was proposed, monotonic
	proposed uint64              // how many entries
	landed   uint64              // how many of them were applied here
	scratch  []byte              // where entries are encoded
	vigil    vigil
	confirm  confirming
	members  membership
	handing  handing
	signs    map[uint64]sign // what the other nodes have told of themselves
	timing   timing
	digests  digesting
	spacing  spacing
	tracing  tracing
	lacks    map[string]bool // what was refused because this node lacks it, and told
}

// inbound is how far the stream of a node's boot has been taken in this term (SAFETY A9).
type inbound struct {
	boot  entry.Boot
	boots uint64 // how many boots there were, as far as known
	next  uint64
}

func newLeadership(r *Replica) *leadership {
	l := &leadership{term: r.term, since: r.now.Mono, ticks: r.now.Mono + r.cfg.Heartbeat,
		streams: map[uint64]*inbound{}, signs: map[uint64]sign{}, lacks: map[string]bool{}}
	l.members.released = map[uint64]bool{}
	r.clock.lead()
	l.vigil.start(r)
	return l
}

// tick lets raft's clock advance, by two ticks at most after a stall, and the sessions' with it.
func (l *leadership) tick(r *Replica) {
	for n := 0; l.ticks <= r.now.Mono && n < 2; n++ {
		r.rn.Tick()
		l.ticks += r.cfg.Heartbeat
	}
	if l.ticks <= r.now.Mono {
		l.ticks, l.stall = r.now.Mono+r.cfg.Heartbeat, r.now.Mono
	}
	l.members.tick(r, l)
	l.handing.tick(r)
	l.timing.steer(r, l)
	l.digests.tick(r, l)
	l.spacing.tick(r, l)
	l.raise(r)
}

func (l *leadership) wake(r *Replica) int64 {
	at := min(l.ticks, l.vigil.wake(r))
	if stamp, ok := r.m.NextDeadline(); ok && l.armed && l.stamped < stamp {
		at = min(at, r.now.Mono+max(millisecond, stamp-r.clock.at(r.now)))
	}
	if next := l.next(r); next > r.now.Mono && l.due(r) {
		at = min(at, next)
	}
	return at
}

// take takes batches of a node's stream: each number once, in order, whatever the connections did.
func (l *leadership) take(r *Replica, from uint64, list []entry.Batch) {
	for i := range list {
		b := &list[i]
		in := l.inbound(r, from, b)
		if in.boot != b.Boot || b.Node != from || b.Number < in.next {
			continue
		}
		if b.Number > in.next {
			r.send(from, Frame{Want: &Want{Term: l.term, Next: in.next}})
			return
		}
		in.next++
		b.Ops = l.admit(r, b.Ops)
		l.tracing.took(r, from, b.Number, len(l.gathered))
		l.gathered = append(l.gathered, *b)
		l.vigil.watchOps(b)
	}
}

// inbound gives the stream of a node. A newer boot begins it anew; what a former boot sent and
// arrives late must not, or the leader would ask for the present boot's first batch again, which
// has long landed.
func (l *leadership) inbound(r *Replica, from uint64, b *entry.Batch) *inbound {
	in := l.streams[from]
	if in != nil && in.boot == b.Boot && in.boots > 0 {
		return in
	}
	boots := bootsOf(r, from, b)
	if in == nil || in.boot != b.Boot && boots > in.boots {
		in = &inbound{boot: b.Boot, next: 1}
		l.streams[from] = in
	}
	if in.boot == b.Boot {
		in.boots = boots
	}
	return in
}

// bootsOf gives which boot of its node a batch is of, 0 when nothing says so yet.
func bootsOf(r *Replica, from uint64, b *entry.Batch) uint64 {
	if n, ok := machine.Announced(b); ok {
		return n.Boots
	}
	if n, ok := r.m.Node(from); ok && n.Boot == b.Boot {
		return n.Boots
	}
	return 0
}

// advance proposes what was gathered and asks for the confirmations that are due.
func (l *leadership) advance(r *Replica) {
	if !l.armed || !l.timing.begun(r, l) {
		return
	}
	if r.Timed() {
		l.confirm.advance(r, l)
	}
	l.vigil.decide(r, l)
	if l.due(r) && !r.writing() && l.next(r) <= r.now.Mono && !l.members.holds() {
		l.propose(r)
	}
}

// next gives when the next entry may be proposed, on the monotonic clock: once the last has landed, so that
// entries grow with the load, as each costs every node some work, or after a while, so that what comes does
// not wait for the round trip of a wide network.
func (l *leadership) next(r *Replica) int64 {
	if l.landed >= l.proposed {
		return 0
	}
	return l.left + r.cfg.Heartbeat/4
}

// due says whether there is something to propose; when a deadline of the state has come, an empty entry will
// do (SAFETY B11).
func (l *leadership) due(r *Replica) bool {
	if len(l.gathered) > 0 || len(l.notes) > 0 || l.members.unsealed {
		return true
	}
	stamp, ok := r.m.NextDeadline()
	return ok && stamp <= r.clock.at(r.now) && l.stamped < stamp
}

// writing says whether entries are still on their way to this node's disk. What comes meanwhile is gathered
// for the next, so that entries grow with the load.
func (r *Replica) writing() bool {
	for i := range r.writes {
		if len(r.writes[i].entries) > 0 {
			return true
		}
	}
	return false
}

// propose makes entries of all that was gathered. What raft refuses for now (a transfer of leadership, too
// much uncommitted) is kept for the next time (SAFETY C3).
func (l *leadership) propose(r *Replica) {
	all := l.gathered
	for first := true; first || len(l.gathered) > 0; first = false {
		n := l.fit(r.cfg.MaxEntry)
		e := entry.Entry{Level: r.m.Level(), Stamp: r.clock.at(r.now), Term: l.term, Seed: r.rng.Uint64(),
			Notes: l.notes, Batches: l.gathered[:n]}
		l.scratch = e.Append(l.scratch[:0])
		if err := r.rn.Propose(bytes.Clone(l.scratch)); err != nil { // raft keeps it: no byte more than needed
			if !errors.Is(err, raft.ErrProposalDropped) {
				r.notice("a proposal failed", "error", err.Error())
			}
			return
		}
		l.stamped, l.left = e.Stamp, r.now.Mono
		l.proposed++
		if l.members.unsealed {
			l.members.unsealed, l.members.sealed = false, l.proposed
		}
		l.tracing.proposed(r, n, l.proposed)
		l.notes, l.gathered = nil, l.gathered[n:]
	}
	l.gathered = nil
	if cap(all) <= keepBatches {
		clear(all)
		l.gathered = all[:0]
	}
	if cap(l.scratch) > r.cfg.MaxEntry {
		l.scratch = nil
	}
}

// keepBatches is for how many batches the room is kept between two entries.
const keepBatches = 4096

// fit gives how many of the gathered batches go into one entry.
func (l *leadership) fit(limit int) int {
	size := 0
	for i := range l.gathered {
		for j := range l.gathered[i].Ops {
			size += weight(&l.gathered[i].Ops[j])
		}
		if size > limit && i > 0 {
			return i
		}
	}
	return len(l.gathered)
}

// applied notes that an entry of the given term was applied here.
func (l *leadership) applied(r *Replica, term uint64) {
	if !l.armed && term == l.term {
		l.armed = true
		l.vigil.arm(r)
	}
	l.members.answer(r)
}

// touched shows the sessions' clock what an entry changed.
func (l *leadership) touched(r *Replica, e *entry.Entry, out machine.Output) {
	if e.Term == l.term {
		l.landed++
		l.tracing.landed(r, l.landed)
	}
	if l.armed {
		l.vigil.arrived(e)
		l.vigil.touch(r, out)
	}
}

// confirming collects rounds, asks raft once for all that came while it was asked before, and answers them.
type confirming struct {
	waiting []asked // came, beats not yet recorded
	next    []asked // beats recorded, not yet part of a question to raft
	flying  []asked // part of the question that is out
	id      uint64  // of the question that is out, 0 for none
	last    uint64
	sent    int64 // when it left, monotonic
	proven  int64 // when the last question that a quorum answered had left, monotonic
}

// asked is a round and who asked.
type asked struct {
	from  uint64
	round *Round
	again []entry.Session
}

// ask takes a round.
func (l *leadership) ask(from uint64, round *Round) {
	l.confirm.waiting = append(l.confirm.waiting, asked{from: from, round: round})
}

// advance records the beats of the rounds that came and asks raft. It is called once the state is as new
// as the term: a leader that has not applied the first entry of its own term may hold sessions for alive
// whose end is in its log (SAFETY A2). With nothing asked it still makes sure, a heartbeat apart, that
// it leads: the sessions' clock stands still without.
func (c *confirming) advance(r *Replica, l *leadership) {
	for _, a := range c.waiting {
		a.again = l.vigil.hear(a.round.Beats)
		c.next = append(c.next, a)
	}
	c.waiting = nil
	stuck := c.id != 0 && r.now.Mono-c.sent > 2*r.cfg.Heartbeat
	idle := c.id == 0 && r.now.Mono-c.sent >= r.cfg.Heartbeat
	if c.id != 0 && !stuck || c.id == 0 && len(c.next) == 0 && !idle {
		return
	}
	c.flying, c.next = append(c.flying, c.next...), nil
	c.last++
	c.id, c.sent = c.last, r.now.Mono
	r.rn.ReadIndex(appendUint(nil, c.id))
}

// confirmed answers the rounds of a question that a quorum has answered.
func (l *leadership) confirmed(r *Replica, s raft.ReadState) {
	c := &l.confirm
	if c.id == 0 || string(s.RequestCtx) != string(appendUint(nil, c.id)) {
		return
	}
	c.id, c.proven = 0, c.sent
	for _, a := range c.flying {
		answer := &Confirm{Term: l.term, ID: a.round.ID, Index: s.Index, Stamp: r.clock.at(r.now), Again: a.again}
		if a.from == r.cfg.Node.ID {
			r.rounds.confirmed(r, answer)
		} else {
			r.send(a.from, Frame{Confirm: answer})
		}
	}
	c.flying = nil
}

func appendUint(dst []byte, v uint64) []byte {
	for range 8 {
		dst = append(dst, byte(v))
		v >>= 8
	}
	return dst
}

// knows says whether a node is in the ensemble as applied here.
func (r *Replica) knows(id uint64) bool {
	_, ok := r.m.Node(id)
	return ok
}
