package main

import (
	"fmt"
	"slices"

	"github.com/caucus-project/caucus"
)

// step is what a worker did in one go: the items of its share from one position to another, between two
// readings of the machine's clock, while it believed in the assignment.
type step struct {
	Index int    `json:"index"`
	Total int    `json:"total"`
	Epoch uint64 `json:"epoch"`
	From  int    `json:"from"` // positions in the share: From included, To not
	To    int    `json:"to"`
	Start int64  `json:"start"` // nanoseconds
	End   int64  `json:"end"`
}

func (s step) assignment() caucus.Assignment {
	return caucus.Assignment{Index: s.Index, Total: s.Total, Epoch: s.Epoch}
}

// span is a time during which a worker held one assignment: from its first step under it to its last.
type span struct {
	caucus.Assignment
	start, end int64
}

// checker takes what the workers say that they did, in any order between workers and in order for each, and
// finds out whether any item was ever with two of them at once.
type checker struct {
	items  []item
	shares map[[2]int][]int // by index and total
	steps  map[string][]step
	spans  map[string][]span
	worked []int64 // when each item was last begun, 0 for never
	pieces int     // items worked on, counted each time

	faults []string // the first few, in words
	failed int      // how many there were
}

const faultsKept = 5

func newChecker(items []item) *checker {
	return &checker{
		items: items, shares: map[[2]int][]int{}, steps: map[string][]step{}, spans: map[string][]span{},
		worked: make([]int64, len(items)),
	}
}

// share gives the places of the items of an index, reckoned once.
func (c *checker) share(index, total int) []int {
	places, ok := c.shares[[2]int{index, total}]
	if !ok {
		places = share(c.items, index, total)
		c.shares[[2]int{index, total}] = places
	}
	return places
}

func (c *checker) fault(format string, args ...any) {
	if c.failed++; len(c.faults) < faultsKept {
		c.faults = append(c.faults, fmt.Sprintf(format, args...))
	}
}

// add takes one step of a worker.
func (c *checker) add(worker string, s step) {
	if s.Index < 1 || s.Index > s.Total || s.End < s.Start {
		c.fault("%s reports a step that cannot be: %+v", worker, s)
		return
	}
	mine := c.share(s.Index, s.Total)
	if s.From < 0 || s.To > len(mine) || s.From > s.To {
		c.fault("%s reports items that its share does not have: %+v", worker, s)
		return
	}
	for other, steps := range c.steps {
		if other != worker {
			c.compare(worker, s, other, steps)
		}
	}
	c.steps[worker] = append(c.steps[worker], s)
	for _, place := range mine[s.From:s.To] {
		c.worked[place] = max(c.worked[place], s.Start)
	}
	c.pieces += s.To - s.From
	c.extend(worker, s)
}

// compare looks for items that a step shares with steps of another worker at the same time. It goes back as
// far as they can overlap; those that come later will be compared with this one.
func (c *checker) compare(worker string, s step, other string, steps []step) {
	for _, o := range slices.Backward(steps) {
		if o.End <= s.Start {
			return
		}
		if o.Start >= s.End {
			continue
		}
		if place, both := common(c.doing(s), c.doing(o)); both {
			c.fault("%s and %s worked on %s at once", worker, other, c.items[place].Key)
		}
	}
}

// doing gives the places of a step's items, ascending.
func (c *checker) doing(s step) []int { return c.share(s.Index, s.Total)[s.From:s.To] }

// common finds the first number that two ascending lists have in common.
func common(a, b []int) (int, bool) {
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] == b[0]:
			return a[0], true
		case a[0] < b[0]:
			a = a[1:]
		default:
			b = b[1:]
		}
	}
	return 0, false
}

// extend makes the worker's span longer, or begins a new one.
func (c *checker) extend(worker string, s step) {
	spans := c.spans[worker]
	if n := len(spans); n > 0 && spans[n-1].Assignment == s.assignment() {
		spans[n-1].end = s.End
	} else {
		spans = append(spans, span{s.assignment(), s.Start, s.End})
	}
	c.spans[worker] = spans
}

// judgeSpans holds all spans against each other, once everything has come: at one time all assignments are of
// one epoch, and no index is held twice (SAFETY A3).
func (c *checker) judgeSpans() {
	for worker, spans := range c.spans {
		for other, others := range c.spans {
			if worker >= other {
				continue
			}
			for _, a := range spans {
				for _, b := range others {
					c.judgePair(worker, a, other, b)
				}
			}
		}
	}
}

func (c *checker) judgePair(worker string, a span, other string, b span) {
	switch {
	case a.end <= b.start || b.end <= a.start:
	case a.Epoch != b.Epoch:
		c.fault("%s held epoch %d while %s held epoch %d", worker, a.Epoch, other, b.Epoch)
	case a.Total != b.Total:
		c.fault("%s and %s disagree on the total of epoch %d: %d and %d", worker, other, a.Epoch, a.Total, b.Total)
	case a.Index == b.Index:
		c.fault("%s and %s both held index %d of epoch %d", worker, other, a.Index, a.Epoch)
	}
}

// held gives what a worker held last, false when it has done nothing yet.
func (c *checker) held(worker string) (span, bool) {
	spans := c.spans[worker]
	if len(spans) == 0 {
		return span{}, false
	}
	return spans[len(spans)-1], true
}

// divided says whether the workers hold the whole work between them, under one epoch later than the given
// one, and since when.
func (c *checker) divided(workers []string, after uint64) (epoch uint64, since int64, ok bool) {
	taken := make(map[int]bool)
	for _, worker := range workers {
		s, any := c.held(worker)
		if !any || s.Epoch <= after || epoch != 0 && s.Epoch != epoch || s.Total != len(workers) || taken[s.Index] {
			return 0, 0, false
		}
		taken[s.Index] = true
		epoch, since = s.Epoch, max(since, s.start)
	}
	return epoch, since, len(workers) > 0
}

// covered counts the items that were worked on after a moment.
func (c *checker) covered(since int64) (n int) {
	for _, at := range c.worked {
		if at >= since {
			n++
		}
	}
	return n
}
