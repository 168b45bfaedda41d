package waist

import (
	"strings"
	"sync/atomic"
)

// limits are what bounds memory and crowds, by its setting where it has one, and how a refusal ends for which
// it is the reason, but for a number. What clients say stands nowhere at such an end.
var limits = [...]struct{ name, end string }{
	{"max-client-memory", "(max-client-memory)"},
	{"max-groups", ", and max-groups is"},
	{"max-members", ", and max-members is"},
	{"max-sessions", ", and max-sessions is"},
	{"max-subscriptions", "(max-subscriptions)"},
	{"maxmemory", "used memory > 'maxmemory'."},
	{"polls", "which no setting changes: wait for one to end, or vote in another group"},
}

// Refusals counts what is refused because a limit is reached, by that limit. A reply is text when it comes to
// a door, since the state that refuses knows no metrics, so it is the text that says which limit it was. Its
// methods may be called from any goroutine.
type Refusals struct{ counts [len(limits)]atomic.Uint64 }

// Count counts an error reply, or its message, if a limit is the reason for it.
func (r *Refusals) Count(text string) {
	text = strings.TrimRight(text, " 0123456789")
	for i := range limits {
		if strings.HasSuffix(text, limits[i].end) {
			r.counts[i].Add(1)
			return
		}
	}
}

// AddTo adds the counts, those that are 0 among them, to others by the names of the limits.
func (r *Refusals) AddTo(sums map[string]uint64) {
	for i := range limits {
		sums[limits[i].name] += r.counts[i].Load()
	}
}
