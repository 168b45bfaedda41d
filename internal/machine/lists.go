package machine

import (
	"math"

	"github.com/caucus-project/caucus"
)

// listCommands names who carries out the commands about lists.
func (m *Machine) listCommands() {
	m.writes["lpush"], m.writes["rpush"] = push(head, false), push(tail, false)
	m.writes["lpushx"], m.writes["rpushx"] = push(head, true), push(tail, true)
	m.writes["lpop"], m.writes["rpop"] = popList(head), popList(tail)
	m.writes["lset"], m.writes["ltrim"] = lset, ltrim
	m.writes["lrem"], m.writes["linsert"] = lrem, linsert
	m.reads["llen"], m.reads["lindex"] = sizeOf(kindList), lindex
	m.reads["lrange"], m.reads["lpos"] = lrange, lpos
}

// nothing stands for the list of a key that does not exist.
var nothing = new(list)

// list finds the list of a key, to read it.
func (q *query) list(key string) (*list, *caucus.Error) {
	b, err := q.body(key, kindList)
	if b == nil {
		return nothing, err
	}
	return b.elements.(*list), nil
}

// list gives the elements of a list.
func (e *edit) list() *list { return e.elements.(*list) }

// The words of what happens at each end.
var (
	pushWord = map[side]word{head: wordLPush, tail: wordRPush}
	popWord  = map[side]word{head: wordLPop, tail: wordRPop}
)

// push makes LPUSH and RPUSH, and, for a list that must exist, LPUSHX and RPUSHX.
func push(at side, existing bool) write {
	return func(c *call) caucus.Reply {
		l, err := c.list(c.args[1])
		switch {
		case err != nil:
			return caucus.ErrorReply(err)
		case existing && l == nothing:
			return caucus.Int(0)
		}
		if err := c.s.crowded(c.args[1], l.len(), len(c.args)-2); err != nil {
			return caucus.ErrorReply(err)
		}
		e := c.m.edit(c.args[1], kindList)
		for _, value := range c.args[2:] {
			e.list().push(at, value)
		}
		n := e.len()
		e.done(pushWord[at])
		return caucus.Int(int64(n))
	}
}

// popList makes LPOP and RPOP key [count].
func popList(at side) write {
	return func(c *call) caucus.Reply {
		count, none := int64(1), caucus.Nil()
		if len(c.args) > 3 {
			return wrongNumber(popWord[at].String())
		}
		if len(c.args) == 3 {
			var err *caucus.Error
			if count, err = bounded(c.args[2], 0, "value is out of range, must be positive"); err != nil {
				return caucus.ErrorReply(err)
			}
			none = caucus.NilArray()
		}
		l, err := c.list(c.args[1])
		switch {
		case err != nil:
			return caucus.ErrorReply(err)
		case l == nothing:
			return none
		case count == 0:
			return caucus.Array()
		}
		values := c.m.popped(c.args[1], at, count)
		if len(c.args) == 2 {
			return caucus.Bulk(values[0])
		}
		return caucus.Bulks(values...)
	}
}

// popped takes at most so many values from an end of a list that there is.
func (m *Machine) popped(key string, at side, count int64) []string {
	e := m.edit(key, kindList)
	values := make([]string, min(count, int64(e.len())))
	m.work.steps(len(values))
	for i := range values {
		values[i] = e.list().pop(at)
	}
	e.done(popWord[at])
	return values
}

// bounded reads a number that is not below another one. Whatever is wrong with it, the error is the same.
func bounded(s string, least int64, wrong string) (int64, *caucus.Error) {
	n, err := integer(s)
	if err != nil || n < least {
		return 0, caucus.Errorf(caucus.ErrBad, "%s", wrong)
	}
	return n, nil
}

// index gives what a position that may count from the end is from the beginning; ok when there is such an
// element.
func (l *list) index(i int64) (index int, ok bool) {
	if i < 0 {
		i += int64(l.len())
	}
	return int(i), i >= 0 && i < int64(l.len())
}

func lindex(q *query) caucus.Reply {
	l, err := q.list(q.args[1])
	if l == nothing && err == nil {
		return caucus.Nil()
	}
	var i int64
	if err == nil {
		i, err = integer(q.args[2])
	}
	if err != nil {
		return caucus.ErrorReply(err)
	}
	if at, ok := l.index(i); ok {
		return caucus.Bulk(l.at(at))
	}
	return caucus.Nil()
}

func lset(c *call) caucus.Reply {
	l, err := c.list(c.args[1])
	if l == nothing && err == nil {
		return noSuchKey()
	}
	var i int64
	if err == nil {
		i, err = integer(c.args[2])
	}
	if err != nil {
		return caucus.ErrorReply(err)
	}
	at, ok := l.index(i)
	if !ok {
		return caucus.Fail(caucus.ErrBad, "index out of range")
	}
	e := c.m.edit(c.args[1], kindList)
	position, _, _ := e.list().places.GetAt(at)
	e.list().put(position, c.args[3])
	e.done(wordLSet)
	return caucus.OK()
}

// part reads the two positions of LRANGE and LTRIM.
func (q *query) part() (start, stop int64, err *caucus.Error) {
	if start, err = integer(q.args[2]); err == nil {
		stop, err = integer(q.args[3])
	}
	return start, stop, err
}

// between gives the indexes from one position to another, both included; from > to for none.
func (l *list) between(start, stop int64) (from, to int) {
	n := int64(l.len())
	start = fromEnd(start, n)
	if stop < 0 {
		stop += n
	}
	if start > stop || start >= n {
		return 0, -1
	}
	return int(start), int(min(stop, n-1))
}

func lrange(q *query) caucus.Reply {
	start, stop, err := q.part()
	if err != nil {
		return caucus.ErrorReply(err)
	}
	l, err := q.list(q.args[1])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	from, to := l.between(start, stop)
	if err := q.room(to - from + 1); err != nil {
		return caucus.ErrorReply(err)
	}
	values := make([]caucus.Reply, 0, to-from+1)
	l.span(from, to, func(_ int64, value string) bool {
		values = append(values, caucus.Bulk(value))
		return true
	})
	return caucus.Array(values...)
}

func ltrim(c *call) caucus.Reply {
	start, stop, err := c.part()
	if err != nil {
		return caucus.ErrorReply(err)
	}
	l, err := c.list(c.args[1])
	switch {
	case err != nil:
		return caucus.ErrorReply(err)
	case l == nothing:
		return caucus.OK()
	}
	from, to := l.between(start, stop)
	behind := l.len() - 1 - to
	c.work.steps(from + behind)
	e := c.m.edit(c.args[1], kindList)
	for range from {
		e.list().pop(head)
	}
	for range behind {
		e.list().pop(tail)
	}
	e.done(wordLTrim)
	return caucus.OK()
}

// lrem carries out LREM key count element: below 0 from the end on, with 0 all.
func lrem(c *call) caucus.Reply {
	count, err := integer(c.args[2])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	l, err := c.list(c.args[1])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	from := head
	if count < 0 {
		from, count = tail, -max(count, -math.MaxInt64)
	}
	var like []int64
	l.walk(from, func(position int64, value string) bool {
		c.work.steps(1)
		if value == c.args[3] {
			like = append(like, position)
		}
		return count == 0 || int64(len(like)) < count
	})
	if len(like) == 0 {
		return caucus.Int(0)
	}
	e := c.m.edit(c.args[1], kindList)
	for _, position := range like {
		e.list().take(position)
	}
	e.done(wordLRem)
	return caucus.Int(int64(len(like)))
}
