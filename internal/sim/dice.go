package sim

import "math/rand/v2"

// dice are a source of chance that follows from a seed and a number. Whatever has dice of its own is not
// changed by how often others throw theirs.
type dice struct{ rng *rand.Rand }

func newDice(seed, number uint64) dice { return dice{rand.New(rand.NewPCG(seed, number))} }

// between draws from low to high.
func (d dice) between(low, high int64) int64 {
	if high <= low {
		return low
	}
	return low + d.rng.Int64N(high-low+1)
}

// number draws from low to high.
func (d dice) number(low, high int) int { return int(d.between(int64(low), int64(high))) }

// chance says yes so often in a hundred times.
func (d dice) chance(percent int) bool { return d.rng.IntN(100) < percent }

func (d dice) below(n int) int { return d.rng.IntN(n) }

// thrower is whoever has dice.
type thrower interface{ below(n int) int }

// pick draws one of a list, the zero value of an empty one.
func pick[T any](d thrower, list []T) (one T) {
	if len(list) == 0 {
		return one
	}
	return list[d.below(len(list))]
}
