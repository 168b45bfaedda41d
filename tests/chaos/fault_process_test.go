//go:build linux

package chaos

import (
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// killOne kills a node, and starts it again.
func killOne(f *field, rng *rand.Rand) (func() error, string, error) {
	return each(f, rng, 1, (*node).kill, (*node).start)
}

// killSome kills several nodes at once, all of them in half of the cases, as when a house loses its power.
func killSome(f *field, rng *rand.Rand) (func() error, string, error) {
	count := len(f.all())
	if rng.IntN(2) == 0 {
		count = 1 + rng.IntN(count)
	}
	return each(f, rng, count, (*node).kill, (*node).start)
}

// killAgain kills a node and starts it again and again, at whatever it is doing then.
func killAgain(f *field, rng *rand.Rand) (func() error, string, error) {
	return repeated(f, rng, func(n *node) error { return errors.Join(n.kill(), n.start()) })
}

// restart has a node stop in good order, and starts it again.
func restart(f *field, rng *rand.Rand) (func() error, string, error) {
	return each(f, rng, 1, (*node).terminate, (*node).start)
}

// pauseOne makes a node stand still, as a machine does whose host is busy.
func pauseOne(f *field, rng *rand.Rand) (func() error, string, error) {
	return each(f, rng, 1, (*node).pause, (*node).resume)
}

// pauseSome makes several stand still.
func pauseSome(f *field, rng *rand.Rand) (func() error, string, error) {
	return each(f, rng, 1+rng.IntN(len(f.all())), (*node).pause, (*node).resume)
}

// stutter makes a node stand still again and again, for moments that are about as long as an election.
func stutter(f *field, rng *rand.Rand) (func() error, string, error) {
	return repeated(f, rng, func(n *node) error {
		err := n.pause()
		time.Sleep(time.Duration(rng.IntN(600)) * time.Millisecond)
		return errors.Join(err, n.resume())
	})
}

// each does something to some nodes at the same time, and something else to mend it.
func each(f *field, rng *rand.Rand, count int, harm, mend func(*node) error) (func() error, string, error) {
	var list []*node
	for n, ok := f.take(rng); ok; n, ok = f.take(rng) {
		if list = append(list, n); len(list) == count {
			break
		}
	}
	if len(list) == 0 {
		return nil, "", errBusy
	}
	undo := func() error { defer f.give(list...); return together(list, mend) }
	return undo, names(list), together(list, harm)
}

// together does something to nodes side by side.
func together(list []*node, f func(*node) error) error {
	outcomes := make([]error, len(list))
	var all sync.WaitGroup
	for i, n := range list {
		all.Go(func() { outcomes[i] = f(n) })
	}
	all.Wait()
	return errors.Join(outcomes...)
}

// repeated does something to a node, with pauses, until it is undone.
func repeated(f *field, rng *rand.Rand, harm func(*node) error) (func() error, string, error) {
	n, ok := f.take(rng)
	if !ok {
		return nil, "", errBusy
	}
	undo := again(func() error {
		time.Sleep(time.Duration(rng.IntN(800)) * time.Millisecond)
		return harm(n)
	})
	return func() error { defer f.give(n); return undo() }, n.name, nil
}

// again calls something until it fails or what again gives is called, which gives the failure.
func again(f func() error) (end func() error) {
	done, failed := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-done:
				failed <- nil
				return
			default:
				if err := f(); err != nil {
					failed <- err
					return
				}
			}
		}
	}()
	return func() error { close(done); return <-failed }
}

func names(list []*node) string {
	var words []string
	for _, n := range list {
		words = append(words, n.name)
	}
	return strings.Join(words, " ")
}
