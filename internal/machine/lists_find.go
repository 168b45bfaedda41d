package machine

import (
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/waist"
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
	position, index, ok := l.find(c.args[3])
	c.work.steps(index)
	if !ok {
		return caucus.Int(-1)
	}
	if err := c.s.crowded(c.args[1], l.len(), 1); err != nil {
		return caucus.ErrorReply(err)
	}
	if before {
		position, index = position-1, index-1
	}
	c.work.steps(min(index+1, l.len()-index-1))
	e := c.m.edit(c.args[1], kindList)
	e.list().insert(position, index < l.len()/2, c.args[4])
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
	found, looked := f.in(l, q.args[2], int(q.s.replyLimit()/waist.ItemBytes))
	q.work.steps(looked)
	switch {
	case f.all:
		return caucus.Array(found...)
	case len(found) == 0:
		return caucus.Nil()
	}
	return found[0]
}

// in gives the indexes, from the beginning, at which a list has a value, not many more than most of them, and
// at how many elements it has looked.
func (f *finding) in(l *list, value string, most int) (found []caucus.Reply, seen int) {
	found = []caucus.Reply{}
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
		enough := f.count > 0 && int64(len(found)) >= f.count || f.maxLen > 0 && looked >= f.maxLen
		return len(found) <= most && !enough
	})
	return found, int(looked)
}
