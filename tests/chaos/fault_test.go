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
	{"kill some", killSome},
	{"kill again", killAgain},
	{"restart", restart},
	{"pause", pauseOne},
	{"pause some", pauseSome},
	{"stutter", stutter},
	{"part", part},
	{"bridge", bridge},
	{"ring", ring},
	{"one way", oneWay},
	{"holes", holes},
	{"estrange", estrange},
	{"flap", flap},
	{"drag", drag},
	{"wade", wade},
	{"hang", hang},
	{"fill", fill},
	{"rot", rot},
	{"lose", lose},
	{"shrink", shrink},
	{"grow", grow},
	{"transfer", transfer},
	{"drudge", drudge},
	{"flip", flip},
	{"tear", tear},
	{"mislay", mislay},
	{"rewind", rewind},
	{"set clock", set},
	{"limp", limp},
	{"suspend", suspend},
}
