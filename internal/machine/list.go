package machine

import (
	"strings"

	"github.com/tidwall/btree"
)

// list is values by position. A position falls at the left and rises at the right, so that nothing has to
// move for a push or a pop. There may be gaps between them, and a snapshot does not keep them.
type list struct {
	places btree.Map[int64, string]
	bytes  int64
}

// side is one of the two ends of a list.
type side bool

// The ends.
const (
	head side = false
	tail side = true
)

// push puts a value at an end. It is a copy: what a command brings shares the memory of its entry.
func (l *list) push(at side, value string) {
	position := int64(0)
	if at == head {
		if first, _, ok := l.places.Min(); ok {
			position = first - 1
		}
	} else if last, _, ok := l.places.Max(); ok {
		position = last + 1
	}
	l.put(position, value)
}

func (l *list) put(position int64, value string) {
	old, _ := l.places.Set(position, strings.Clone(value))
	l.bytes += int64(len(value) - len(old))
}

// pop takes the value at an end off, of a list that has one.
func (l *list) pop(at side) (value string) {
	if at == head {
		_, value, _ = l.places.PopMin()
	} else {
		_, value, _ = l.places.PopMax()
	}
	l.bytes -= int64(len(value))
	return value
}

func (l *list) take(position int64) {
	value, _ := l.places.Delete(position)
	l.bytes -= int64(len(value))
}

// at gives the value at an index, from 0 on.
func (l *list) at(i int) string {
	_, value, _ := l.places.GetAt(i)
	return value
}

// span visits the values from one index to another, both included, with their positions, until do says no.
func (l *list) span(from, to int, do func(position int64, value string) bool) {
	if from > to {
		return
	}
	first, _, _ := l.places.GetAt(from)
	l.places.Ascend(first, func(position int64, value string) bool {
		from++
		return do(position, value) && from <= to
	})
}

// walk visits all values from an end on, with their positions, until do says no.
func (l *list) walk(from side, do func(position int64, value string) bool) {
	if from == head {
		l.places.Scan(do)
	} else {
		l.places.Reverse(do)
	}
}

// find gives the position and the index of the first value like that one.
func (l *list) find(value string) (position int64, index int, ok bool) {
	l.walk(head, func(p int64, v string) bool {
		if position, ok = p, v == value; !ok {
			index++
		}
		return !ok
	})
	return position, index, ok
}

// insert puts a value right of a position, in a gap or by moving what stands there: with left, what stands at
// the position and left of it, else what stands right of it.
func (l *list) insert(position int64, left bool, value string) {
	at, step := position+1, int64(1)
	if left {
		at, step = position, -1
	}
	l.bytes += int64(len(value))
	value = strings.Clone(value)
	for taken := true; taken; at += step {
		value, taken = l.places.Set(at, value)
	}
}

func (l *list) share() elements {
	c := *l
	c.places = share(&l.places)
	return &c
}

func (l *list) len() int { return l.places.Len() }

func (l *list) weight() int64 { return int64(l.len())*elementBytes + l.bytes }

func (l *list) each(do func(element) bool) {
	l.walk(head, func(_ int64, value string) bool { return do(element{value: value}) })
}

func (l *list) follows(element) bool { return true }

func (l *list) add(e element) bool {
	l.push(tail, e.value)
	return true
}
