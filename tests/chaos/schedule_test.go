//go:build linux

package chaos

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// turn is one fault of a schedule: when it begins, for how long it is on, and its chance.
type turn struct {
	at, lasts time.Duration
	fault     fault
	seed      uint64
}

// The weather: storms with calms between them, in which what is broken is mended and it shows how soon
// everything works again.
const (
	storm  = 20 * time.Second
	calm   = 5 * time.Second
	atOnce = 4 // faults that are on at a time, at most
)

// soon are the faults with which every run begins, so that a short one has them too.
var soon = []string{"hang", "flip", "set clock"}

// schedule draws the turns of a run, in the order of their beginnings.
func schedule(seed uint64, total time.Duration, table []fault) (list []turn) {
	rng := rand.New(rand.NewPCG(seed, 1))
	first := slices.DeleteFunc(slices.Clone(table), func(one fault) bool {
		return !slices.Contains(soon, one.name)
	})
	rng.Shuffle(len(first), func(i, j int) { first[i], first[j] = first[j], first[i] })
	for from := time.Duration(0); from < total && len(table) > 0; from += storm + calm {
		end := min(from+storm, total)
		for at := from; ; {
			at += 100*time.Millisecond + time.Duration(rng.ExpFloat64()*float64(700*time.Millisecond))
			if at >= end {
				break
			}
			one := turn{at: at, lasts: min(lasting(rng), end-at)}
			one.fault, one.seed = table[rng.IntN(len(table))], rng.Uint64()
			if on(list, at) >= atOnce {
				continue
			}
			if len(first) > 0 {
				one.fault, first = first[0], first[1:]
			}
			list = append(list, one)
		}
	}
	return list
}

// lasting draws how long a fault is on: most shortly, some for much longer than an election takes.
func lasting(rng *rand.Rand) time.Duration {
	return time.Duration(float64(100*time.Millisecond) * math.Exp2(rng.Float64()*6.3)) // up to 8 s
}

// on counts the turns that are on at a moment.
func on(list []turn, at time.Duration) (n int) {
	for _, one := range list {
		if one.at+one.lasts > at {
			n++
		}
	}
	return n
}

func TestScheduleIsDrawnFromItsSeed(t *testing.T) {
	one, same := schedule(7, time.Minute, faults), schedule(7, time.Minute, faults)
	other := schedule(8, time.Minute, faults)
	if len(one) < 20 || tell(one) != tell(same) || tell(one) == tell(other) {
		t.Errorf("seed 7: %s\nseed 7: %s\nseed 8: %s", tell(one), tell(same), tell(other))
	}
	for _, name := range soon {
		if !slices.ContainsFunc(one[:len(soon)], func(one turn) bool { return one.fault.name == name }) {
			t.Errorf("%s does not come soon", name)
		}
	}
	for i, turn := range one {
		if turn.at%(storm+calm)+turn.lasts > storm || i > 0 && turn.at < one[i-1].at {
			t.Errorf("turn %d is on from %v for %v", i, turn.at, turn.lasts)
		}
		if n := on(one[:i+1], turn.at); n > atOnce {
			t.Errorf("at %v %d faults are on", turn.at, n)
		}
	}
}

// tell writes a schedule down.
func tell(list []turn) string {
	var b strings.Builder
	for _, one := range list {
		fmt.Fprintf(&b, "%v+%v %s %d; ", one.at, one.lasts, one.fault.name, one.seed)
	}
	return b.String()
}
