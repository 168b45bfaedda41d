package main

import (
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
)

func someItems(n int) (items []item) {
	for i := range n {
		items = append(items, item{Key: "f:" + string(rune('a'+i))})
	}
	return items
}

// whole is a step over all that an index owns.
func whole(c *checker, index, total int, epoch uint64, start, end int64) step {
	return step{Index: index, Total: total, Epoch: epoch, To: len(c.share(index, total)), Start: start, End: end}
}

func faultsOf(t *testing.T, c *checker, want string) {
	t.Helper()
	c.judgeSpans()
	all := strings.Join(c.faults, "; ")
	if want == "" && c.failed > 0 || !strings.Contains(all, want) {
		t.Fatalf("faults are %q, want %q", all, want)
	}
}

func TestSharesDivideTheItems(t *testing.T) {
	c := newChecker(someItems(20))
	seen := map[int]int{}
	for index := 1; index <= 3; index++ {
		for _, place := range c.share(index, 3) {
			seen[place]++
			if caucus.IndexOf(c.items[place].Key, 3) != index {
				t.Fatalf("item %d is in the share of %d", place, index)
			}
		}
	}
	for place := range c.items {
		if seen[place] != 1 {
			t.Fatalf("item %d is in %d shares", place, seen[place])
		}
	}
}

func TestWorkSideBySideAndHandedOnHasNoFault(t *testing.T) {
	c := newChecker(someItems(20))
	c.add("a", whole(c, 1, 2, 5, 10, 20))
	c.add("b", whole(c, 2, 2, 5, 10, 20))
	c.add("a", whole(c, 1, 1, 6, 20, 30)) // touches, and does not overlap
	faultsOf(t, c, "")
	if n := c.covered(10); n != 20 {
		t.Fatalf("%d items were worked on", n)
	}
	if n := c.covered(21); n != 0 {
		t.Fatalf("%d items were worked on later", n)
	}
}

func TestOneItemAtTwoIsFoundInEitherOrder(t *testing.T) {
	for _, first := range []string{"a", "b"} {
		c := newChecker(someItems(20))
		steps := map[string]step{"a": whole(c, 1, 1, 5, 10, 20), "b": whole(c, 2, 2, 6, 19, 30)}
		second := map[string]string{"a": "b", "b": "a"}[first]
		c.add(first, steps[first])
		c.add(second, steps[second])
		if c.failed != 1 || !strings.Contains(c.faults[0], "at once") {
			t.Fatalf("faults are %q", c.faults)
		}
	}
}

func TestOverlapWithAnEarlierStepIsFoundBehindLaterOnes(t *testing.T) {
	c := newChecker(someItems(20))
	for i := range int64(10) {
		c.add("a", whole(c, 1, 1, 5, 10*i, 10*i+9))
	}
	c.add("b", whole(c, 1, 2, 6, 32, 38))
	if c.failed != 1 {
		t.Fatalf("%d faults: %q", c.failed, c.faults)
	}
}

func TestSpansOfTwoEpochsOrOneIndexAreFaults(t *testing.T) {
	for want, b := range map[string]step{
		"held epoch":      {Index: 2, Total: 3, Epoch: 6},
		"both held index": {Index: 1, Total: 3, Epoch: 5},
		"disagree":        {Index: 2, Total: 4, Epoch: 5},
	} {
		c := newChecker(someItems(3))
		// No step overlaps another, so only what was held in between tells.
		c.add("a", step{Index: 1, Total: 3, Epoch: 5, Start: 10, End: 11})
		b.Start, b.End = 20, 21
		c.add("b", b)
		c.add("a", step{Index: 1, Total: 3, Epoch: 5, Start: 30, End: 31})
		faultsOf(t, c, want)
	}
}

func TestImpossibleStepsAreFaults(t *testing.T) {
	for _, s := range []step{
		{Index: 0, Total: 1}, {Index: 2, Total: 1}, {Index: 1, Total: 1, Start: 2, End: 1},
		{Index: 1, Total: 1, From: -1}, {Index: 1, Total: 1, To: 4}, {Index: 1, Total: 1, From: 2, To: 1},
	} {
		c := newChecker(someItems(3))
		c.add("a", s)
		if c.failed != 1 || c.pieces != 0 {
			t.Errorf("%+v: faults %q", s, c.faults)
		}
	}
}

func TestDividedNeedsAllOfOneNewEpoch(t *testing.T) {
	c := newChecker(someItems(9))
	both := []string{"a", "b"}
	is := func(after uint64, epoch uint64, since int64, want bool) {
		t.Helper()
		e, at, ok := c.divided(both, after)
		if ok != want || ok && (e != epoch || at != since) {
			t.Fatalf("divided is %d, %d, %v", e, at, ok)
		}
	}
	is(0, 0, 0, false)
	c.add("a", whole(c, 1, 2, 5, 10, 11))
	is(0, 0, 0, false)
	c.add("b", whole(c, 2, 2, 5, 12, 13))
	is(0, 5, 12, true)
	is(5, 0, 0, false)
	c.add("b", whole(c, 2, 2, 7, 14, 15))
	is(0, 0, 0, false)
	c.add("a", whole(c, 2, 2, 7, 14, 15))
	is(0, 0, 0, false) // one index twice
	if _, _, ok := c.divided(nil, 0); ok {
		t.Fatal("nobody divides everything")
	}
}
