package assign_test

import (
	"math"
	"slices"
	"testing"

	"github.com/caucus-project/caucus/internal/assign"
	"pgregory.net/rapid"
)

func TestB16_Settle(t *testing.T) {
	for _, c := range []struct {
		name           string
		previous, want []int
	}{
		{"nobody", nil, []int{}},
		{"alone", []int{0}, []int{1}},
		{"new group: join order", []int{0, 0, 0}, []int{1, 2, 3}},
		{"nothing changed", []int{3, 1, 2}, []int{3, 1, 2}},
		{"a newcomer gets the next", []int{2, 1, 0}, []int{2, 1, 3}},
		{"the leaver's goes to the highest", []int{1, 3, 4}, []int{1, 3, 2}},
		{"two left: highest first, lowest free first", []int{4, 5, 3}, []int{2, 1, 3}},
		{"leaver and newcomer: the newcomer takes its place", []int{1, 3, 0}, []int{1, 3, 2}},
		{"those above go before newcomers", []int{5, 0, 2}, []int{1, 3, 2}},
		{"the last of many", []int{9}, []int{1}},
		{"all above", []int{7, 9, 8}, []int{3, 1, 2}},
		{"twice the same: the later is new", []int{2, 2, 0}, []int{2, 1, 3}},
		{"twice the same above n: join order", []int{9, 9}, []int{1, 2}},
		{"negative is new", []int{-1, 1, math.MinInt}, []int{2, 1, 3}},
		{"absurd is above", []int{0, math.MaxInt}, []int{2, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := slices.Clone(c.previous)
			if got := assign.Settle(c.previous); !slices.Equal(got, c.want) {
				t.Errorf("Settle(%v) = %v, want %v", c.previous, got, c.want)
			}
			if !slices.Equal(before, c.previous) {
				t.Errorf("Settle changed its argument: %v, was %v", c.previous, before)
			}
		})
	}
}

func permutation(t *rapid.T, indexes []int) {
	sorted := slices.Sorted(slices.Values(indexes))
	for i, index := range sorted {
		if index != i+1 {
			t.Fatalf("%v is no permutation of 1 to %d", indexes, len(indexes))
		}
	}
}

// A group lives through joins and departures, all legal.
func TestB16_LifeOfAGroup(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var held []int
		for range rapid.IntRange(1, 20).Draw(t, "settlings") {
			var stayed []int
			for _, index := range held {
				if rapid.Bool().Draw(t, "stays") {
					stayed = append(stayed, index)
				}
			}
			newcomers := rapid.IntRange(0, 5).Draw(t, "newcomers")
			previous := append(stayed, make([]int, newcomers)...)
			held = assign.Settle(previous)
			sticky(t, previous, held)
		}
	})
}

// sticky checks all of the rule by comparing members two by two, which the code never does.
func sticky(t *rapid.T, previous, next []int) {
	permutation(t, next)
	n := len(previous)
	rank := func(i int) (class, within int) {
		if previous[i] > n {
			return 0, -previous[i]
		}
		return 1, i
	}
	for i, index := range previous {
		if index >= 1 && index <= n {
			if next[i] != index {
				t.Fatalf("%v -> %v: a holder of %d lost it", previous, next, index)
			}
			continue
		}
		for j, other := range previous {
			if i == j || other >= 1 && other <= n {
				continue
			}
			ci, wi := rank(i)
			cj, wj := rank(j)
			first := ci < cj || ci == cj && wi < wj
			if first != (next[i] < next[j]) {
				t.Fatalf("%v -> %v: members %d and %d were served in the wrong order", previous, next, i, j)
			}
		}
	}
}

func TestB16_AnyInputGivesAPermutation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		index := rapid.OneOf(rapid.IntRange(-3, 12), rapid.Int())
		permutation(t, assign.Settle(rapid.SliceOfN(index, 0, 30).Draw(t, "previous")))
	})
}
