package lease_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/caucus-project/caucus/internal/lease"
)

const (
	milli = int64(1000)
	ttl   = int64(1000) // P in the tests, milliseconds
	limit = 980 * milli // 0.98 P
)

var (
	index  = lease.Key{Group: "g", Kind: lease.Index}
	leader = lease.Key{Group: "g", Kind: lease.Leadership}
)

// at is a moment of a machine that neither sleeps nor has its clock set.
func at(micros int64) lease.Reading {
	return lease.Reading{Mono: 10 + micros, Boot: 1_000 + micros, Wall: 1_700_000_000_000_000 + micros}
}

// holding is a lease with a promise sent at 0, version 5, that holds the index of g.
func holding(t *testing.T) *lease.Lease {
	t.Helper()
	l := new(lease.Lease)
	l.Promise(l.Heartbeat(at(0)), ttl, 5)
	grant(t, l, index, 1)
	return l
}

func grant(t *testing.T, l *lease.Lease, key lease.Key, micros int64) {
	t.Helper()
	if !l.Grant(l.Ask(at(micros)), key, lease.Value{Index: 1, Total: 2, Token: 9}) {
		t.Fatalf("grant of %v was refused", key)
	}
}

func believes(t *testing.T, l *lease.Lease, key lease.Key, now lease.Reading, want bool) {
	t.Helper()
	if got := l.Believes(key, now); got != want {
		t.Fatalf("belief in %v is %v, want %v", key, got, want)
	}
}

func TestElapsedIsTheLargestAdvance(t *testing.T) {
	for _, c := range []struct {
		since, now lease.Reading
		want       int64
	}{
		{lease.Reading{Mono: 1, Boot: 2, Wall: 3}, lease.Reading{Mono: 1, Boot: 2, Wall: 3}, 0},
		{lease.Reading{}, lease.Reading{Mono: 3, Boot: 2, Wall: 1}, 3},
		{lease.Reading{}, lease.Reading{Mono: 2, Boot: 3, Wall: 1}, 3},
		{lease.Reading{}, lease.Reading{Mono: 1, Boot: 2, Wall: 3}, 3},
		{lease.Reading{Wall: 100}, lease.Reading{Mono: 7, Boot: 7, Wall: 40}, 7},
		{lease.Reading{Mono: 9, Boot: 9, Wall: 9}, lease.Reading{}, 0},
	} {
		if got := lease.Elapsed(c.since, c.now); got != c.want {
			t.Errorf("Elapsed(%+v, %+v) = %d, want %d", c.since, c.now, got, c.want)
		}
	}
}

func TestA2_NothingIsBelievedBeforeAPromise(t *testing.T) {
	var l lease.Lease
	if l.Grant(l.Ask(at(0)), index, lease.Value{Token: 1}) {
		t.Fatal("a grant without a promise counts")
	}
	believes(t, &l, index, at(0), false)
	if _, known := l.Version(); known {
		t.Fatal("a version is known before any answer")
	}
}

// A2 (1) and (3) are the servers' part: what is no promise never reaches Promise. Here that a belief ends
// without one.
func TestA2_1_BeliefEndsAt98PercentOfP(t *testing.T) {
	l := holding(t)
	believes(t, l, index, at(limit-1), true)
	believes(t, l, index, at(limit), false)
	if got := l.Left(at(limit - 7)); got != 7 {
		t.Fatalf("Left = %d, want 7", got)
	}
	if got := l.Left(at(limit + 7)); got != 0 {
		t.Fatalf("Left = %d after the end, want 0", got)
	}
}

func TestA2_4_PromiseCountsFromSendingNotFromArrival(t *testing.T) {
	l := holding(t)
	asked := l.Heartbeat(at(100 * milli))
	// The answer takes 800 ms; nothing in the call says when it came, so nothing can depend on it.
	l.Promise(asked, ttl, 5)
	believes(t, l, index, at(100*milli+limit-1), true)
	believes(t, l, index, at(100*milli+limit), false)
}

func TestA2_SuspendedOrPausedMachineStopsBelieving(t *testing.T) {
	l := holding(t)
	suspended := at(5)
	suspended.Boot += limit
	believes(t, l, index, suspended, false)
	paused := at(5)
	paused.Wall += limit
	believes(t, l, index, paused, false)
	setBack := at(limit - 1)
	setBack.Wall -= 3600 * 1000 * milli
	believes(t, l, index, setBack, true)
	setBack.Mono++
	believes(t, l, index, setBack, false)
}

func TestA2_OlderAnswerWithTheSameVersionChangesNothing(t *testing.T) {
	l := holding(t)
	older, newer := l.Heartbeat(at(100)), l.Heartbeat(at(200))
	l.Promise(newer, ttl, 5)
	for _, p := range []int64{1, ttl, 50 * ttl} {
		l.Promise(older, p, 5)
		believes(t, l, index, at(200+limit-1), true)
		believes(t, l, index, at(200+limit), false)
	}
}

func TestA2_NewestPromiseSetsP(t *testing.T) {
	l := holding(t)
	l.Promise(l.Heartbeat(at(100)), 10, 5)
	believes(t, l, index, at(100+9_800-1), true)
	believes(t, l, index, at(100+9_800), false)
}

func TestA3_AnotherVersionEndsEveryGrant(t *testing.T) {
	for _, version := range []uint64{4, 6} {
		l := holding(t)
		grant(t, l, leader, 2)
		l.Promise(l.Heartbeat(at(10)), ttl, version)
		believes(t, l, index, at(11), false)
		believes(t, l, leader, at(11), false)
		grant(t, l, index, 12)
		believes(t, l, index, at(13), true)
		believes(t, l, leader, at(13), false)
	}
}

func TestA3_GrantReadBeforeTheChangeWasKnownIsRefused(t *testing.T) {
	l := holding(t)
	read := l.Ask(at(5))
	l.Promise(l.Heartbeat(at(6)), ttl, 7)
	if l.Grant(read, index, lease.Value{Token: 9}) {
		t.Fatal("an answer that may be older than the revocation began a belief")
	}
	believes(t, l, index, at(8), false)
}

// Two heartbeats under way at once; which of the two the servers took first nobody knows.
func TestA3_OvertakenAnswerWithAnotherVersionLeavesDoubt(t *testing.T) {
	l := holding(t)
	one, two := l.Heartbeat(at(10)), l.Heartbeat(at(20))
	l.Promise(two, ttl, 7)
	l.Promise(one, ttl, 5)
	if _, known := l.Version(); known {
		t.Fatal("a version is taken for known though two contradict each other")
	}
	if l.Grant(l.Ask(at(30)), index, lease.Value{Token: 9}) {
		t.Fatal("a grant counts while the version is in doubt")
	}
	if l.NextHeartbeat(at(30)) != 0 {
		t.Fatal("doubt must ask at once")
	}
	l.Promise(l.Heartbeat(at(40)), ttl, 7)
	grant(t, l, index, 50)
	believes(t, l, index, at(60), true)
}

func TestA3_AnswerSentEarlierMayShowTheNewerVersion(t *testing.T) {
	l := holding(t)
	one, two := l.Heartbeat(at(10)), l.Heartbeat(at(20))
	l.Promise(two, ttl, 5)
	believes(t, l, index, at(30), true)
	l.Promise(one, ttl, 7)
	believes(t, l, index, at(30), false)
}

// While in doubt every further late answer prolongs the doubt: it may be the one that the servers count
// as heard.
func TestA3_LateAnswerWhileInDoubtIsRemembered(t *testing.T) {
	l := holding(t)
	one, two, three := l.Heartbeat(at(10)), l.Heartbeat(at(20)), l.Heartbeat(at(30))
	l.Promise(two, ttl, 7)
	l.Promise(one, ttl, 5) // doubt
	four := l.Heartbeat(at(40))
	l.Promise(three, ttl, 9)
	l.Promise(four, ttl, 7) // was sent before the 9 was known
	if _, known := l.Version(); known {
		t.Fatal("the version shown before 9 was heard is trusted again")
	}
}

func TestA3_GivenUpIsNotBelieved(t *testing.T) {
	l := holding(t)
	grant(t, l, leader, 2)
	read := l.Ask(at(3))
	l.GiveUp(index)
	believes(t, l, index, at(4), false)
	believes(t, l, leader, at(4), true)
	l.Promise(l.Heartbeat(at(5)), ttl, 5)
	believes(t, l, index, at(6), false)
	if l.Grant(read, index, lease.Value{Token: 9}) {
		t.Fatal("a read sent before the thing was given up began a belief")
	}
	if !l.Grant(read, leader, lease.Value{Token: 10}) {
		t.Fatal("giving up one thing spoiled the read of another")
	}
	grant(t, l, index, 7)
	believes(t, l, index, at(8), true)
}

func TestGivingUpManyThingsForgetsNone(t *testing.T) {
	l := holding(t)
	read := l.Ask(at(3))
	l.GiveUp(index)
	for i := range 5000 {
		l.GiveUp(lease.Key{Group: fmt.Sprint("lock/", i), Kind: lease.Leadership})
		if l.Grant(read, index, lease.Value{}) {
			t.Fatalf("after %d others the give-up was forgotten", i)
		}
	}
}

func TestA2_EndedSessionBelievesNothing(t *testing.T) {
	l := holding(t)
	late := l.Heartbeat(at(3))
	l.End()
	believes(t, l, index, at(4), false)
	l.Promise(late, ttl, 5)
	if l.Grant(l.Ask(at(5)), index, lease.Value{}) {
		t.Fatal("a grant counts after the end of the session")
	}
	believes(t, l, index, at(6), false)
}

func TestHeldGivesWhatWasGranted(t *testing.T) {
	l := holding(t)
	if v, ok := l.Held(index, at(5)); !ok || v != (lease.Value{Index: 1, Total: 2, Token: 9}) {
		t.Fatalf("Held = %+v, %v", v, ok)
	}
	if v, ok := l.Held(index, at(limit)); ok || v != (lease.Value{}) {
		t.Fatalf("Held = %+v, %v after the end", v, ok)
	}
}

func TestHeartbeatEveryThirdOfP(t *testing.T) {
	var l lease.Lease
	next := func(now, want int64) {
		t.Helper()
		if got := l.NextHeartbeat(at(now)); got != want {
			t.Fatalf("next heartbeat at %d is in %d, want %d", now, got, want)
		}
	}
	next(0, 0) // never sent
	first := l.Heartbeat(at(0))
	next(0, 333_333) // P not yet known: the default grace stands for it
	l.Promise(first, 3000, 5)
	next(1, 0) // a new version is confirmed at once
	l.Heartbeat(at(1))
	next(2, 999_999)
	next(1_000_001, 0)
	next(9_000_000, 0)
	l.Heartbeat(at(1_500_000)) // its answer is lost; the wait begins anew all the same
	next(1_500_001, 999_999)
}

// A group may want to hear of its members more often than a promise needs, not less often.
func TestHeartbeatAsOftenAsAsked(t *testing.T) {
	l := holding(t) // with a promise of 1 s
	l.Heartbeat(at(1))
	for every, want := range map[int64]int64{100 * milli: 100 * milli, 5_000 * milli: 333_333, 0: 333_333} {
		l.Hurry(every)
		if got := l.NextHeartbeat(at(1)); got != want {
			t.Errorf("asked for every %d it is due in %d, want %d", every, got, want)
		}
	}
	l.Hurry(100 * milli)
	if got := l.NextHeartbeat(at(1 + 99*milli)); got != milli {
		t.Errorf("a millisecond before, it is due in %d", got)
	}
}

func TestAbsurdPromisesNeitherPanicNorLast(t *testing.T) {
	for _, p := range []int64{math.MinInt64, -1, 0} {
		l := holding(t)
		l.Promise(l.Heartbeat(at(5)), p, 5)
		believes(t, l, index, at(5), false)
		if l.NextHeartbeat(at(6)) <= 0 {
			t.Fatal("a promise of nothing makes the client heartbeat without a pause")
		}
	}
	l := holding(t)
	l.Promise(l.Heartbeat(at(5)), math.MaxInt64, 5)
	believes(t, l, index, at(5), true)
	believes(t, l, index, at(2_000_000_000*1_000_000), false)
}

// guarded is holding, with somebody acting for the index.
func guarded(t *testing.T) *lease.Lease {
	t.Helper()
	l := new(lease.Lease)
	l.Guard(index, true)
	l.Promise(l.Heartbeat(at(0)), ttl, 5)
	grant(t, l, index, 1)
	return l
}

func owes(t *testing.T, l *lease.Lease, now lease.Reading, want int64) {
	t.Helper()
	if left, ok := l.Owed(index, now); !ok || left != want || !l.Owes() {
		t.Fatalf("owed %v for %d more, want for %d", ok, left, want)
	}
}

func TestA3_EveryEndOfAGuardedBeliefIsOwed(t *testing.T) {
	for name, end := range map[string]func(*lease.Lease){
		"version": func(l *lease.Lease) { l.Promise(l.Heartbeat(at(10)), ttl, 6) },
		"given up": func(l *lease.Lease) {
			l.GiveUp(index)
			l.Promise(l.Heartbeat(at(10)), ttl, 6) // a later promise gives no more time
		},
		"session over": func(l *lease.Lease) { l.End() },
		"another epoch": func(l *lease.Lease) {
			if l.Grant(l.Ask(at(10)), index, lease.Value{Index: 1, Total: 2, Token: 11}) {
				t.Error("another value was taken while the former is owed")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := guarded(t)
			end(l)
			believes(t, l, index, at(20), false)
			owes(t, l, at(20), limit-20)
			owes(t, l, at(limit), 0)
			l.Release(index)
			if _, ok := l.Owed(index, at(20)); ok || l.Owes() {
				t.Fatal("what was released is owed")
			}
		})
	}
}

func TestA3_LapseIsOwedWhenTheClockHasEndedTheBelief(t *testing.T) {
	l := guarded(t)
	l.Lapse(at(limit - 1))
	if l.Owes() {
		t.Fatal("owed before the belief has ended")
	}
	l.Lapse(at(limit))
	owes(t, l, at(limit), 0)
}

// Of a revocation that was about something else the version rises too; a read under the new version that
// shows the same value tells.
func TestA3_SameValueUnderTheNewVersionIsOwedNoMore(t *testing.T) {
	l := guarded(t)
	l.Promise(l.Heartbeat(at(10)), ttl, 6)
	grant(t, l, index, 11)
	if l.Owes() {
		t.Fatal("what was never revoked is owed")
	}
	believes(t, l, index, at(12), true)
}

func TestA3_AnotherValueIsTakenOnceTheFormerIsReleased(t *testing.T) {
	l := guarded(t)
	l.Promise(l.Heartbeat(at(10)), ttl, 6)
	next := lease.Value{Index: 2, Total: 2, Token: 12}
	if l.Grant(l.Ask(at(11)), index, next) {
		t.Fatal("another value was taken while the former is owed")
	}
	l.Release(index)
	if !l.Grant(l.Ask(at(12)), index, next) {
		t.Fatal("a grant was refused though nothing is owed")
	}
}

func TestOnlyWhatIsGuardedIsOwed(t *testing.T) {
	l := guarded(t)
	grant(t, l, leader, 2)
	l.Promise(l.Heartbeat(at(10)), ttl, 6)
	if _, ok := l.Owed(leader, at(10)); ok {
		t.Fatal("the leadership is owed though nobody guards it")
	}
	l.Guard(index, false)
	if l.Owes() {
		t.Fatal("who guards no more still owes")
	}
}
