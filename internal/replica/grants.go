package replica

import (
	"bytes"
	"maps"
	"slices"

	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
)

// grants is what was revoked from living members and waits to be granted anew (SAFETY A3): until
// the settle period has passed, and every holder has given it up, has ended, is known to have
// received a promise at the new version, or can no longer believe in it.
type grants struct {
	waits map[string][]*wait // by group
}

// wait is one thing that waits.
type wait struct {
	machine.Pending
	since   int64                  // when the revocation was applied here, or the vigil began; on its clock
	believe int64                  // when the last holder can no longer believe
	left    map[entry.Session]bool // holders that may
	first   uint64                 // the token of the first revocation, when further changes followed it
	decided bool
}

func (g *grants) start() { g.waits = map[string][]*wait{} }

// refresh takes over what the state says of a group. What waits under the same token goes on
// waiting. When a further change came while an assignment was already revoked, the settle period
// begins anew, but who is known to have given up does not hold anything since, and the others have
// not been granted anything to believe in since; unless they have, within the same entry.
func (g *grants) refresh(v *vigil, group string, pending []machine.Pending) {
	old := g.waits[group]
	delete(g.waits, group)
	for _, p := range pending {
		same := func(w *wait) bool { return w.Token == p.Token }
		before := func(w *wait) bool { return w.Lead == p.Lead && w.Granted == p.Granted && !w.decided }
		if i := slices.IndexFunc(old, same); i >= 0 {
			v.keep(old[i], p.Holders)
			old[i].Settle = p.Settle // GROUP SET may have changed it
			g.waits[group] = append(g.waits[group], old[i])
			old = slices.Delete(old, i, i+1)
		} else if i := slices.IndexFunc(old, before); i >= 0 {
			g.follow(v, p, old[i])
		} else {
			g.see(v, p)
		}
	}
	for _, w := range old {
		for id := range w.left {
			v.unwait(id, w)
		}
	}
}

// keep leaves out those who are no longer among the holders.
func (v *vigil) keep(w *wait, holders []entry.Session) {
	if len(w.left) == 0 {
		return
	}
	still := make(map[entry.Session]bool, len(holders))
	for _, id := range holders {
		still[id] = w.left[id]
	}
	for id := range w.left {
		if !still[id] {
			v.unwait(id, w)
			delete(w.left, id)
		}
	}
}

// see begins to wait.
func (g *grants) see(v *vigil, p machine.Pending) {
	w := &wait{Pending: p, since: v.clock, believe: v.clock, left: map[entry.Session]bool{}}
	for _, id := range p.Holders {
		if s := v.watched[id]; s != nil {
			w.left[id] = true
			w.believe = max(w.believe, v.clock+s.Promise()*millisecond)
			s.waits = append(s.waits, w)
		}
	}
	g.waits[p.Group] = append(g.waits[p.Group], w)
}

// follow waits on for what an earlier revocation of the same began to wait for, from now on.
func (g *grants) follow(v *vigil, p machine.Pending, before *wait) {
	v.keep(before, p.Holders)
	w := &wait{Pending: p, since: v.clock, believe: before.believe, left: map[entry.Session]bool{},
		first: before.first}
	if w.first == 0 {
		w.first = before.Token
	}
	for id := range before.left {
		w.left[id] = true
		v.watched[id].waits = append(v.watched[id].waits, w)
	}
	g.waits[p.Group] = append(g.waits[p.Group], w)
}

// revoked gives the version from which holders know that they hold nothing any more.
func (w *wait) revoked() uint64 {
	if w.first != 0 {
		return w.first
	}
	return w.Token
}

func (v *vigil) unwait(id entry.Session, w *wait) {
	if s := v.watched[id]; s != nil {
		s.waits = slices.DeleteFunc(s.waits, func(x *wait) bool { return x == w })
	}
}

// ready gives when the grant may be made, if no holder does anything about it before.
func (w *wait) ready() int64 {
	at := w.since + w.Settle*millisecond
	if len(w.left) > 0 {
		at = max(at, w.believe)
	}
	return at
}

// next gives when the first grant may be made, on the vigil's clock.
func (g *grants) next(v *vigil) int64 {
	at := v.clock + second
	for _, list := range g.waits {
		for _, w := range list {
			if !w.decided {
				at = min(at, w.ready())
			}
		}
	}
	return at
}

// decide makes the grants that may be made.
func (g *grants) decide(v *vigil, l *leadership) {
	if len(g.waits) == 0 {
		return
	}
	for _, group := range slices.Sorted(maps.Keys(g.waits)) {
		for _, w := range g.waits[group] {
			if !w.decided && w.ready() <= v.clock {
				w.decided = true
				l.notes = append(l.notes, machine.Grant(group, w.Token))
			}
		}
	}
}

func sortSessions(list []entry.Session) {
	slices.SortFunc(list, func(a, b entry.Session) int { return bytes.Compare(a[:], b[:]) })
}
