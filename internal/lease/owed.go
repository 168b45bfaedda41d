package lease

import (
	"maps"
	"slices"
)

// owed is a belief that has ended and whose end is still to be seen to.
type owed struct {
	value         Value
	sent          Reading // of the newest promise under which it was believed
	promiseMillis int64
}

// left gives the microseconds after now until the servers may grant it to somebody else whatever is owed.
func (o owed) left(now Reading) int64 {
	return max(0, o.promiseMillis*beliefPerMilli-Elapsed(o.sent, now))
}

// Guard says whether somebody acts for the belief in key who must be stopped before the servers are told
// that its end is known: a process that was started, a piece of work under way. When a guarded belief
// ends it is *owed* until Release. While anything is owed, its owner sends nothing that the servers could
// take for proof that a revocation was heard (SAFETY A3); then they grant nothing anew before P is over,
// which is what Left of it counts. To guard no more forgets what is owed.
// The slots of a group are guarded together, by a key of any of them.
func (l *Lease) Guard(key Key, guarded bool) {
	whole := key.whole()
	if !guarded {
		delete(l.guarded, whole)
		maps.DeleteFunc(l.owed, func(k Key, _ owed) bool { return k.whole() == whole })
		return
	}
	if l.guarded == nil {
		l.guarded, l.owed = map[Key]bool{}, map[Key]owed{}
	}
	l.guarded[whole] = true
}

// Owes says whether anything is owed.
func (l *Lease) Owes() bool { return len(l.owed) > 0 }

// Owed says whether key is owed, and for how many microseconds after now nobody else is granted it: by
// then it must be released.
func (l *Lease) Owed(key Key, now Reading) (left int64, ok bool) {
	o, ok := l.owed[key]
	return o.left(now), ok
}

// OwedSlots is Owed for all slots of a group together: it gives those that are owed, ascending.
func (l *Lease) OwedSlots(group string, now Reading) (slots []int, left int64) {
	for key, o := range l.owed {
		if key.Group != group || key.Kind != Slots {
			continue
		}
		if n := o.left(now); len(slots) == 0 || n < left {
			left = n
		}
		slots = append(slots, key.Slot)
	}
	slices.Sort(slots)
	return slots, left
}

// Release says that nobody acts for the former belief in key any more.
func (l *Lease) Release(key Key) { delete(l.owed, key) }

// Lapse makes owed what is guarded and ended by the clock alone.
func (l *Lease) Lapse(now Reading) {
	for key := range l.grants {
		if l.guarded[key.whole()] && l.leftOf(key, now) == 0 {
			l.drop(key)
		}
	}
}

// drop ends the belief in key. What was owed first stays so: it ends earlier.
func (l *Lease) drop(key Key) {
	value, held := l.grants[key]
	delete(l.grants, key)
	if _, already := l.owed[key]; held && l.guarded[key.whole()] && !already {
		l.owed[key] = owed{value, l.sent, l.promiseMillis}
	}
}

// dropAll ends every belief, or with butSlots all others.
func (l *Lease) dropAll(butSlots bool) {
	for key := range l.grants {
		if !butSlots || key.Kind != Slots {
			l.drop(key)
		}
	}
}

// reaffirmed judges the answer to a read of key in view of what is owed and held. The same value, learnt
// under the present version, means that it was never revoked, so it is owed no more. Another one is not
// taken while somebody may act for the former.
func (l *Lease) reaffirmed(key Key, value Value) bool {
	if held, ok := l.grants[key]; ok && held != value {
		l.drop(key)
	}
	o, ok := l.owed[key]
	if ok && o.value == value {
		delete(l.owed, key)
	}
	return !ok || o.value == value
}
