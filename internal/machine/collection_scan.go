package machine

import (
	"strconv"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/glob"
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
		return asked.of(b)
	}
}

// scanned answers a part of a scan, and where the next begins.
func scanned(next uint64, items []caucus.Reply) caucus.Reply {
	return caucus.Array(caucus.Bulk(strconv.FormatUint(next, 10)), caucus.Array(items...))
}

// of answers the part of a table that was asked for.
func (s *scanning) of(b *body) caucus.Reply {
	t := b.elements.(*table)
	items := []caucus.Reply{}
	if !b.large {
		for _, e := range t.sorted() {
			items = s.take(items, b.is, e.name, e.value)
		}
		return scanned(0, items)
	}
	var seen int64
	var next, last uint64
	t.from(s.cursor, func(h uint64, name, value string) bool {
		if seen >= s.count && h != last {
			next = h
			return false
		}
		seen++
		last = h
		items = s.take(items, b.is, name, value)
		return true
	})
	return scanned(next, items)
}

// take appends an element that matches, in the way of its kind.
func (s *scanning) take(items []caucus.Reply, is kind, name, value string) []caucus.Reply {
	if !glob.Match(s.match, name) {
		return items
	}
	items = append(items, caucus.Bulk(name))
	switch is {
	case kindHash:
		items = append(items, caucus.Bulk(value))
	}
	return items
}
