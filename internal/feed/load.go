package feed

import (
	"sync/atomic"

	"github.com/caucus-project/caucus/internal/resp"
)

// load is the text of a message, which all for whom it waits hold together: it counts once against the budget
// of all, as long as one of them has it.
type load struct {
	bytes   int
	holders atomic.Int64
}

// hold takes the text for one more, and says whether there is room. Only one goroutine calls it: who
// publishes.
func (l *load) hold(budget *resp.Budget) bool {
	none := 0
	if l.holders.Add(1) > 1 || budget.Resize(&none, l.bytes) {
		return true
	}
	l.holders.Add(-1)
	return false
}

func (l *load) drop(budget *resp.Budget) {
	if has := l.bytes; l.holders.Add(-1) == 0 {
		budget.Resize(&has, 0)
	}
}

// said is what is published, whose load is made when somebody has to hold it.
type said struct {
	bytes int
	load  *load
	vain  bool // there is nobody to be cut so that others have room
}

// count has a message counted that comes next to the backlog, and says whether there is room.
func (s *subscriber) count(text *said) bool {
	budget := s.hub.limits.Budget
	if text.load == nil {
		text.load = &load{bytes: text.bytes}
	}
	if !budget.Resize(&s.counted, s.counted+overhead) {
		return false
	}
	if !text.load.hold(budget) {
		budget.Resize(&s.counted, s.counted-overhead)
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
	budget, mine := s.hub.limits.Budget, s.counted
	for _, l := range loads {
		if l != nil {
			l.drop(budget)
			mine -= overhead
		}
	}
	clear(loads)
	budget.Resize(&s.counted, mine)
}
