package client

import (
	"testing"

	"github.com/caucus-project/caucus/internal/lease"
	"pgregory.net/rapid"
)

// Whatever the ways there and back take, and however the clocks go apart within what is assumed of them, the
// ensemble's time is where the estimate says, within what it says.
func TestB15_TheEstimateKnowsHowGoodItIs(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var e estimate
		local, ensemble := rapid.Int64Range(0, 1e12).Draw(r, "local"), rapid.Int64Range(0, 2e15).Draw(r, "ensemble")
		pass := func(d int64) {
			local += d
			ensemble += d + d*rapid.Int64Range(-2, 2).Draw(r, "drift")/1000
		}
		for range rapid.IntRange(1, 20).Draw(r, "beats") {
			sent := lease.Reading{Boot: local}
			pass(rapid.Int64Range(0, 300_000).Draw(r, "there"))
			told := ensemble
			pass(rapid.Int64Range(0, 300_000).Draw(r, "back"))
			e.learn(sent, lease.Reading{Boot: local}, told)
			pass(rapid.Int64Range(0, 10_000_000).Draw(r, "pause"))
			at := lease.Reading{Boot: local}
			// Drift on the way is counted from the answer on, and rounded once: allow a round trip's.
			if off := local + e.offset - ensemble; max(off, -off) > e.within(at)+600_000/drift+20 {
				r.Fatalf("%d off, within %d", off, e.within(at))
			}
		}
	})
}

// One slow answer does not spoil what is known, but serves when that is old.
func TestB15_AQuickAnswerIsWorthMore(t *testing.T) {
	var e estimate
	at := func(boot int64) lease.Reading { return lease.Reading{Boot: boot} }
	e.learn(at(0), at(1000), 50_000)
	if e.offset != 49_500 || e.within(at(1000)) != 501 {
		t.Errorf("%+v", e)
	}
	e.learn(at(2000), at(102_000), 99_000)
	if e.offset != 49_500 {
		t.Errorf("a slow answer was taken: %+v", e)
	}
	e.learn(at(100_000_000), at(100_100_000), 7)
	if e.made != 100_100_000 || e.slack != 50_001 {
		t.Errorf("the old one is worth more than %d: %+v", e.within(at(100_100_000)), e)
	}
}

// What a slow answer says counts when the former cannot be true any more: the host has stopped this machine
// for three seconds, and none of its clocks has seen them.
func TestB15_AClockThatHasJumpedIsNoticed(t *testing.T) {
	var e estimate
	at := func(boot int64) lease.Reading { return lease.Reading{Boot: boot} }
	e.learn(at(0), at(1000), 50_000)
	e.learn(at(2000), at(12_000), 3_055_000)
	if e.offset != 3_048_000 || e.within(at(12_000)) != 5001 {
		t.Errorf("%+v", e)
	}
}
