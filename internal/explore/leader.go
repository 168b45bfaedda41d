package explore

import (
	"slices"

	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
)

// leader is what the ensemble's leader remembers: all of it begins anew with an election. It follows the
// rules of SAFETY A2 to A5 and B21 and nothing else: whatever these allow it may decide.
type leader struct {
	watched [memberCount]watch
	waits   []wait     // never changed in place
	log     []entry.Op // proposed and not applied yet; never changed in place
}

// watch is what the leader knows of a session.
type watch struct {
	attach  uint64
	heard   int64 // ticks
	dropped int64 // ticks; when the drop was applied, or the leader was elected
	drop    bool
	ending  bool // an end or a drop under this attachment is proposed and not applied yet
	marking int  // the mark that is proposed and not applied yet
	clear   bool // it was heard while it was marked, and the mark is to be cleared
}

// wait is something that was revoked, with those who may still believe in it.
type wait struct {
	machine.Pending
	first   uint64 // from which version its holders know that they hold nothing
	believe int64  // ticks; when no holder can believe any more
	left    [memberCount]bool
}

// rearm is what an election does: nothing that was proposed and not applied is left, and every promise is
// taken to have been given just now, but for what the log's marks have taken (SAFETY A5).
func (l *leader) rearm(w *world, m *machine.Machine, f Fault) {
	*l = leader{}
	for i, s := range w.sessions {
		heard := w.now - int64(s.Mark)
		if f == ElectionCounts {
			heard = w.now - ttlTicks
		}
		l.watched[i] = watch{attach: s.Attach, heard: heard, dropped: w.now, drop: s.Drop}
	}
	for _, name := range places {
		l.refresh(w, name, m.Pending(name))
	}
	if f == ElectionForgetsHolders {
		l.waits = slices.Clone(l.waits)
		for i := range l.waits {
			l.waits[i].left = [memberCount]bool{}
		}
	}
}

// touched looks at what an entry has changed.
func (l *leader) touched(w *world, m *machine.Machine, out machine.Output) {
	for _, id := range out.Sessions {
		i := whose(id)
		if s, ok := m.Session(id); ok {
			l.watched[i].see(w.now, s)
		} else {
			l.forget(i)
		}
	}
	for _, name := range out.Groups {
		l.refresh(w, name, m.Pending(name))
	}
}

func (s *watch) see(now int64, state machine.SessionState) {
	if state.Attach != s.attach {
		*s = watch{attach: state.Attach, heard: now}
	}
	if state.Drop && !s.drop {
		s.drop, s.dropped = true, now
	}
	if state.Mark == 0 {
		s.clear = false
	}
}

// forget ends the watch over a session that has ended.
func (l *leader) forget(who int) {
	l.watched[who] = watch{}
	l.waits = slices.Clone(l.waits)
	for i := range l.waits {
		l.waits[i].left[who] = false
	}
}

// refresh takes over what waits in a group. Who gave up a thing that is revoked once more has not got it
// again, unless it was granted in between.
func (l *leader) refresh(w *world, group string, pending []machine.Pending) {
	next := make([]wait, 0, len(l.waits)+len(pending))
	for _, before := range l.waits {
		if before.Group != group {
			next = append(next, before)
		}
	}
	for _, p := range pending {
		i := slices.IndexFunc(l.waits, func(b wait) bool {
			return b.Group == group && b.Lead == p.Lead && (b.Token == p.Token || b.Granted == p.Granted)
		})
		fresh := wait{Pending: p, first: p.Token, believe: w.now}
		if i >= 0 {
			fresh.first, fresh.believe = l.waits[i].first, l.waits[i].believe
		}
		for _, id := range p.Holders {
			who := whose(id)
			fresh.left[who] = i < 0 || l.waits[i].left[who]
			if i < 0 {
				fresh.believe = w.now + graceTicks
			}
		}
		next = append(next, fresh)
	}
	l.waits = next
}

// arrived notes what is on its way no longer.
func (l *leader) arrived(e *entry.Entry) {
	for i := range e.Notes {
		op := &e.Notes[i]
		if id, attach, ends := machine.Ends(op); ends && l.watched[whose(id)].attach == attach {
			l.watched[whose(id)].ending = false
		}
		quarter, marked := machine.Marks(op)
		for _, id := range marked {
			if s := &l.watched[whose(id)]; s.attach <= op.Attach && s.marking <= quarter {
				s.marking = 0
			}
		}
	}
}

// propose puts a decision into the log.
func (l *leader) propose(op entry.Op) {
	l.log = append(slices.Clone(l.log), op)
	if id, attach, ends := machine.Ends(&op); ends && l.watched[whose(id)].attach == attach {
		l.watched[whose(id)].ending = true
	}
}

// record notes a sign of life, and says whether it counts (SAFETY A2 (1)). One that does not because of what
// is on its way will be asked again.
func (l *leader) record(w *world, who int, seen uint64, f Fault) bool {
	s := &l.watched[who]
	switch {
	case !w.lives[who] || w.sessions[who].Evicted:
		return true // the state will answer
	case s.ending && f != CountsWhileEnding:
		return false
	}
	s.heard = w.now
	if (w.sessions[who].Mark > 0 || s.marking > 0) && f != CountsWhileMarked {
		s.clear = true
		return false
	}
	l.waits = slices.Clone(l.waits)
	for i := range l.waits {
		if seen >= l.waits[i].first {
			l.waits[i].left[who] = false
		}
	}
	return true
}

// over says whether the session may be ended, and why.
func (l *leader) over(w *world, who int, f Fault) (reason string, ok bool) {
	s, state := &l.watched[who], w.sessions[who]
	grace := int64(graceTicks)
	if f == GraceCutShort {
		grace--
	}
	switch silent := w.now - s.heard; {
	case !w.lives[who] || s.ending:
		return "", false
	case state.Evicted && (silent >= graceTicks || f == EvictsAtOnce):
		return machine.Removed, true
	case state.Drop && w.now-s.dropped >= grace:
		return machine.Lost, true
	default:
		return machine.Expired, silent >= ttlTicks
	}
}

// ready says whether what waits may be granted (SAFETY A3).
func (w *world) ready(p *wait, f Fault) bool {
	return p.left == [memberCount]bool{} || w.now >= p.believe || f == GrantsAtOnce
}
