package machine

import (
	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/glob"
)

// everything is the pattern of who states none.
var everything = glob.Compile("*")

// patternOf makes a client's pattern ready.
func patternOf(text string) (*glob.Pattern, *caucus.Error) {
	if err := glob.Check(text); err != nil {
		return nil, caucus.Errorf(caucus.ErrBad, "%v", err)
	}
	return glob.Compile(text), nil
}

// matches says whether a name is asked for, and counts what that takes: a step is as long as to copy a byte.
func (q *query) matches(p *glob.Pattern, name string) bool {
	q.work.spent += int64(p.Steps(name))
	return p.Match(name)
}
