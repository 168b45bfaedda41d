//go:build linux

package chaos

import (
	"errors"
	"math/rand/v2"
)

// fault is a way to break something in the field.
type fault struct {
	name string
	// do breaks something, says what, and gives what mends it, which is called once. It fails with errBusy
	// when nothing can be broken in that way now, and must then have changed nothing. Any other error, of
	// either, ends the run: it is the test that is broken, or a violation.
	//
	// What it does to a node it does to one that it has taken (field.take, field.give). What loses or alters
	// what a disk holds, or changes who belongs to the ensemble, asks field.risk first. Both may wait for
	// the ensemble with field.until and node.votes, however long other faults hinder it.
	do func(f *field, rng *rand.Rand) (undo func() error, what string, err error)
}

// errBusy says that there is nothing at present that a fault could break.
var errBusy = errors.New("nothing to break in that way now")

// faults is the table of what can be broken. The order counts: a seed draws by it.
var faults = []fault{
	{"kill", killOne},
	{"pause", pauseOne},
	{"part", part},
}

// killOne kills a node, and starts it again.
func killOne(f *field, rng *rand.Rand) (func() error, string, error) {
	n, ok := f.take(rng)
	if !ok {
		return nil, "", errBusy
	}
	undo := func() error { defer f.give(n); return n.start() }
	return undo, n.name, n.kill()
}

// pauseOne makes a node stand still, as a machine does whose host is busy.
func pauseOne(f *field, rng *rand.Rand) (func() error, string, error) {
	n, ok := f.take(rng)
	if !ok {
		return nil, "", errBusy
	}
	undo := func() error { defer f.give(n); return n.resume() }
	return undo, n.name, n.pause()
}

// part divides the nodes, and at random the clients with them, into two sides that do not hear each other.
func part(f *field, rng *rand.Rand) (func() error, string, error) {
	sides, names := [2][]*place{}, [2]string{}
	for _, n := range f.all() {
		k := rng.IntN(2)
		sides[k], names[k] = append(sides[k], n.at), names[k]+" "+n.name
	}
	for _, s := range f.sites {
		if k := rng.IntN(4); k < 2 { // else that site hears both
			sides[k] = append(sides[k], s)
		}
	}
	undo, err := f.cut(between(rng.IntN(2) == 0, sides[0], sides[1])...)
	return undo, names[0] + " |" + names[1], err
}
