//go:build linux

package chaos

import (
	"math/rand/v2"
	"strings"
	"time"
)

// shuffled gives the places of all nodes in some order.
func (f *field) shuffled(rng *rand.Rand) []*place {
	var list []*place
	for _, n := range f.all() {
		list = append(list, n.at)
	}
	rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// divided deals places to two sides, none of them empty, and each of the clients' places to one or to none.
func (f *field) divided(rng *rand.Rand, all []*place) (left, right []*place) {
	k := 1 + rng.IntN(len(all)-1)
	left, right = all[:k:k], all[k:len(all):len(all)]
	for _, s := range f.sites {
		switch rng.IntN(3) {
		case 0:
			left = append(left, s)
		case 1:
			right = append(right, s)
		}
	}
	return left, right
}

func coin(rng *rand.Rand) bool { return rng.IntN(2) == 0 }

// listed says the names of places.
func listed(list ...*place) string {
	var words []string
	for _, p := range list {
		words = append(words, p.name)
	}
	return strings.Join(words, " ")
}

// part divides the nodes into two sides that do not hear each other.
func part(f *field, rng *rand.Rand) (func() error, string, error) {
	left, right := f.divided(rng, f.shuffled(rng))
	undo, err := f.cut(between(coin(rng), left, right)...)
	return undo, listed(left...) + " | " + listed(right...), err
}

// bridge divides the nodes but for one, which hears both sides and is heard by both.
func bridge(f *field, rng *rand.Rand) (func() error, string, error) {
	all := f.shuffled(rng)
	left, right := f.divided(rng, all[1:])
	undo, err := f.cut(between(coin(rng), left, right)...)
	return undo, listed(left...) + " | " + listed(right...) + ", but for " + all[0].name, err
}

// ring lets each of five nodes or more hear its two neighbours alone: each hears a majority of five, and no
// two the same one.
func ring(f *field, rng *rand.Rand) (func() error, string, error) {
	all := f.shuffled(rng)
	if len(all) < 5 {
		return nil, "", errBusy
	}
	var list []*cut
	for i := range all {
		for k := i + 2; k < len(all); k++ {
			if i > 0 || k < len(all)-1 {
				list = append(list, between(coin(rng), all[i:i+1], all[k:k+1])...)
			}
		}
	}
	undo, err := f.cut(list...)
	return undo, listed(all...), err
}

// oneWay has one side not hear the other, which hears it.
func oneWay(f *field, rng *rand.Rand) (func() error, string, error) {
	left, right := f.divided(rng, f.shuffled(rng))
	if coin(rng) {
		left, right = right, left
	}
	var list []*cut
	for _, a := range left {
		for _, b := range right {
			list = append(list, &cut{from: a, to: b})
		}
	}
	undo, err := f.cut(list...)
	return undo, listed(left...) + " -> " + listed(right...), err
}

// holes cuts single directions between any two, clients among them.
func holes(f *field, rng *rand.Rand) (func() error, string, error) {
	all, list, words := append(f.shuffled(rng), f.sites...), []*cut{}, []string{}
	for _, a := range all {
		for _, b := range all {
			if a != b && rng.IntN(4) == 0 {
				list = append(list, &cut{from: a, to: b, resets: coin(rng)})
				words = append(words, a.name+"->"+b.name)
			}
		}
	}
	undo, err := f.cut(list...)
	return undo, strings.Join(words, " "), err
}

// estrange cuts the clients of one place off from some nodes, which hear each other.
func estrange(f *field, rng *rand.Rand) (func() error, string, error) {
	all, site := f.shuffled(rng), f.sites[rng.IntN(len(f.sites))]
	some := all[:1+rng.IntN(len(all))]
	undo, err := f.cut(between(coin(rng), []*place{site}, some)...)
	return undo, site.name + " | " + listed(some...), err
}

// flap cuts one node off and lets it back, again and again.
func flap(f *field, rng *rand.Rand) (func() error, string, error) {
	all := f.shuffled(rng)
	list, resets := all[1:2+rng.IntN(len(all)-1)], coin(rng)
	undo := again(func() error {
		mend, err := f.cut(between(resets, all[:1], list)...)
		if err != nil {
			return err
		}
		time.Sleep(time.Duration(rng.IntN(400)) * time.Millisecond)
		err = mend()
		time.Sleep(time.Duration(rng.IntN(400)) * time.Millisecond)
		return err
	})
	return undo, all[0].name + " | " + listed(list...), nil
}

// drag makes the links of one node, or of one place of clients, slow, in one direction or in both.
func drag(f *field, rng *rand.Rand) (func() error, string, error) {
	all := append(f.shuffled(rng), f.sites...)
	one, how, ways := all[rng.IntN(len(all))], drawPace(rng), rng.IntN(3)
	var list []*wire
	for _, other := range all {
		if other != one && ways != 0 {
			list = append(list, &wire{from: one, to: other, pace: how})
		}
		if other != one && ways != 1 {
			list = append(list, &wire{from: other, to: one, pace: how})
		}
	}
	undo, err := f.relay.slow(rng.Uint64(), list...)
	return undo, one.name + []string{" hears ", " is heard ", " both ways "}[ways] + how.String(), err
}

// wade makes every link slow, each direction in its own way.
func wade(f *field, rng *rand.Rand) (func() error, string, error) {
	all, list := append(f.shuffled(rng), f.sites...), []*wire{}
	for _, a := range all {
		for _, b := range all {
			if a != b {
				list = append(list, &wire{from: a, to: b, pace: drawPace(rng)})
			}
		}
	}
	undo, err := f.relay.slow(rng.Uint64(), list...)
	return undo, "everybody", err
}

// drawPace draws how slow a link is: one across a city, a continent or the world, some of them bad.
func drawPace(rng *rand.Rand) pace {
	p := pace{delay: time.Duration(rng.ExpFloat64() * float64(40*time.Millisecond)),
		bytesPerSecond: 20_000 << rng.IntN(8)}
	p.jitter = time.Duration(rng.Float64() * 2 * float64(p.delay))
	if rng.IntN(3) == 0 {
		p.loss = rng.Float64() * 0.2
	}
	return p
}
