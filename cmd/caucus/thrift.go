package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// thrift decides how much garbage a node lets come up before it collects it: as little as costs a hundredth
// of a processor. What is allocated in a second, by what may come up, is how often the collector goes through
// all that lives; so a node at rest holds hardly more than that, and a busy one as much again, as is usual.
type thrift struct {
	percent int // in force, as of debug.SetGCPercent
	calm    int // readings in a row that asked for less
}

const (
	thriftPace  = 100 * time.Millisecond
	thriftCalm  = 20          // so many readings before a node counts as calmer
	collectorOf = 0.01        // the part of a processor that the collector may take
	perCycle    = 0.0005      // seconds of a processor that a collection takes at least
	perByte     = 1e-9        // and for each byte that lives
	smallHeap   = 4 << 20     // below which the runtime counts as if so much lived
	usualGC     = 100         // percent of what lives; the runtime's own
	leastGC     = usualGC / 8 // at rest
)

// wanted gives the percentage for so many bytes that live, and so many that are allocated in a second.
func (thrift) wanted(live, rate float64) int {
	room := rate * (perCycle + perByte*live) / collectorOf
	percent := leastGC
	for percent < usualGC && float64(percent)/100*max(live, smallHeap) < room {
		percent *= 2
	}
	return min(percent, usualGC)
}

// take looks at a reading and says whether another percentage is in force now. More is granted at once, since
// whoever is busy pays for each moment of thrift; less only when it has been calm for a while.
func (t *thrift) take(live, rate float64) (changed bool) {
	wanted := t.wanted(live, rate)
	if wanted >= t.percent {
		t.calm = 0
	} else if t.calm++; t.calm < thriftCalm {
		return false
	}
	changed, t.percent, t.calm = wanted != t.percent, wanted, 0
	return changed
}

// keepThrifty looks after the collector until ctx is over, unless the user does, by GOGC.
func keepThrifty(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	of := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(of)
	before, last := time.Now(), of[1].Value.Uint64()
	t := thrift{percent: usualGC}
	tick := time.NewTicker(thriftPace)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		metrics.Read(of)
		now, all := time.Now(), of[1].Value.Uint64()
		if t.take(float64(of[0].Value.Uint64()), float64(all-last)/now.Sub(before).Seconds()) {
			debug.SetGCPercent(t.percent)
		}
		before, last = now, all
	}
}
