package assign_test

import (
	"slices"
	"testing"

	"github.com/caucus-project/caucus/internal/assign"
	"pgregory.net/rapid"
)

func TestA17_Spread(t *testing.T) {
	const none = assign.Nobody
	for _, c := range []struct {
		name         string
		members      int
		holder, want []int
	}{
		{"no slots", 3, nil, []int{}},
		{"nobody", 0, []int{none, 5}, []int{none, none}},
		{"alone", 1, []int{none, none}, []int{0, 0}},
		{"a new group: ranges in join order", 3, []int{none, none, none, none, none, none, none, none},
			[]int{0, 0, 0, 1, 1, 1, 2, 2}},
		{"balanced stays", 3, []int{2, 0, 1, 2, 1}, []int{2, 0, 1, 2, 1}},
		{"a newcomer gets the highest of who has more", 3, []int{0, 0, 0, 1, 1, 1}, []int{0, 0, 2, 1, 1, 2}},
		{"what is free goes to those who lack", 2, []int{0, none, 0, none}, []int{0, 1, 0, 1}},
		{"who holds more keeps the odd one", 2, []int{1, 1, 0}, []int{1, 1, 0}},
		{"fewer slots than members", 3, []int{2}, []int{2}},
		{"a stranger holds nothing", 2, []int{7, -3, 1, 1}, []int{0, 0, 1, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := slices.Clone(c.holder)
			if got := assign.Spread(c.members, c.holder); !slices.Equal(got, c.want) {
				t.Errorf("Spread(%d, %v) = %v, want %v", c.members, c.holder, got, c.want)
			}
			if !slices.Equal(before, c.holder) {
				t.Errorf("Spread changed its argument: %v, was %v", c.holder, before)
			}
		})
	}
}

// spreadOf looks at a plan: it is balanced, and the same when it is made again.
func spreadOf(t *rapid.T, members int, holder []int) []int {
	next := assign.Spread(members, holder)
	count := make([]int, members)
	for slot, m := range next {
		if m < 0 || m >= members {
			t.Fatalf("%v: slot %d goes to %d of %d members", holder, slot, m, members)
		}
		count[m]++
	}
	if slices.Max(count)-slices.Min(count) > 1 {
		t.Fatalf("%v -> %v is not balanced: %v", holder, next, count)
	}
	if again := assign.Spread(members, holder); !slices.Equal(again, next) {
		t.Fatalf("%v was spread in two ways: %v and %v", holder, next, again)
	}
	if after := assign.Spread(members, next); !slices.Equal(after, next) {
		t.Fatalf("a balanced plan changed: %v -> %v", next, after)
	}
	return next
}

// moves counts the slots that are taken from a member that holds them.
func moves(members int, holder, next []int) (n int) {
	for slot, m := range holder {
		if m >= 0 && m < members && next[slot] != m {
			n++
		}
	}
	return n
}

// least finds by trial of every balanced division how few slots must be taken from their holders.
func least(members int, holder []int) int {
	held := make([]int, members)
	for _, m := range holder {
		if m >= 0 && m < members {
			held[m]++
		}
	}
	base, more := len(holder)/members, len(holder)%members
	best := len(holder)
	for who := range 1 << members { // those in the set get one more
		n, taken := 0, 0
		for m := range members {
			quota := base
			if who>>m&1 == 1 {
				quota++
				n++
			}
			taken += max(0, held[m]-quota)
		}
		if n == more {
			best = min(best, taken)
		}
	}
	return best
}

func TestA17_SpreadTakesNoMoreThanItMust(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := rapid.IntRange(1, 7).Draw(t, "members")
		holder := rapid.SliceOfN(rapid.IntRange(-1, members), 0, 40).Draw(t, "holder")
		next := spreadOf(t, members, holder)
		if n, best := moves(members, holder, next), least(members, holder); n != best {
			t.Fatalf("%v -> %v takes %d slots from their holders, %d would do", holder, next, n, best)
		}
	})
}

// A group lives through joins and departures: who leaves frees its slots, a newcomer comes last.
func TestA17_SlotsOfALife(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := rapid.IntRange(1, 5).Draw(t, "members")
		holder := slices.Repeat([]int{assign.Nobody}, rapid.IntRange(0, 64).Draw(t, "slots"))
		for range rapid.IntRange(1, 20).Draw(t, "settlings") {
			next := spreadOf(t, members, holder)
			if n, best := moves(members, holder, next), least(members, holder); n != best {
				t.Fatalf("%v -> %v takes %d slots from their holders, %d would do", holder, next, n, best)
			}
			holder = next
			if members > 1 && rapid.Bool().Draw(t, "one leaves") {
				gone := rapid.IntRange(0, members-1).Draw(t, "who")
				holder = without(holder, gone)
				members--
			} else if members < 9 {
				members++
			}
		}
	})
}

// without takes a member out; those after it move up.
func without(holder []int, gone int) []int {
	left := slices.Clone(holder)
	for slot, m := range left {
		switch {
		case m == gone:
			left[slot] = assign.Nobody
		case m > gone:
			left[slot] = m - 1
		}
	}
	return left
}
