package machine

import (
	"math"
	"strings"

	"github.com/caucus-project/caucus"
)

// drawing is how many elements HRANDFIELD, SRANDMEMBER and ZRANDMEMBER are asked for: below nothing, so
// many of which one may come several times.
type drawing struct {
	count int64
	with  bool // what belongs to them as well
}

// mostDrawn is how many elements may be asked for where one may come several times. Redis goes on for as
// long as it is told to.
const mostDrawn = 1 << 20

// parseDraw reads the count of HRANDFIELD and ZRANDMEMBER, and the word that asks for values or scores.
func parseDraw(args []string, with string) (d drawing, err *caucus.Error) {
	if d.count, err = integerFrom(args[2], -math.MaxInt64); err != nil {
		return d, err
	}
	if len(args) > 4 || len(args) == 4 && !strings.EqualFold(args[3], with) {
		return d, syntaxError()
	}
	d.with = len(args) == 4
	if d.count < -mostDrawn || d.with && (d.count < -math.MaxInt64/2 || d.count > math.MaxInt64/2) {
		return d, caucus.Errorf(caucus.ErrBad, "value is out of range")
	}
	return d, nil
}

// integerFrom reads a number that is not below another one.
func integerFrom(s string, least int64) (int64, *caucus.Error) {
	n, err := integer(s)
	if err == nil && n < least {
		err = caucus.Errorf(caucus.ErrBad, "value is out of range, value must between %d and %d", least,
			int64(math.MaxInt64))
	}
	return n, err
}

// drawn draws elements of a table, unless they are too many for an answer.
func (q *query) drawn(d *drawing, t *table) ([]element, *caucus.Error) {
	if err := q.room(int(min(d.count, int64(t.count)))); err != nil {
		return nil, err
	}
	return d.of(t, q.rng()), nil
}

// of draws elements of a table: all of them, sorted, when it has no more than are asked for.
func (d drawing) of(t *table, rng draw) []element {
	n := min(d.count, int64(t.count))
	switch {
	case t.count == 0:
		return nil
	case n < 0:
		drawn := make([]element, -n)
		for i := range drawn {
			drawn[i].name, drawn[i].value = t.draw(&rng)
		}
		return drawn
	case n == int64(t.count):
		return t.sorted()
	case n > int64(t.count/2):
		return without(t.sorted(), int(n), &rng)
	}
	return distinct(t, int(n), &rng)
}

// without gives n of the elements, those that are left when others were drawn out.
func without(all []element, n int, rng *draw) []element {
	for len(all) > n {
		i := int(rng.next() % uint64(len(all)))
		last := len(all) - 1
		all[i] = all[last]
		all = all[:last]
	}
	return all
}

// distinct draws n of the elements, at most half of them, so that it soon has them together.
func distinct(t *table, n int, rng *draw) []element {
	drawn := make([]element, 0, n)
	seen := make(map[string]bool, n)
	for len(drawn) < n {
		name, value := t.draw(rng)
		if !seen[name] {
			seen[name] = true
			drawn = append(drawn, element{name: name, value: value})
		}
	}
	return drawn
}

// hrandField carries out HRANDFIELD key [count [WITHVALUES]].
func hrandField(q *query) caucus.Reply {
	if len(q.args) == 2 {
		return q.drawOne(kindHash)
	}
	d, err := parseDraw(q.args, "WITHVALUES")
	if err != nil {
		return caucus.ErrorReply(err)
	}
	t, err := q.table(q.args[1], kindHash)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	drawn, err := q.drawn(&d, t)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	items := []caucus.Reply{}
	for _, e := range drawn {
		items = append(items, caucus.Bulk(e.name))
		if d.with {
			items = append(items, caucus.Bulk(e.value))
		}
	}
	if d.with {
		return caucus.Pairs(items...)
	}
	return caucus.Array(items...)
}

// drawOne answers one element's name, nil when there is no such key.
func (q *query) drawOne(is kind) caucus.Reply {
	t, err := q.table(q.args[1], is)
	switch {
	case err != nil:
		return caucus.ErrorReply(err)
	case t.count == 0:
		return caucus.Nil()
	}
	rng := q.rng()
	name, _ := t.draw(&rng)
	return caucus.Bulk(name)
}
