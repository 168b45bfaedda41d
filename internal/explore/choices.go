package explore

// moves gives all that can happen in a world.
func (w *world) moves(o *Options, list []move) []move {
	parts := w.underWay() < o.Parts
	list = append(list, move{kind: tick})
	for who := range w.members {
		if who > 0 && !w.members[who-1].acted && !w.members[who].acted {
			break // members are alike
		}
		list = w.speaks(o, uint8(who), parts, list)
		list = w.hears(uint8(who), parts, list)
	}
	list = w.decisions(o.Fault, parts, list)
	if len(w.leader.log) > 0 {
		list = append(list, move{kind: apply})
	}
	return w.rareMoves(list)
}

// underWay counts the exchanges and decisions that have begun and are not over.
func (w *world) underWay() int {
	n := len(w.leader.log)
	for who := range w.members {
		if w.members[who].looking != nil {
			n++
		}
		if w.members[who].writing != nil {
			n++
		}
	}
	return n
}

// both adds a move as a whole where that can be, and its first part.
func both(list []move, v move, whole, parts bool) []move {
	if parts {
		list = append(list, v)
	}
	if v.whole = true; whole {
		list = append(list, v)
	}
	return list
}

// speaks gives what a member may write.
func (w *world) speaks(o *Options, who uint8, parts bool, list []move) []move {
	for a := range actCount {
		first, last := 0, 0
		if a == acquire || a == unlock {
			first, last = 1, lockCount
		}
		for place := first; place <= last; place++ {
			if o.Theme.has(a) && w.may(int(who), a, place) {
				v := move{kind: say, who: who, act: a, place: uint8(place)}
				list = both(list, v, len(w.leader.log) == 0, parts)
			}
		}
	}
	return list
}

// hears gives what else a member may do, and what may become of what it has sent. A write is applied behind
// what the leader has proposed before.
func (w *world) hears(who uint8, parts bool, list []move) []move {
	m := &w.members[who]
	if e := m.writing; e != nil && e.answered {
		list = append(list, move{kind: hearAnswer, who: who})
	} else if e != nil && len(w.leader.log) == 0 {
		list = append(list, move{kind: doWrite, who: who})
	}
	if l := m.looking; l != nil && l.answered {
		list = append(list, move{kind: hearLook, who: who})
	} else if l != nil {
		list = append(list, move{kind: doLook, who: who})
	} else if !m.dead && !m.ended && (m.joined || m.inLine != [placeCount]bool{}) {
		list = both(list, move{kind: ask, who: who}, true, parts)
	}
	if !m.dead && m.acted && w.left.Crashes > 0 {
		list = append(list, move{kind: crash, who: who})
	}
	return list
}

// decisions gives what the rules allow the leader to decide. Two can be under way at once; they are applied
// in one entry.
func (w *world) decisions(f Fault, parts bool, list []move) []move {
	if len(w.leader.log) > 1 {
		return list
	}
	can := func(v move) { list = both(list, v, len(w.leader.log) == 0, parts || len(w.leader.log) > 0) }
	for who := range w.members {
		m, s := &w.members[who], &w.leader.watched[who]
		if m.dead && w.lives[who] && !w.sessions[who].Drop && !s.ending {
			can(move{kind: seeClose, who: uint8(who)})
		}
		if m.former != 0 {
			can(move{kind: seeFormer, who: uint8(who)})
		}
		if _, ok := w.leader.over(w, who, f); ok {
			can(move{kind: end, who: uint8(who)})
		}
		if w.markable(who) {
			can(move{kind: mark, who: uint8(who)})
		}
		if s.clear && w.lives[who] {
			can(move{kind: clear, who: uint8(who)})
		}
	}
	for i := range w.leader.waits {
		if w.ready(&w.leader.waits[i], f) {
			can(move{kind: grant, who: uint8(w.placeOf(i)), place: uint8(i)})
		}
	}
	return list
}

// markable says whether the leader may log how long a session has been silent. Marks matter to who is elected
// next, so without an election to come there are none.
func (w *world) markable(who int) bool {
	s, state := &w.leader.watched[who], &w.sessions[who]
	quarters := min(3, w.now-s.heard)
	return w.left.Elections > 0 && w.lives[who] && !s.ending && quarters > int64(max(state.Mark, s.marking))
}

func (w *world) placeOf(wait int) int { return placeNamed(w.leader.waits[wait].Group) }

func (w *world) rareMoves(list []move) []move {
	if w.left.Elections > 0 {
		list = append(list, move{kind: elect})
	}
	for who := range w.members {
		if !w.members[who].joined || !w.lives[who] || len(w.leader.log) > 0 {
			continue
		}
		if w.left.Evictions > 0 && !w.sessions[who].Evicted {
			list = append(list, move{kind: evict, who: uint8(who)})
		}
		if w.left.Transfers > 0 && w.groups[0].Leader != sessionOf(who) {
			list = append(list, move{kind: transfer, who: uint8(who)})
		}
	}
	return list
}
