package machine

import (
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/glob"
	"github.com/caucus-project/caucus/internal/waist"
)

// scanning is what SCAN was asked for.
type scanning struct {
	cursor uint64
	match  *glob.Pattern
	kind   string
	ofKind bool // only keys of that kind
	count  int64
}

// scan carries out SCAN cursor [MATCH pattern] [COUNT n] [TYPE type]. The cursor is the hash at which to go
// on, so it is good on every node and after a fail-over; keys of one hash come together (SAFETY B10).
func scan(q *query) caucus.Reply {
	asked, err := parseScan(q.args)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	var (
		next, last uint64
		seen       int64
		keys       = []caucus.Reply{}
	)
	asked.count = min(asked.count, q.s.replyLimit()/waist.ItemBytes/2)
	q.s.keys.from(asked.cursor, func(h uint64, it *item) bool {
		if (seen >= asked.count || q.work.over()) && h != last {
			next = h
			return false
		}
		seen++
		last = h
		if !q.hides(it) && q.matches(asked.match, it.key) && asked.wants(it) {
			keys = append(keys, caucus.Bulk(it.key))
		}
		return true
	})
	q.work.steps(int(seen))
	return scanned(next, keys)
}

func (s *scanning) wants(it *item) bool {
	return !s.ofKind || strings.EqualFold(s.kind, it.kind.name())
}

func parseScan(args caucus.Command) (*scanning, *caucus.Error) {
	cursor, err := readCursor(args[1])
	if err != nil {
		return nil, err
	}
	s := newScanning(cursor)
	return s, s.parse(args[2:], true)
}

// newScanning is to go on at a cursor, in the way of who states nothing else.
func newScanning(cursor uint64) *scanning {
	return &scanning{cursor: cursor, match: everything, count: 10}
}

// parse reads the options that follow the cursor; typed says that TYPE is one of them.
func (s *scanning) parse(options []string, typed bool) *caucus.Error {
	for i := 0; i < len(options); i += 2 {
		if i+1 == len(options) {
			return syntaxError()
		}
		option, argument := strings.ToUpper(options[i]), options[i+1]
		switch {
		case option == "MATCH":
			p, err := patternOf(argument)
			if err != nil {
				return err
			}
			s.match = p
		case option == "TYPE" && typed:
			s.kind, s.ofKind = argument, true
		case option == "COUNT":
			n, err := integer(argument)
			if err != nil {
				return err
			}
			if s.count = n; n < 1 {
				return syntaxError()
			}
		default:
			return syntaxError()
		}
	}
	return nil
}

// readCursor reads a cursor as Redis does, by strtoul: nothing is 0, and a sign is taken.
func readCursor(s string) (uint64, *caucus.Error) {
	digits := strings.TrimLeft(s, "+-")
	n, err := strconv.ParseUint(digits, 10, 64)
	switch {
	case s == "":
		return 0, nil
	case err != nil || len(s)-len(digits) > 1:
		return 0, caucus.Errorf(caucus.ErrBad, "invalid cursor")
	case s[0] == '-':
		return -n, nil
	}
	return n, nil
}
