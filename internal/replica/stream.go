package replica

import (
	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
)

// stream carries the writes of this node's clients to whoever leads (SAFETY A9). Batches are
// numbered from 1 in each term, sent in order, and sent again when they may have been lost; the
// leader takes each number once. A batch has landed when it is applied here. It is certainly not
// applied as soon as an entry of a later term is applied without it having been met: then it goes
// to the new leader.
type stream struct {
	term   uint64    // to whose leader numbers belong
	next   uint64    // the number of the next batch in that term
	sent   uint64    // the highest number that has left
	queue  []*parcel // without a number yet, in order
	flying []*parcel // numbered and not landed, by term and number
	boot   *parcel   // the announcement of this boot, nil once it has landed
	last   int64     // when something last left or landed, monotonic
	size   int       // bytes waiting or flying
}

// flight names a batch on its way.
type flight struct{ term, number uint64 }

// parcel is a batch with its writes as they go into the log.
type parcel struct {
	flight
	batch *Batch // nil for the node's own reports, and when it has been answered
	own   bool   // a report of the node itself, which nobody waits for and which is told until it has landed
	steps []entry.Step
	ops   []entry.Op
	size  int
	lone  [1]entry.Op // room for ops: most batches have one write
}

// start queues the announcement of this boot, which must come before anything else of it.
func (s *stream) start(r *Replica) {
	s.boot = s.report(machine.Boot(r.cfg.Node))
}

// report queues a report of the node itself.
func (s *stream) report(op entry.Op) *parcel {
	p := &parcel{own: true, ops: []entry.Op{op}, steps: []entry.Step{{Op: &op, Write: true}}, size: 64}
	s.push(p)
	return p
}

// Report logs a report of this node about its own clients.
func (r *Replica) Report(now Time, op entry.Op) {
	r.at(now)
	r.stream.report(op)
}

// Drop reports that the client's side closed the connection of a session.
func (r *Replica) Drop(now Time, session entry.Session, attach uint64) {
	r.Report(now, machine.Drop(session, attach))
}

// add queues a batch that has so many writes.
func (s *stream) add(r *Replica, b *Batch, writes int) {
	p := &parcel{batch: b, steps: b.Steps}
	p.ops = p.lone[:0]
	if writes > len(p.lone) {
		p.ops = make([]entry.Op, 0, writes)
	}
	for _, step := range b.Steps {
		if step.Write {
			p.ops = append(p.ops, *step.Op)
			p.size += weight(step.Op)
		}
	}
	if s.size+p.size > r.cfg.MaxQueue {
		r.refuse(b, errBusy)
		return
	}
	s.push(p)
}

func (s *stream) push(p *parcel) {
	s.size += p.size
	s.queue = append(s.queue, p)
}

// weight estimates an operation's bytes in the log.
func weight(op *entry.Op) int {
	n := 64
	for _, a := range op.Args {
		n += len(a) + 2
	}
	for _, c := range op.Queue {
		for _, a := range c {
			n += len(a) + 2
		}
	}
	return n
}

// turn begins the stream of a new term. A leader that was forgotten and found again in its term keeps its
// stream; what may have been lost meanwhile leaves again.
func (s *stream) turn(r *Replica) {
	if r.lead == 0 {
		return
	}
	s.sent = 0
	if s.term != r.term {
		s.term, s.next = r.term, 1
	}
}

// advance numbers and sends what is waiting.
func (s *stream) advance(r *Replica) {
	if r.lead == 0 || s.term != r.term || !r.knows(r.cfg.Node.ID) || s.mute() {
		return
	}
	for _, p := range s.queue {
		p.flight = flight{s.term, s.next}
		s.next++
		s.flying = append(s.flying, p)
	}
	clear(s.queue)
	s.queue = s.queue[:0]
	parcels := s.unsent()
	if len(parcels) == 0 {
		return
	}
	s.sent, s.last = parcels[len(parcels)-1].number, r.now.Mono
	s.leave(r, s.batches(r, parcels), s.traces(r.now.Mono, parcels))
}

// leave hands batches to the leader, which may be this node.
func (s *stream) leave(r *Replica, list []entry.Batch, traced []Traced) {
	if r.leader != nil {
		if len(traced) > 0 {
			r.leader.tracing.hear(r.cfg.Node.ID, traced)
		}
		r.leader.take(r, r.cfg.Node.ID, list)
		return
	}
	if len(traced) > 0 {
		r.send(r.lead, Frame{Traces: &Traces{Term: s.term, List: traced}})
	}
	r.send(r.lead, Frame{Batches: &Batches{Term: s.term, List: list}})
}

// mute says that nothing may leave yet. The announcement of the boot went to the leader of an
// earlier term, and whether it landed is not known: what left now would be the first of a boot that
// was never announced, and the machine would refuse it.
func (s *stream) mute() bool { return s.boot != nil && s.boot.term != 0 && s.boot.term != s.term }

// unsent gives the batches of the present term that have not left since they may last have been lost.
func (s *stream) unsent() []*parcel {
	i := len(s.flying)
	for i > 0 && s.flying[i-1].term == s.term && s.flying[i-1].number > s.sent {
		i--
	}
	return s.flying[i:]
}

func (s *stream) batches(r *Replica, parcels []*parcel) []entry.Batch {
	list := make([]entry.Batch, len(parcels))
	for i, p := range parcels {
		list[i] = entry.Batch{Node: r.cfg.Node.ID, Boot: r.cfg.Node.Boot, Number: p.number, Ops: p.ops}
	}
	return list
}

// resend makes everything that has not landed leave again.
func (s *stream) resend() { s.sent = 0 }

// again makes everything from a number on leave again, because the leader missed it.
func (s *stream) again(number uint64) { s.sent = min(s.sent, number-1) }

// find gives the position of a flying batch, or -1. What lands is nearly always the first.
func (s *stream) find(term, number uint64) int {
	for i, p := range s.flying {
		if p.term == term && p.number == number {
			return i
		}
	}
	return -1
}

// steps gives the pipeline of a flying batch.
func (s *stream) steps(term, number uint64) []entry.Step {
	if i := s.find(term, number); i >= 0 {
		return s.flying[i].steps
	}
	return nil
}

// landed answers a batch that was applied here.
func (s *stream) landed(r *Replica, term uint64, b machine.BatchResult) {
	i := s.find(term, b.Number)
	if i < 0 {
		return
	}
	p := s.flying[i]
	if i == 0 { // as nearly always
		s.flying[0], s.flying = nil, s.flying[1:]
	} else {
		s.flying = append(s.flying[:i], s.flying[i+1:]...)
	}
	s.size -= p.size
	s.last = r.now.Mono
	s.gone(p)
	switch {
	case b.Duplicate && r.knows(r.cfg.Node.ID):
		r.fail(errTwin)
	case b.Duplicate && p.batch != nil:
		r.refuse(p.batch, errOut)
	case p.batch != nil:
		if p.batch.Track != nil {
			p.batch.Track.Applied = r.now.Mono
		}
		r.answer(p.batch, b.Results)
	}
}

// gone notes that a parcel is in the log.
func (s *stream) gone(p *parcel) {
	if p == s.boot {
		s.boot = nil
	}
}

var errOut = caucus.Errorf(caucus.ErrTryAgain,
	"this node was removed from the ensemble meanwhile; nothing was applied")

var errTwin = caucus.Errorf(caucus.ErrConflict, "the ensemble refuses what this node sends: "+
	"its directory was restored from an older copy, or a second process runs on a copy of it; "+
	"remove the node and let it join anew")

// passed notes that an entry of the given term is being applied: what was sent to leaders of earlier terms
// and has not landed by now never will. It goes to the present leader.
func (s *stream) passed(term uint64) {
	n := 0
	for n < len(s.flying) && s.flying[n].term < term {
		n++
	}
	if n == 0 {
		return
	}
	var back []*parcel
	for _, p := range s.flying[:n] {
		if p.batch != nil || p.own {
			p.flight = flight{}
			back = append(back, p)
		} else {
			s.size -= p.size // its client was answered meanwhile
		}
	}
	s.flying = append([]*parcel(nil), s.flying[n:]...)
	s.queue = append(back, s.queue...)
}

// replaced sorts out what a snapshot covered: it was applied and its reply is gone, or it was not and goes to
// the present leader. Of what was sent to the leader of a term before that of this node's last batch the
// state does not tell which: the client is told so, and what the node itself reports is reported again, since
// that does no harm twice.
func (s *stream) replaced(r *Replica) {
	boot, term, number := r.m.Origin(r.cfg.Node.ID)
	kept := s.flying[:0]
	for _, p := range s.flying {
		earlier := p.term < term
		if boot != r.cfg.Node.Boot || !earlier && (p.term > term || p.number > number) ||
			earlier && p.own && p != s.boot {
			kept = append(kept, p)
			continue
		}
		s.size -= p.size
		s.gone(p)
		switch {
		case p.batch == nil:
		case earlier:
			r.refuse(p.batch, errSkipped)
		default:
			r.refuse(p.batch, errCovered)
		}
	}
	s.flying = kept
	s.passed(r.m.Term())
}

// abandon answers everybody who waits, because this node cannot apply anything: what never left, or was
// taken back, is certainly not applied; of the rest nobody here knows.
func (s *stream) abandon(r *Replica) {
	kept := s.queue[:0]
	for _, p := range s.queue {
		if p.batch != nil {
			s.size -= p.size
			r.refuse(p.batch, errHung)
		} else {
			kept = append(kept, p)
		}
	}
	s.queue = kept
	for _, p := range s.flying {
		if p.batch != nil {
			r.refuse(p.batch, errInFlight)
			p.batch = nil
		}
	}
}

// tick sends the last batch again when nothing landed for long: the leader asks for what it missed
// before it, and a leader that is merely slow is not flooded. It answers what is past its deadline:
// what never left, or was taken back, is certainly not applied.
func (s *stream) tick(r *Replica) {
	if n := len(s.flying); n > 0 && r.now.Mono-s.last > r.cfg.Election/2 {
		s.sent, s.last = min(s.sent, s.flying[n-1].number-1), r.now.Mono
	}
	late := func(p *parcel) bool { return p.batch != nil && p.batch.Deadline <= r.now.Mono }
	kept := s.queue[:0]
	for _, p := range s.queue {
		if late(p) {
			s.size -= p.size
			r.refuse(p.batch, errNoLeader)
		} else {
			kept = append(kept, p)
		}
	}
	s.queue = kept
	for _, p := range s.flying {
		if late(p) {
			r.refuse(p.batch, errInFlight)
			p.batch = nil
		}
	}
}
