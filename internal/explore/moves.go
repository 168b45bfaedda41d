package explore

import (
	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/lease"
	"github.com/caucus-project/caucus/internal/machine"
)

// does carries a move out on a copy of a world, and says whether it could be.
func (s *stage) does(from *world, v move, f Fault) (*world, bool) {
	w := new(world)
	*w = *from
	who := int(v.who)
	switch v.kind {
	case tick:
		w.now++
		return w, true
	case hearAnswer:
		w.said(who)
		return w, true
	case hearLook:
		w.saw(who, f)
		return w, true
	case crash:
		w.left.Crashes--
		w.members[who].crashes()
		return w, true
	case say:
		w.members[who].acted = true
		w.say(who, v.act, int(v.place), f)
		if !v.whole {
			return w, true
		}
	case ask:
		w.members[who].acted = true
		w.ask(who)
		if !v.whole {
			return w, true
		}
	}
	s.m.Rewind(w.view)
	_, _, s.number = s.m.Origin(theNode.ID)
	return w, s.onMachine(w, v, f)
}

// onMachine carries out what needs the machine.
func (s *stage) onMachine(w *world, v move, f Fault) bool {
	who := int(v.who)
	switch v.kind {
	case say, doWrite:
		s.doWrite(w, who)
		if v.whole {
			w.said(who)
		}
	case ask, doLook:
		if !s.doLook(w, who, f) {
			return v.kind == doLook // the leader remembers that it was heard
		}
		if v.whole {
			w.saw(who, f)
		}
		return true
	case apply:
		s.applyLog(w)
	case elect:
		w.left.Elections--
		w.term++
		w.leader.rearm(w, s.m, f)
		return true
	case evict, transfer:
		s.order(w, v, who)
	default:
		w.leader.propose(s.decision(w, v, f))
		if !v.whole {
			return true
		}
		s.applyLog(w)
	}
	s.settle(w)
	return true
}

// doWrite lets the leader take a write, and applies it.
func (s *stage) doWrite(w *world, who int) {
	m := &w.members[who]
	e := *m.writing
	if e.act != resume && w.leader.watched[who].attach == e.attach {
		w.leader.record(w, who, 0, NoFault)
	}
	r := s.write(w, e.op(who))
	e.answered, e.reply, e.attached = true, r.Reply, r.Attach
	m.writing = &e
	m.hearsNothing()
}

// doLook lets the leader record a heartbeat and answers it, unless it does not count yet.
func (s *stage) doLook(w *world, who int, f Fault) bool {
	m := &w.members[who]
	l := *m.looking
	if f == CountsTheAnswerAsHeard {
		l.seen = s.m.Version(sessionOf(who))
	}
	if w.leader.watched[who].attach == l.attach && !w.leader.record(w, who, l.seen, f) {
		return false
	}
	l.answered, l.seenNow = true, s.look(w, who, l.attach)
	m.looking = &l
	m.hearsNothing()
	return true
}

// look reads all that a member may hold.
func (s *stage) look(w *world, who int, attach uint64) (n seenNow) {
	op := entry.Op{Session: sessionOf(who), Attach: attach, Bound: true}
	promise := s.ask(op, "SESSION", "KEEPALIVE")
	if promise.Kind == caucus.KindError {
		return seenNow{gone: true}
	}
	n.promise, n.version = promise.Items[0].Int, uint64(promise.Items[2].Int)
	if r := s.ask(op, "GROUP", "INDEX", theGroup); len(r.Items) == 3 {
		n.index = lease.Value{Index: int(r.Items[0].Int), Total: int(r.Items[1].Int), Token: uint64(r.Items[2].Int)}
	}
	for i := range w.groups {
		if g := &w.groups[i]; g.Leader == sessionOf(who) {
			n.terms[i] = g.Term
		}
	}
	n.held = slotsIn(s.ask(op, "GROUP", "SLOTS", theGroup))
	n.wanted = slotsIn(s.ask(op, "GROUP", "SLOTS", theGroup, "REVOKING"))
	return n
}

func slotsIn(r caucus.Reply) (all slots) {
	if len(r.Items) == 2 {
		for _, n := range r.Items[0].Items {
			all |= 1 << n.Int
		}
	}
	return all
}

// decision is what a move of the leader puts into the log.
func (s *stage) decision(w *world, v move, f Fault) entry.Op {
	who := int(v.who)
	id := sessionOf(who)
	switch v.kind {
	case seeClose:
		return machine.Drop(id, w.sessions[who].Attach)
	case seeFormer:
		m := &w.members[who]
		drop := machine.Drop(id, m.former)
		m.former = 0
		return drop
	case mark:
		quarters := int(min(3, w.now-w.leader.watched[who].heard))
		w.leader.watched[who].marking = quarters
		op := machine.Mark(quarters, []entry.Session{id})
		op.Attach = s.m.Counter()
		return op
	case clear:
		w.leader.watched[who].clear = false
		return machine.Clear([]entry.Session{id})
	case grant:
		p := w.leader.waits[v.place]
		return machine.Grant(p.Group, p.Token)
	}
	reason, _ := w.leader.over(w, who, f)
	return machine.End(id, w.leader.watched[who].attach, w.term, reason)
}

func (s *stage) applyLog(w *world) {
	notes := w.leader.log
	w.leader.log = nil
	s.apply(w, &entry.Entry{Notes: notes})
}

// order carries out what an operator says about a member.
func (s *stage) order(w *world, v move, who int) {
	verb := "EVICT"
	if v.kind == transfer {
		verb = "TRANSFER"
		w.left.Transfers--
	} else {
		w.left.Evictions--
	}
	for _, mb := range w.groups[0].Members {
		if mb.Session == sessionOf(who) {
			s.write(w, entry.Op{Conn: 9, Args: caucus.Command{"GROUP", verb, theGroup, mb.Name}})
			return
		}
	}
}
