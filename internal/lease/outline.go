package lease

import (
	"cmp"
	"maps"
	"slices"
)

// Outline is all that the answers of a Lease will depend on from now on, but for what is guarded and owed
// and for when the next heartbeat is due. Two leases of one outline can be told apart only by requests
// that are still under way; of these Counts and Fresh say how they will be judged.
type Outline struct {
	Gone, Known   bool
	Version       uint64
	PromiseMillis int64
	Age           int64 // microseconds since the request of the newest promise was sent
	Grants        []Granted
}

// Granted is a grant, whether it may be believed now or not.
type Granted struct {
	Key
	Value
}

// Outline gives the outline at now, the grants in a fixed order.
func (l *Lease) Outline(now Reading) Outline {
	o := Outline{Gone: l.gone, Known: l.known, Version: l.version, PromiseMillis: l.promiseMillis,
		Age: Elapsed(l.sent, now), Grants: make([]Granted, 0, len(l.grants))}
	for key, value := range l.grants {
		o.Grants = append(o.Grants, Granted{key, value})
	}
	slices.SortFunc(o.Grants, func(a, b Granted) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Kind, b.Kind),
			cmp.Compare(a.Key.Slot, b.Key.Slot))
	})
	return o
}

// Fresh says whether a request was sent after the newest change of version was known, so that another
// version in its answer is newer than the one that is known now.
func (l *Lease) Fresh(asked Asked) bool { return asked.turn >= l.changed }

// Clone gives a second lease that goes its own way from here.
func (l *Lease) Clone() *Lease {
	c := *l
	c.grants, c.givenUp = maps.Clone(l.grants), maps.Clone(l.givenUp)
	c.guarded, c.owed = maps.Clone(l.guarded), maps.Clone(l.owed)
	return &c
}
