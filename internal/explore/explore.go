package explore

import (
	"cmp"
	"fmt"
	"strings"
)

// Options say what is explored.
type Options struct {
	Depth int // moves from the start
	Most  int // states after which the search stops, 0 for no limit
	Start Start
	Theme Theme
	// Parts is how many exchanges and decisions may be under way, with anything in between, when another
	// begins to be. Those beyond are one move as a whole.
	Parts  int
	Rarely Rarely
	Fault  Fault
}

// Theme is what the members deal with.
type Theme uint8

// The themes. To deal with less gets further.
const (
	All   Theme = iota
	Group       // no locks
	Locks       // nobody joins, leaves, resigns or releases slots
	Still       // nobody does anything but show that it lives
)

func (t Theme) has(a act) bool {
	lock := a == acquire || a == unlock
	return t == All || a == resume || t == Group && !lock || t == Locks && lock
}

// Start is where the search begins.
type Start uint8

// The starts. Each is a state that moves reach from Empty, only further than a search gets.
const (
	Empty  Start = iota // three sessions are open, nobody is in the group or has asked for a lock
	Alone               // the first is a member, holds everything and believes in it
	Joined              // all are members and the group is settled; everybody believes in what it holds
	Locked              // and two of them stand in the lines of both locks, each at the head of one
)

// Report is what a search has found.
type Report struct {
	States int   // that are different, the start among them
	Edges  int   // moves that were tried
	Widths []int // how many states were new at each depth
	Whole  bool  // every state up to the depth was visited
	// Violation says what is wrong, "" when nothing is; Trace how it comes about, move by move.
	Violation string
	Trace     []string
}

// Depth gives how many moves from the start the search has got in full.
func (r *Report) Depth() int {
	if r.Whole || r.Violation != "" {
		return len(r.Widths) - 1
	}
	return len(r.Widths) - 2
}

func (r *Report) String() string {
	if r.Violation == "" {
		return fmt.Sprintf("%d states, %d moves tried, depth %d", r.States, r.Edges, r.Depth())
	}
	return fmt.Sprintf("%s\n%d states, depth %d:\n  %s", r.Violation, r.States, r.Depth(),
		strings.Join(r.Trace, "\n  "))
}

// search is a search under way.
type search struct {
	Options
	Report
	stage stage
	keys  writer
	known map[key]bool
	steps []step // how each state was reached first; the start is state 0
	next  []found
	moves []move
}

// step is the last move on the way to a state, and the state before it.
type step struct {
	from int
	move
}

// found is a state that is still to be gone on from.
type found struct {
	*world
	number int
}

// Run explores breadth first. It stops at the first violation.
func Run(o Options) Report {
	s := &search{Options: o, known: map[key]bool{}}
	if w := s.begin(); s.Violation == "" {
		s.visit(w, step{from: -1})
	}
	for s.Widths = []int{1}; len(s.Widths) <= o.Depth && s.Violation == ""; {
		level := s.next
		s.next = nil
		if len(level) == 0 || !s.level(level) {
			return s.Report
		}
	}
	s.Whole = true
	return s.Report
}

// level goes on from all states of a depth, and says whether it could.
func (s *search) level(level []found) bool {
	s.Widths = append(s.Widths, 0)
	for i := range level {
		if s.Most > 0 && s.States > s.Most {
			return false
		}
		s.expand(level[i])
		if s.Violation != "" {
			return true
		}
		level[i].world = nil
	}
	return true
}

func (s *search) expand(f found) {
	s.moves = f.moves(&s.Options, s.moves[:0])
	for _, v := range s.moves {
		w, ok := s.stage.does(f.world, v, s.Fault)
		s.Edges++
		if ok && !s.visit(w, step{f.number, v}) {
			return
		}
	}
}

// visit takes a state in, unless it is known, and says whether all is well in it.
func (s *search) visit(w *world, by step) bool {
	why := s.wrong(w)
	k := s.keys.of(w)
	if why == "" && s.known[k] {
		return true
	}
	s.known[k] = true
	s.steps = append(s.steps, by)
	s.States++
	if len(s.Widths) > 0 {
		s.Widths[len(s.Widths)-1]++
	}
	if why != "" {
		s.Violation, s.Trace = why, s.trace()
		return false
	}
	if len(s.Widths) <= s.Options.Depth {
		s.next = append(s.next, found{w, len(s.steps) - 1})
	}
	return true
}

// wrong says what is as it must never be, "" when nothing is.
func (s *search) wrong(w *world) string {
	if s.stage.err != nil {
		return "the machine cannot go on: " + s.stage.err.Error()
	}
	return cmp.Or(w.rises(), w.wrong())
}

// trace gives the moves to the state that was found last.
func (s *search) trace() (list []string) {
	for i := len(s.steps) - 1; i > 0; i = s.steps[i].from {
		list = append([]string{s.steps[i].move.String()}, list...)
	}
	return list
}
