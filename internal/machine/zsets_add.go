package machine

import (
	"math"
	"strings"

	"github.com/caucus-project/caucus"
)

// adding is what ZADD was asked for.
type adding struct {
	nx, xx, gt, lt, ch, incr bool

	members []element
}

func zadd(c *call) caucus.Reply { return c.addRanked(adding{}) }

func zincrBy(c *call) caucus.Reply { return c.addRanked(adding{incr: true}) }

// addRanked carries out ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...], and
// ZINCRBY, which is one with INCR.
func (c *call) addRanked(a adding) caucus.Reply {
	if err := a.parse(c.args[2:]); err != nil {
		return caucus.ErrorReply(err)
	}
	r, err := c.ranking(c.args[1])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	if a.incr {
		return c.raise(&a, r)
	}
	todo := false
	var fresh []string
	for i := range a.members {
		added, changes := a.judge(r, &a.members[i])
		todo = todo || changes
		if added && c.s.limits.elements > 0 {
			fresh = append(fresh, a.members[i].name)
		}
	}
	if !todo {
		return caucus.Int(0)
	}
	if err := c.crowds(&r.table, fresh, 1); err != nil {
		return caucus.ErrorReply(err)
	}
	var added, updated int64
	e := c.m.edit(c.args[1], kindZset)
	for i := range a.members {
		fresh, changes := a.judge(e.ranking(), &a.members[i])
		if changes {
			e.putRanked(a.members[i].name, a.members[i].score)
		}
		if fresh {
			added++
		} else if changes {
			updated++
		}
	}
	e.done(wordZAdd)
	if a.ch {
		added += updated
	}
	return caucus.Int(added)
}

// raise adds to the score of one member and answers the new one, nil when the options do not let it change.
func (c *call) raise(a *adding, r *ranking) caucus.Reply {
	e := &a.members[0]
	before, ok := r.score(e.name)
	if ok {
		e.score = before + e.score
	}
	if math.IsNaN(e.score) && !a.nx {
		return caucus.Fail(caucus.ErrBad, "resulting score is not a number (NaN)")
	}
	added, changes := a.judge(r, e)
	if !added && !a.allows(r, e) {
		return caucus.Nil()
	}
	if added {
		if err := c.s.crowded(c.args[1], r.count, 1); err != nil {
			return caucus.ErrorReply(err)
		}
	}
	if added || changes {
		edit := c.m.edit(c.args[1], kindZset)
		edit.putRanked(e.name, e.score)
		edit.done(wordZIncr)
	}
	return caucus.Double(e.score)
}

// allows says whether the options let a member have a score.
func (a *adding) allows(r *ranking, e *element) bool {
	before, ok := r.score(e.name)
	switch {
	case !ok:
		return !a.xx
	case a.nx, a.gt && e.score <= before, a.lt && e.score >= before:
		return false
	}
	return true
}

// judge says whether a member would be added, and whether anything would change.
func (a *adding) judge(r *ranking, e *element) (added, changes bool) {
	before, ok := r.score(e.name)
	allowed := a.allows(r, e)
	return allowed && !ok, allowed && (!ok || before != e.score)
}

// parse reads options, and then scores and members.
func (a *adding) parse(args []string) *caucus.Error {
	for len(args) > 0 && a.option(strings.ToUpper(args[0])) {
		args = args[1:]
	}
	switch {
	case len(args) == 0 || len(args)%2 != 0:
		return syntaxError()
	case a.nx && a.xx:
		return caucus.Errorf(caucus.ErrBad, "XX and NX options at the same time are not compatible")
	case a.gt && a.nx, a.lt && a.nx, a.gt && a.lt:
		return caucus.Errorf(caucus.ErrBad,
			"GT, LT, and/or NX options at the same time are not compatible")
	case a.incr && len(args) > 2:
		return caucus.Errorf(caucus.ErrBad, "INCR option supports a single increment-element pair")
	}
	a.members = make([]element, len(args)/2)
	for i := range a.members {
		score, err := double(args[2*i])
		if err != nil {
			return err
		}
		a.members[i] = element{name: args[2*i+1], score: score}
	}
	return nil
}

func (a *adding) option(word string) bool {
	switch word {
	case "NX":
		a.nx = true
	case "XX":
		a.xx = true
	case "GT":
		a.gt = true
	case "LT":
		a.lt = true
	case "CH":
		a.ch = true
	case "INCR":
		a.incr = true
	default:
		return false
	}
	return true
}

// putRanked gives a member a score. In the compact form of Redis there is one zero only.
func (b *body) putRanked(member string, score float64) {
	r := b.elements.(*ranking)
	if !r.has(member) && (r.count >= compactZset || len(member) > compactBytes) {
		b.large = true
	}
	if !b.large {
		score += 0
	}
	r.put(member, score)
}
