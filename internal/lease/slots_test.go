package lease_test

import (
	"testing"

	"github.com/caucus-project/caucus/internal/lease"
)

func slot(n int) lease.Key { return lease.Key{Group: "g", Kind: lease.Slots, Slot: n} }

// withSlots is a lease as holding makes it that holds slots 0 to 2 of g as well.
func withSlots(t *testing.T) *lease.Lease {
	t.Helper()
	l := holding(t)
	for n := range 3 {
		grant(t, l, slot(n), 1)
	}
	return l
}

// What else of the session was revoked says nothing of slots, which stay until they are released.
func TestA17_SlotsOutliveAnotherVersion(t *testing.T) {
	l := withSlots(t)
	late := l.Heartbeat(at(100))
	l.Promise(l.Heartbeat(at(200)), ttl, 6)
	believes(t, l, index, at(201), false)
	believes(t, l, slot(0), at(201), true)
	l.Promise(late, ttl, 5) // of which nobody can say whether it is older: still the session lived
	if _, known := l.Version(); known {
		t.Fatal("the version is known, so this shows nothing")
	}
	believes(t, l, slot(0), at(202), true)
}

func TestA17_SlotsEndWithThePromise(t *testing.T) {
	l := withSlots(t)
	l.Promise(l.Heartbeat(at(100)), ttl, 6)
	believes(t, l, slot(0), at(100+limit-1), true)
	if left := l.LeftOfSlots(at(100)); left != limit {
		t.Errorf("%d left, want %d", left, limit)
	}
	believes(t, l, slot(0), at(100+limit), false)
	l.End()
	believes(t, l, slot(0), at(101), false)
	if l.LeftOfSlots(at(101)) != 0 {
		t.Error("something is left when the session is over")
	}
}

func TestA17_AReleasedSlotIsNotBelieved(t *testing.T) {
	l := withSlots(t)
	early := l.Ask(at(10))
	l.GiveUp(slot(1))
	believes(t, l, slot(0), at(11), true)
	believes(t, l, slot(1), at(11), false)
	if l.Grant(early, slot(1), lease.Value{}) || l.Grant(early, slot(7), lease.Value{}) {
		t.Error("a read that was sent before a release counts")
	}
	believes(t, l, slot(0), at(12), true)
	grant(t, l, slot(1), 13)
	believes(t, l, slot(1), at(13), true)
}

// Who leaves gives up also the slots that it does not know of yet.
func TestA17_LeavingGivesUpAllSlots(t *testing.T) {
	l := withSlots(t)
	early := l.Ask(at(10))
	l.GiveUp(slot(lease.AllSlots))
	for n := range 3 {
		believes(t, l, slot(n), at(11), false)
	}
	believes(t, l, index, at(11), true)
	if l.Grant(early, slot(9), lease.Value{}) {
		t.Error("a read that was sent before the member left counts")
	}
}

// Versions are read off the one counter of the ensemble, which every write raises, and a restore by 2^32: the
// next of a group may be any number.
func TestA17_SlotsOutliveAnyVersion(t *testing.T) {
	for _, version := range []uint64{0, 6, 5 + 1<<31, 5 + 1<<32, 1 << 62} {
		l := withSlots(t)
		l.Promise(l.Heartbeat(at(100)), ttl, version)
		believes(t, l, slot(0), at(101), true)
	}
}

// Guarded slots are owed when the clock or the session ends the belief in them, and not when a version does.
func TestA3_SlotsAreOwedAlone(t *testing.T) {
	l := withSlots(t)
	l.Guard(slot(2), true)
	l.Promise(l.Heartbeat(at(100)), ttl, 6)
	if l.Lapse(at(101)); l.Owes() {
		t.Fatal("slots are owed that are believed in")
	}
	l.Lapse(at(100 + limit))
	for n := range 3 {
		if left, owed := l.Owed(slot(n), at(100+limit)); !owed || left != 0 {
			t.Errorf("slot %d is owed %v, for %d more", n, owed, left)
		}
		believes(t, l, slot(n), at(100+limit), false)
	}
	l.Release(slot(0))
	if _, owed := l.Owed(slot(0), at(101)); owed || !l.Owes() {
		t.Error("one was released, the others are owed")
	}
	if l.Guard(slot(0), false); l.Owes() {
		t.Error("what is guarded no more is owed")
	}
}
