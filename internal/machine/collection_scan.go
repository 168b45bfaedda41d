package machine

import (
	"math"
	"strconv"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/waist"
)

// scanBody makes HSCAN and its kin: key cursor [MATCH pattern] [COUNT n]. The cursor is as that of SCAN. What
// Redis would keep in its compact form comes at once, as there, whatever COUNT and cursor say.
func scanBody(is kind) read {
	return func(q *query) caucus.Reply {
		cursor, err := readCursor(q.args[2])
		if err != nil {
			return caucus.ErrorReply(err)
		}
		b, err := q.body(q.args[1], is)
		switch {
		case err != nil:
			return caucus.ErrorReply(err)
		case b == nil:
			return scanned(0, nil)
		}
		asked := newScanning(cursor)
		if err := asked.parse(q.args[3:], false); err != nil {
			return caucus.ErrorReply(err)
		}
		asked.count = min(asked.count, q.s.replyLimit()/waist.ItemBytes/4) // a step may hold fewer
		q.work.steps(int(min(asked.count, int64(b.len()))))
		return asked.of(q, b)
	}
}

// scanned answers a part of a scan, and where the next begins.
func scanned(next uint64, items []caucus.Reply) caucus.Reply {
	return caucus.Array(caucus.Bulk(strconv.FormatUint(next, 10)), caucus.Array(items...))
}

// of answers the part of a body that was asked for.
func (s *scanning) of(q *query, b *body) caucus.Reply {
	items := []caucus.Reply{}
	if !b.large {
		for _, e := range b.inOrder() {
			items = s.take(q, items, b, &e)
		}
		return scanned(0, items)
	}
	var seen int64
	var next, last uint64
	b.table().from(s.cursor, func(h uint64, name, value string) bool {
		if (seen >= s.count || q.work.over()) && h != last {
			next = h
			return false
		}
		seen++
		last = h
		e := element{name: name, value: value}
		if b.is == kindZset {
			e.score = scoreOf(value)
		}
		items = s.take(q, items, b, &e)
		return true
	})
	return scanned(next, items)
}

// take appends an element that matches, in the way of its kind.
func (s *scanning) take(q *query, items []caucus.Reply, b *body, e *element) []caucus.Reply {
	if !q.matches(s.match, e.name) {
		return items
	}
	items = append(items, caucus.Bulk(e.name))
	switch b.is {
	case kindHash:
		items = append(items, caucus.Bulk(e.value))
	case kindZset:
		items = append(items, caucus.Bulk(b.scoreScanned(e.score)))
	}
	return items
}

// scoreScanned writes a score as ZSCAN does: in its compact form Redis keeps whole numbers as integers.
func (b *body) scoreScanned(score float64) string {
	const most = math.MaxInt64 / 2
	if !b.large && score >= -most && score <= most && score == math.Trunc(score) {
		return strconv.FormatInt(int64(score), 10)
	}
	return scoreWritten(score, 17)
}
