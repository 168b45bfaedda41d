package machine

import (
	"math"
	"strings"

	"github.com/caucus-project/caucus"
)

// interval is a part of the ranks of a sorted set: from from on, before to.
type interval struct{ from, to int }

func (i interval) size() int { return max(0, i.to-i.from) }

// scores are the bounds of a range of scores.
type scores struct {
	min, max     float64
	minEx, maxEx bool // the bound itself is not in the range
}

func parseScores(low, high string) (s scores, err *caucus.Error) {
	var lowOK, highOK bool
	s.min, s.minEx, lowOK = scoreBound(low)
	s.max, s.maxEx, highOK = scoreBound(high)
	if !lowOK || !highOK {
		return s, caucus.Errorf(caucus.ErrBad, "min or max is not a float")
	}
	return s, nil
}

// scoreBound reads a bound as Redis does, with strtod: it takes spaces before the number, what is too large
// is infinite, and nothing is 0.
func scoreBound(text string) (f float64, exclusive, ok bool) {
	text, exclusive = strings.CutPrefix(text, "(")
	text, _, _ = strings.Cut(text, "\x00")
	if text == "" {
		return 0, exclusive, true
	}
	f, err := scoreIn(strings.TrimLeft(text, spaces))
	return f, exclusive, err == nil && !math.IsNaN(f)
}

// of gives the ranks of those whose scores are in the range.
func (s scores) of(r *ranking) interval {
	from, to := scorePlace(s.min), behind(s.max)
	if s.minEx {
		from = behind(s.min)
	}
	if s.maxEx {
		to = scorePlace(s.max)
	}
	return interval{r.before(from), r.before(to)}
}

// letters are the bounds of a range of members, which have all the same score.
type letters struct{ min, max letter }

// letter is one bound.
type letter struct {
	text     string
	endless  int // -1 before all members, 1 behind them
	excluded bool
}

func parseLetters(low, high string) (l letters, err *caucus.Error) {
	var lowOK, highOK bool
	l.min, lowOK = letterBound(low)
	l.max, highOK = letterBound(high)
	if !lowOK || !highOK {
		return l, caucus.Errorf(caucus.ErrBad, "min or max not valid string range item")
	}
	return l, nil
}

func letterBound(text string) (letter, bool) {
	switch {
	case text == "-":
		return letter{endless: -1, excluded: true}, true
	case text == "+":
		return letter{endless: 1, excluded: true}, true
	case strings.HasPrefix(text, "("):
		return letter{text: text[1:], excluded: true}, true
	case strings.HasPrefix(text, "["):
		return letter{text: text[1:]}, true
	}
	return letter{}, false
}

// compare orders bounds.
func (l letter) compare(other letter) int {
	if l.endless != other.endless {
		return l.endless - other.endless
	}
	return strings.Compare(l.text, other.text)
}

func (l letters) above(member string) bool {
	c := letter{text: member}.compare(l.min)
	return c > 0 || c == 0 && !l.min.excluded
}

func (l letters) below(member string) bool {
	c := letter{text: member}.compare(l.max)
	return c < 0 || c == 0 && !l.max.excluded
}
