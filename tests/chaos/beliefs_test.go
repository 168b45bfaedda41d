//go:build linux

package chaos

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caucus-project/caucus/tests/chaos/history"
)

// beliefs is who believed in what, and when, as looks at the believers showed it.
type beliefs struct {
	mu   sync.Mutex
	seen map[history.Belief]history.Span // by belief without its time
}

// saw notes that somebody believed at some moment between two, which it also did at all moments since it was
// seen first: whatever could interrupt it, for somebody else to believe, changes its token.
func (b *beliefs) saw(one history.Belief, before, after int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.seen == nil {
		b.seen = map[history.Belief]history.Span{}
	}
	span, known := b.seen[one]
	if !known {
		span.From = after
	}
	span.To = before
	b.seen[one] = span
}

// take adds what another process has noted: a belief up to a moment.
func (b *beliefs) take(one history.Belief) {
	span := one.Span
	one.Span = history.Span{}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.seen == nil {
		b.seen = map[history.Belief]history.Span{}
	}
	if was, known := b.seen[one]; known {
		span.From = min(was.From, span.From)
	}
	b.seen[one] = span
}

// all gives the beliefs.
func (b *beliefs) all() (list []history.Belief) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for one, span := range b.seen {
		one.Span = span
		list = append(list, one)
	}
	return list
}

// often is how long a believer is left between two looks at it.
const often = 2 * time.Millisecond

// watch looks at a believer until ctx ends.
func watch(ctx context.Context, look func()) {
	for ctx.Err() == nil {
		look()
		time.Sleep(often)
	}
}

// Looks become beliefs that a checker compares, also those that another process tells.
func TestBeliefsThatOverlapAreSeen(t *testing.T) {
	held := func(holder string, times int) history.Belief {
		return history.Belief{What: "slot 1", Holder: holder, Index: times}
	}
	for name, c := range map[string]struct {
		looks []history.Belief // one after the other
		wrong bool
	}{
		"one after the other":             {[]history.Belief{held("a", 0), held("a", 0), held("b", 0)}, false},
		"one in between":                  {[]history.Belief{held("a", 0), held("b", 0), held("a", 0)}, true},
		"one in between, after a release": {[]history.Belief{held("a", 0), held("b", 0), held("a", 1)}, false},
		"one of another thing in between": {[]history.Belief{held("a", 0), {What: "x", Holder: "b"},
			held("a", 0)}, false},
	} {
		var here, told beliefs
		for i, one := range c.looks {
			before := int64(10 * i)
			here.saw(one, before, before+1)
			one.Span = history.Span{From: before + 1, To: before}
			told.take(one)
		}
		for _, b := range []*beliefs{&here, &told} {
			if v := history.Exclusive(b.all()); (len(v.Wrong) > 0) != c.wrong {
				t.Errorf("%s: %s", name, strings.Join(v.Wrong, "; "))
			}
		}
	}
}
