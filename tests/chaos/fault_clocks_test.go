//go:build linux

package chaos

import (
	"math"
	"math/rand/v2"
	"time"
)

// set sets the wall clock of a node, by seconds or by years, forward or back, and back again.
func set(f *field, rng *rand.Rand) (func() error, string, error) {
	by := time.Duration(float64(2*time.Second) * math.Exp2(rng.Float64()*27)) // up to eight years
	if rng.IntN(2) == 0 {
		by = -by
	}
	undo, name, err := each(f, rng, 1, func(n *node) error { return n.clocks.Set(by) },
		func(n *node) error { return n.clocks.Set(-by) })
	return undo, name + " by " + by.String(), err
}

// limping is by how many parts in a million a clock may be wrong in its rate (SAFETY A2).
const limping = 10_000

// limp has all clocks of some nodes run too fast, or too slow, by as much as they may.
func limp(f *field, rng *rand.Rand) (func() error, string, error) {
	ppm := int64(limping)
	if rng.IntN(2) == 0 {
		ppm = -ppm
	}
	undo, name, err := each(f, rng, 1+rng.IntN(len(f.all())), func(n *node) error { return n.clocks.Rate(ppm) },
		func(n *node) error { return n.clocks.Rate(0) })
	return undo, name, err
}

// suspend suspends the machine of a node: the process stands still, and so does CLOCK_MONOTONIC.
func suspend(f *field, rng *rand.Rand) (func() error, string, error) {
	var since time.Time
	sleep := func(n *node) error { since = time.Now(); return n.pause() }
	wake := func(n *node) error {
		if err := n.clocks.Suspended(time.Since(since)); err != nil {
			return err
		}
		return n.resume()
	}
	return each(f, rng, 1, sleep, wake)
}
