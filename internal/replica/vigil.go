package replica

import (
	"bytes"
	"slices"

	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/tidwall/btree"
)

// vigil is the leader's watch over the sessions: who was heard when, who is to be ended, marked or
// cleared, and what that was revoked may be granted again. It runs on a clock of its own that
// stands still while no quorum confirms the leader, and that a stall of the leader does not advance
// (SAFETY A5).
type vigil struct {
	clock   int64 // microseconds of led time
	last    int64 // when the clock was last moved, monotonic
	marked  int64 // when marks were last logged, on the clock
	watched map[entry.Session]*watched
	due     *btree.BTreeG[alarm]
	grants  grants

	stranded stranded
	waiters  waiters
	silent   [3]map[entry.Session]bool // to be marked with 1, 2 or 3 quarters
	clearing map[entry.Session]bool    // to be cleared
}

// watched is one session.
type watched struct {
	machine.SessionState
	heard   int64 // on the vigil's clock; never later than when the session was last really heard
	dropped int64 // when its drop was applied here, or when this vigil began
	alarm   int64 // when it is looked at next
	ending  bool  // its end, a drop or a close under its attachment is on its way through the log
	marking int   // the highest mark that is on its way through the log, 0 for none
	waits   []*wait
}

// alarm says when to look at a session.
type alarm struct {
	at int64
	id entry.Session
}

func (v *vigil) start(r *Replica) {
	v.last = r.now.Mono
	v.watched = map[entry.Session]*watched{}
	v.clearing = map[entry.Session]bool{}
	for i := range v.silent {
		v.silent[i] = map[entry.Session]bool{}
	}
	v.grants.start()
	v.stranded.inside = map[entry.Session]*watched{}
	v.waiters.told = map[process]int64{}
	v.due = btree.NewBTreeGOptions(func(a, b alarm) bool {
		if a.at != b.at {
			return a.at < b.at
		}
		return bytes.Compare(a.id[:], b.id[:]) < 0
	}, btree.Options{NoLocks: true})
}

// arm begins the watch: every promise in full, but for what marks in the log have already taken (SAFETY A5).
func (v *vigil) arm(r *Replica) {
	r.m.Sessions(func(s machine.SessionState) bool {
		v.see(s)
		return true
	})
	r.m.Pendings(func(p machine.Pending) bool {
		v.grants.see(v, p)
		return true
	})
}

// touch looks again at what an entry changed.
func (v *vigil) touch(r *Replica, out machine.Output) {
	for _, id := range out.Sessions {
		if s, ok := r.m.Session(id); ok {
			v.see(s)
		} else {
			v.forget(id)
		}
	}
	for _, g := range out.Groups {
		v.grants.refresh(v, g, r.m.Pending(g))
	}
}

// see takes over what the state says of a session. A new attachment is a sign of life; so is a cleared mark,
// since the session was heard before it was cleared.
func (v *vigil) see(s machine.SessionState) {
	w := v.watched[s.ID]
	switch {
	case w == nil:
		w = &watched{SessionState: s, heard: v.clock - quarters(s.TTL, s.Mark), dropped: v.clock}
		v.watched[s.ID] = w
	case s.Attach != w.Attach: // whatever is on its way speaks of the former attachment
		w.heard, w.dropped, w.ending, w.marking = v.clock, v.clock, false, 0
	case s.Drop && !w.Drop:
		w.dropped = v.clock
	}
	w.SessionState = s
	v.stranded.see(w)
	v.plan(w)
}

func quarters(ttl int64, n int) int64 { return ttl * millisecond * int64(n) / 4 }

func (v *vigil) forget(id entry.Session) {
	if w := v.watched[id]; w != nil {
		v.due.Delete(alarm{w.alarm, id})
		for _, p := range w.waits {
			delete(p.left, id)
		}
		delete(v.watched, id)
		delete(v.clearing, id)
		delete(v.stranded.inside, id)
	}
}

// plan sets when a session is looked at next: at the next quarter of its silence, or when it is over.
func (v *vigil) plan(w *watched) {
	v.due.Delete(alarm{w.alarm, w.ID})
	w.alarm = w.over()
	if q := (v.clock - w.heard) / max(1, quarters(w.TTL, 1)); q < 3 {
		w.alarm = min(w.alarm, w.heard+quarters(w.TTL, int(q)+1))
	}
	v.due.Set(alarm{w.alarm, w.ID})
}

// over gives when the session ends unless it is heard: TTL after it was heard last, or GRACE after its drop.
// One that was evicted is heard no more, and ends when the last promise to it is over (SAFETY B21).
func (w *watched) over() int64 {
	end := w.heard + w.TTL*millisecond
	if w.Evicted {
		end = w.heard + w.Promise()*millisecond
	}
	if w.Drop {
		end = min(end, w.dropped+w.Grace*millisecond)
	}
	return end
}

// hear records beats and gives the sessions whose beat does not count yet: unknown here so far, under an
// attachment that is still to be applied here, marked, or about to end (SAFETY A2 (1), A5).
func (v *vigil) hear(beats []entry.Beat) (again []entry.Session) {
	for _, b := range beats {
		if !v.record(b) {
			again = append(again, b.Session)
		}
	}
	return again
}

func (v *vigil) record(b entry.Beat) bool {
	w := v.watched[b.Session]
	if w == nil || b.Attach > w.Attach || w.ending {
		return false
	}
	if b.Attach != 0 && b.Attach < w.Attach {
		return true // of an attachment that is over; the node where it sits will see that
	}
	if b.Attach == 0 && b.User != w.User {
		return true // it is not the session's own; the state answers so
	}
	if w.Evicted {
		return true // likewise: it is no sign of life, and answered by the state
	}
	w.heard = v.clock
	if w.Mark > 0 || w.marking > 0 {
		v.clearing[w.ID] = true
		return false
	}
	w.waits = slices.DeleteFunc(w.waits, func(p *wait) bool {
		if b.Seen < p.revoked() {
			return false
		}
		delete(p.left, w.ID) // it no longer believes
		return true
	})
	return true
}

// watchOps sees what is about to happen to sessions by what a leader has taken and not yet applied:
// nobody's beat counts while an end or drop of his is on its way. All else that a session's
// connection writes is a sign of its life.
func (v *vigil) watchOps(b *entry.Batch) {
	for i := range b.Ops {
		op := &b.Ops[i]
		id, attach, ends := machine.Ends(op)
		if w := v.watched[id]; ends && w.is(attach) {
			w.ending = true
		}
		if !ends || id != op.Session {
			v.record(entry.Beat{Session: op.Session, Attach: op.Attach, User: op.User})
		}
	}
}

// is says whether the session is known and the attachment its present one; 0 is whatever is present.
func (w *watched) is(attach uint64) bool { return w != nil && (attach == 0 || attach == w.Attach) }

// arrived notes what of an entry is on its way no longer: it was applied, or it was refused, and
// then the session is as mortal and as well heard as any other. A mark that the state passed over
// says nothing of one that is still on its way.
func (v *vigil) arrived(e *entry.Entry) {
	for i := range e.Notes {
		op := &e.Notes[i]
		v.ended(op)
		quarter, sessions := machine.Marks(op)
		for _, id := range sessions {
			if w := v.watched[id]; w != nil && w.Attach <= op.Attach && w.marking <= quarter {
				w.marking = 0
			}
		}
	}
	for i := range e.Batches {
		for j := range e.Batches[i].Ops {
			v.ended(&e.Batches[i].Ops[j])
		}
	}
}

func (v *vigil) ended(op *entry.Op) {
	id, attach, ends := machine.Ends(op)
	if w := v.watched[id]; ends && w.is(attach) && w.ending {
		w.ending = false
		v.plan(w)
	}
}

// tick moves the clock on, by two heartbeats at most, while a quorum confirms that this node leads.
func (v *vigil) tick(r *Replica, l *leadership) {
	passed := min(r.now.Mono-v.last, 2*r.cfg.Heartbeat)
	v.last = r.now.Mono
	if l.armed && r.now.Mono-l.confirm.proven <= 3*r.cfg.Heartbeat {
		v.clock += passed
	}
}

func (v *vigil) wake(r *Replica) int64 {
	at := r.now.Mono + r.cfg.Heartbeat
	if a, ok := v.due.Min(); ok {
		at = min(at, r.now.Mono+a.at-v.clock)
	}
	return min(at, r.now.Mono+v.grants.next(v)-v.clock)
}

// decide turns what has come due into decisions of the leader, to be logged.
func (v *vigil) decide(r *Replica, l *leadership) {
	v.stranded.decide(r, l)
	v.waiters.decide(r, l)
	for {
		a, ok := v.due.Min()
		if !ok || a.at > v.clock {
			break
		}
		v.due.Delete(a)
		v.look(r, l, v.watched[a.id])
	}
	v.marks(r, l)
	v.grants.decide(v, l)
}

// look decides about a session whose alarm has come.
func (v *vigil) look(r *Replica, l *leadership, w *watched) {
	credit := v.credit(r, w)
	if over := w.over() + credit; !w.ending && over <= v.clock {
		reason := machine.Expired
		switch {
		case w.Evicted:
			reason = machine.Removed
		case w.Drop && w.dropped+w.Grace*millisecond <= v.clock-credit:
			reason = machine.Lost
		}
		w.ending = true
		l.notes = append(l.notes, machine.End(w.ID, w.Attach, l.term, reason))
		return
	} else if !w.ending && w.over() <= v.clock {
		w.alarm = over
		v.due.Set(alarm{w.alarm, w.ID})
		return
	}
	if q := int(min(3, (v.clock-w.heard)/max(1, quarters(w.TTL, 1)))); q > max(w.Mark, w.marking) {
		v.silent[q-1][w.ID] = true
	}
	if w.over() > v.clock {
		v.plan(w)
	}
}

// credit gives a session the silence of its own node, up to an election timeout: it could not be heard.
func (v *vigil) credit(r *Replica, w *watched) int64 {
	if !w.Bound || w.Drop || w.Evicted || w.Node == r.cfg.Node.ID {
		return 0
	}
	return min(max(0, r.now.Mono-r.heard[w.Node]-2*r.cfg.Heartbeat), r.cfg.Election)
}

// marks logs who has been silent for how long, at most once a second, and who was heard again, at once.
func (v *vigil) marks(r *Replica, l *leadership) {
	if list := take(v.clearing); len(list) > 0 {
		l.notes = append(l.notes, machine.Clear(list))
	}
	if v.clock-v.marked < second {
		return
	}
	for i := range v.silent {
		list := make([]entry.Session, 0, len(v.silent[i]))
		for _, id := range take(v.silent[i]) {
			w := v.watched[id]
			if w != nil && !w.ending && v.clock-w.heard >= quarters(w.TTL, i+1) && i+1 > max(w.Mark, w.marking) {
				w.marking = i + 1
				list = append(list, id)
			}
		}
		if len(list) > 0 {
			v.marked = v.clock
			mark := machine.Mark(i+1, list)
			mark.Attach = r.m.Counter() // it says nothing of an attachment made after this decision
			l.notes = append(l.notes, mark)
		}
	}
}

// take empties a set and gives what was in it, sorted.
func take(set map[entry.Session]bool) []entry.Session {
	list := make([]entry.Session, 0, len(set))
	for id := range set {
		list = append(list, id)
	}
	clear(set)
	sortSessions(list)
	return list
}
