package feed

import (
	"sync/atomic"

	"github.com/caucus-project/caucus/internal/resp"
)

// load is the text of a message, which all for whom it waits hold together: it counts once against the budget
// of all, as long as one of them has it.
type load struct {
	budget  *resp.Budget
	bytes   int
	holders atomic.Int64
}

// hold takes the text for one more, and says whether there is room. Only one goroutine calls it: who
// publishes.
func (l *load) hold() bool {
	none := 0
	if l.holders.Add(1) > 1 || l.budget.Resize(&none, l.bytes) {
		return true
	}
	l.holders.Add(-1)
	return false
}

func (l *load) drop() {
	if has := l.bytes; l.holders.Add(-1) == 0 {
		l.budget.Resize(&has, 0)
	}
}

// said is what is published, whose load is made when somebody has to hold it.
type said struct {
	budget *resp.Budget
	bytes  int
	load   *load
	vain   bool // there is nobody to be cut so that others have room
}

// needs is how many bytes of the budget it takes to hold it.
func (t *said) needs() int { return t.bytes + overhead }

// count has a message counted that comes next to the backlog, and says whether there is room.
func (s *subscriber) count(text *said) bool {
	if text.load == nil {
		text.load = &load{budget: text.budget, bytes: text.bytes}
	}
	if !text.budget.Resize(&s.counted, s.counted+overhead) {
		return false
	}
	if !text.load.hold() {
		text.budget.Resize(&s.counted, s.counted-overhead)
		return false
	}
	for len(s.loads) < len(s.backlog) {
		s.loads = append(s.loads, nil)
	}
	s.loads = append(s.loads, text.load)
	return true
}

// release gives back what messages count for which the reader has no more use.
func (s *subscriber) release(loads []*load) {
	mine := s.counted
	for _, l := range loads {
		if l != nil {
			l.drop()
			mine -= overhead
		}
	}
	clear(loads)
	s.hub.limits.Budget.Resize(&s.counted, mine)
}
