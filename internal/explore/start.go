package explore

import "cmp"

// begin makes the state in which the search begins, by moves that anybody could make.
func (s *search) begin() *world {
	w := s.stage.begin(s.Rarely)
	for _, v := range s.Start.opening() {
		w = s.play(w, v)
	}
	for range restful {
		v, more := w.unrest()
		if s.Start == Empty || s.Violation != "" || !more {
			return w
		}
		w = s.play(w, v)
	}
	s.Violation = "the start does not come to rest"
	return w
}

// restful is within how many moves a start comes to rest, with room to spare.
const restful = 100

// play makes a move on the way to the start.
func (s *search) play(w *world, v move) *world {
	next, ok := s.stage.does(w, v, NoFault)
	if why := s.wrong(next); !ok || why != "" {
		s.Violation = "on the way to the start, when " + v.String() + ": " + cmp.Or(why, "it cannot be done")
	}
	return next
}

// opening is what members do first.
func (s Start) opening() (list []move) {
	speak := func(who uint8, a act, place uint8) {
		list = append(list, move{kind: say, who: who, act: a, place: place, whole: true})
	}
	if s != Empty {
		speak(0, join, 0)
	}
	if s == Joined || s == Locked {
		speak(1, join, 0)
		speak(2, join, 0)
	}
	if s == Locked {
		speak(0, acquire, 1)
		speak(1, acquire, 1)
		speak(1, acquire, 2)
		speak(0, acquire, 2)
	}
	return list
}

// unrest gives what is still to be done until the group is settled, everybody believes in what it holds, and
// no slot is asked for.
func (w *world) unrest() (v move, more bool) {
	for i := range w.leader.waits {
		if w.ready(&w.leader.waits[i], NoFault) {
			return move{kind: grant, who: uint8(w.placeOf(i)), place: uint8(i), whole: true}, true
		}
	}
	for who := range uint8(memberCount) {
		switch {
		case !w.members[who].joined:
		case w.may(int(who), release, 0):
			return move{kind: say, who: who, act: release, whole: true}, true
		case !w.rests(int(who)):
			return move{kind: ask, who: who, whole: true}, true
		}
	}
	return move{}, false
}

// rests says whether a member has nothing to learn.
func (w *world) rests(who int) bool {
	now, own, m := w.reading(), sessionOf(who), &w.members[who]
	g := &w.groups[0]
	if !g.Settled || !m.lease.Believes(theIndex, now) || m.seen < g.Revoked {
		return false
	}
	for i := range w.groups {
		if w.groups[i].Leader == own && !m.lease.Believes(leadOf(i), now) {
			return false
		}
	}
	for _, s := range g.Slots {
		if s.Holder == own && (s.Heir != own || !m.lease.Believes(slotKey(s.Slot), now)) {
			return false
		}
	}
	return true
}
