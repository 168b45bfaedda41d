package machine

import (
	"strings"

	"github.com/caucus-project/caucus"
)

// linsert carries out LINSERT key BEFORE | AFTER pivot element.
func linsert(c *call) caucus.Reply {
	before := strings.EqualFold(c.args[2], "BEFORE")
	if !before && !strings.EqualFold(c.args[2], "AFTER") {
		return caucus.ErrorReply(syntaxError())
	}
	l, err := c.list(c.args[1])
	switch {
	case err != nil:
		return caucus.ErrorReply(err)
	case l == nothing:
		return caucus.Int(0)
	}
	position, ok := l.find(head, c.args[3])
	if !ok {
		return caucus.Int(-1)
	}
	if before {
		position--
	}
	e := c.m.edit(c.args[1], kindList)
	e.list().insert(position, c.args[4])
	n := e.len()
	e.done(wordLInsert)
	return caucus.Int(int64(n))
}

// finding is what LPOS was asked for.
type finding struct {
	from          side
	rank          int64 // the first match that counts, from 1 on
	count, maxLen int64 // 0 for no limit
	all           bool  // COUNT was stated, so the answer is an array
}

const noRank = "RANK can't be zero: use 1 to start from the first match, 2 from the second ... " +
	"or use negative to start from the end of the list"

func parseFinding(args []string) (f finding, err *caucus.Error) {
	f.rank, f.count = 1, 1
	for i := 0; i < len(args) && err == nil; i += 2 {
		if i+1 == len(args) {
			return f, syntaxError()
		}
		switch strings.ToUpper(args[i]) {
		case "RANK":
			if f.rank, err = integer(args[i+1]); err == nil && f.rank == 0 {
				err = caucus.Errorf(caucus.ErrBad, noRank)
			}
		case "COUNT":
			f.all = true
			f.count, err = bounded(args[i+1], 0, "COUNT can't be negative")
		case "MAXLEN":
			f.maxLen, err = bounded(args[i+1], 0, "MAXLEN can't be negative")
		default:
			err = syntaxError()
		}
	}
	if f.rank < 0 {
		f.from, f.rank = tail, -f.rank // the least number has no opposite, and is as good as -1
	}
	return f, err
}

// lpos carries out LPOS key element [RANK rank] [COUNT n] [MAXLEN n].
func lpos(q *query) caucus.Reply {
	f, err := parseFinding(q.args[3:])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	l, err := q.list(q.args[1])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	found := f.in(l, q.args[2])
	switch {
	case f.all:
		return caucus.Array(found...)
	case len(found) == 0:
		return caucus.Nil()
	}
	return found[0]
}

// in gives the indexes, from the beginning, at which a list has a value.
func (f *finding) in(l *list, value string) []caucus.Reply {
	found := []caucus.Reply{}
	var looked, matches int64
	l.walk(f.from, func(_ int64, v string) bool {
		index := looked
		if f.from == tail {
			index = int64(l.len()) - 1 - looked
		}
		looked++
		if v == value {
			if matches++; matches >= f.rank {
				found = append(found, caucus.Int(index))
			}
		}
		return (f.count == 0 || int64(len(found)) < f.count) && (f.maxLen == 0 || looked < f.maxLen)
	})
	return found
}
