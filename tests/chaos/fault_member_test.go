//go:build linux

package chaos

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/caucus-project/caucus"
)

// lose kills a node and takes what its disk had. It comes back with nothing, under its name and address, and
// the ensemble gives its vote to the new one.
func lose(f *field, rng *rand.Rand) (func() error, string, error) {
	return risky(f, rng, func(n *node) error { return errors.Join(n.kill(), n.wipe()) }, (*node).start)
}

// risky does something to the disk, or the membership, of one node and mends it; it is given back when the
// node votes again.
func risky(f *field, rng *rand.Rand, harm, mend func(*node) error) (func() error, string, error) {
	if !f.risk() {
		return nil, "", errBusy
	}
	n, ok := f.take(rng)
	if !ok {
		f.settle()
		return nil, "", errBusy
	}
	undo := func() error {
		defer f.settle()
		defer f.give(n)
		if err := mend(n); err != nil {
			return err
		}
		return n.votes()
	}
	return undo, n.name, harm(n)
}

// shrink removes a node from the ensemble, and lets it in again later with an empty directory.
func shrink(f *field, rng *rand.Rand) (func() error, string, error) {
	mend := func(n *node) error { return errors.Join(n.kill(), n.wipe(), n.start()) }
	return risky(f, rng, (*node).remove, mend)
}

// remove has the ensemble remove a node, which stops when it hears of it.
func (n *node) remove() error {
	n.mayEnd()
	gone := false
	return n.f.until(n.name+" is removed", func() bool {
		for _, other := range n.f.all() {
			_, err := other.ask("DEL_NODE", n.name)
			var said *caucus.Error
			gone = gone || err == nil || errors.As(err, &said) && strings.HasPrefix(said.Message, "no such node")
		}
		return gone
	})
}

// grow adds a node; it is removed later. Meanwhile other faults may hit it like any other.
func grow(f *field, rng *rand.Rand) (func() error, string, error) {
	if !f.risk() {
		return nil, "", errBusy
	}
	n, ok := f.spare()
	if !ok {
		f.settle()
		return nil, "", errBusy
	}
	undo := func() error {
		err := n.votes()
		f.settle()
		f.give(n)
		if err == nil {
			err = f.until("nothing else befalls "+n.name, func() bool { return f.claim(n) })
		}
		if err == nil {
			err = f.until("another disk may be risked", f.risk)
		}
		if err == nil {
			err = n.remove()
		}
		err = errors.Join(err, n.kill(), n.wipe())
		f.store(n)
		f.settle()
		return err
	}
	return undo, n.name, n.start()
}

// transfer has another node lead.
func transfer(f *field, rng *rand.Rand) (func() error, string, error) {
	all := f.all()
	at, to := all[rng.IntN(len(all))], all[rng.IntN(len(all))]
	_, err := at.ask("ENSEMBLE", "TRANSFER", to.name)
	what := fmt.Sprintf("to %s by %s: %v", to.name, at.name, err) // it may not be possible now, and says so
	return func() error { return nil }, what, nil
}
