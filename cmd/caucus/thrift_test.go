package main

import "testing"

// At rest little garbage may come up, however much lives; who is busy has as much room as usual, at once, and
// gets less only when it has been calm for a while.
func TestThrift(t *testing.T) {
	const live = 100 << 20
	th := thrift{percent: usualGC}
	for i := range thriftCalm {
		if changed := th.take(live, 10<<10); changed != (i == thriftCalm-1) {
			t.Fatalf("reading %d: changed is %v", i+1, changed)
		}
	}
	if th.percent != leastGC {
		t.Errorf("at rest it is %d percent", th.percent)
	}
	if !th.take(live, 100<<20) || th.percent != usualGC {
		t.Errorf("busy it is %d percent", th.percent)
	}
	for range thriftCalm - 1 {
		if th.take(live, 0) {
			t.Error("a pause is taken for calm")
		}
	}
	if th.take(live, 100<<20) || th.take(live, 0) {
		t.Error("calm before a busy moment counts after it")
	}
}

// More that is allocated never asks for less room, and the room is never out of bounds.
func TestThriftRises(t *testing.T) {
	for live := 1.0; live < 1<<36; live *= 4 {
		before := 0
		for rate := 1.0; rate < 1<<36; rate *= 2 {
			now := thrift{}.wanted(live, rate)
			if now < before || now < leastGC || now > usualGC {
				t.Fatalf("%.0f live, %.0f a second: %d percent, with half of the rate %d", live, rate, now, before)
			}
			before = now
		}
		if before != usualGC {
			t.Errorf("%.0f live: the busiest has %d percent", live, before)
		}
	}
}
