package sim

import "slices"

// Shrink looks for the fewest faults with which a case still fails by the same check. It makes so many tries
// at most, and gives the shortest case that it found with what became of it.
func Shrink(c Case, tries int) (Case, Result) {
	p := drawPlan(c.Seed)
	p.leaveOut(c.Without)
	s := &shrinking{tries: tries, run: Run, numbers: p.numbers()}
	return s.shrink(c)
}

// shrinking is the search for a shorter case.
type shrinking struct {
	tries   int
	run     func(Case) Result
	numbers []int // of all faults
	best    Case
	found   Result
}

// lucks is how many courses of events are tried under the same faults: what is left out shifts all that comes
// after it, so that one course alone says little.
const lucks = 3

func (s *shrinking) shrink(c Case) (Case, Result) {
	c.Brief = true
	s.best, s.found = c, s.run(c)
	if s.found.Err == nil {
		return c, s.found
	}
	s.narrow(s.numbers)
	return s.best, s.found
}

// narrow leaves out parts of the faults, halves first and then smaller ones, and single ones as long as any
// of them can go (after Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002).
func (s *shrinking) narrow(left []int) {
	for size := (len(left) + 1) / 2; len(left) > 0 && s.tries > 0; size = max(1, size/2) {
		before := len(left)
		for part := range slices.Chunk(slices.Clone(left), size) {
			if s.failsWithout(part) {
				left = slices.DeleteFunc(left, func(n int) bool { return slices.Contains(part, n) })
			}
		}
		if size == 1 && len(left) == before {
			return
		}
	}
}

// failsWithout says whether the best case still fails in the same way when these are left out as well.
func (s *shrinking) failsWithout(numbers []int) bool {
	c := s.best
	c.Without = slices.Sorted(slices.Values(slices.Concat(c.Without, numbers)))
	for luck := range uint64(lucks) {
		if s.tries == 0 {
			return false
		}
		s.tries--
		c.Luck = (s.best.Luck + luck) % lucks
		if r := s.run(c); r.Err != nil && r.Kind == s.found.Kind {
			s.best, s.found = c, r
			return true
		}
	}
	return false
}
