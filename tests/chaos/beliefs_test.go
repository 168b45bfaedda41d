//go:build linux

package chaos

import (
	"context"
	"sync"
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
