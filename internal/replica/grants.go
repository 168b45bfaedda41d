package replica

import (
	"bytes"
	"maps"
	"slices"

	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
)

// grants is what was revoked from living members and waits to be granted anew (SAFETY A3): until the settle
// period has passed, and every holder has given it up, has ended, is known to have received a promise at the new
// version, or can no longer believe in it.
type grants struct {
	waits map[string][]*wait // by group
}

// wait is one thing that waits.
type wait struct {
	machine.Pending
	since   int64                  // when the revocation was applied here, or the vigil began; on its clock
	believe int64                  // when the last holder can no longer believe
	left    map[entry.Session]bool // holders that may
	decided bool
}

func (g *grants) start() { g.waits = map[string][]*wait{} }

// refresh takes over what the state says of a group. What waits under the same token goes on waiting.
func (g *grants) refresh(v *vigil, group string, pending []machine.Pending) {
	old := g.waits[group]
	delete(g.waits, group)
	for _, p := range pending {
		i := slices.IndexFunc(old, func(w *wait) bool { return w.Token == p.Token })
		if i < 0 {
			g.see(v, p)
			continue
		}
		w := old[i]
		for id := range w.left {
			if !slices.Contains(p.Holders, id) {
				w.release(id)
			}
		}
		g.waits[group] = append(g.waits[group], w)
		old = slices.Delete(old, i, i+1)
	}
	for _, w := range old {
		for id := range w.left {
			v.unwait(id, w)
		}
	}
}

// see begins to wait.
func (g *grants) see(v *vigil, p machine.Pending) {
	w := &wait{Pending: p, since: v.clock, believe: v.clock, left: map[entry.Session]bool{}}
	for _, id := range p.Holders {
		s := v.watched[id]
		if s == nil {
			continue
		}
		w.left[id] = true
		w.believe = max(w.believe, v.clock+s.Promise()*millisecond)
		s.waits = append(s.waits, w)
	}
	g.waits[p.Group] = append(g.waits[p.Group], w)
}

func (v *vigil) unwait(id entry.Session, w *wait) {
	if s := v.watched[id]; s != nil {
		s.waits = slices.DeleteFunc(s.waits, func(x *wait) bool { return x == w })
	}
}

// release notes that a holder no longer believes.
func (w *wait) release(id entry.Session) { delete(w.left, id) }

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
