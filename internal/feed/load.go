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
}

// share is what of the budget of all one reader's messages take, beyond what each reader has for nothing.
type share struct {
	budget *resp.Budget
	loads  []*load
	own    int // for the messages themselves, which he shares with nobody
}

// add has a message counted, and says whether there is room.
func (s *share) add(text *said) bool {
	if text.load == nil {
		text.load = &load{budget: text.budget, bytes: text.bytes}
	}
	if !s.budget.Resize(&s.own, s.own+overhead) {
		return false
	}
	if !text.load.hold() {
		s.budget.Resize(&s.own, s.own-overhead)
		return false
	}
	s.loads = append(s.loads, text.load)
	return true
}

// drop gives back all of it.
func (s *share) drop() {
	for _, l := range s.loads {
		l.drop()
	}
	s.budget.Resize(&s.own, 0)
	s.loads = nil
}
