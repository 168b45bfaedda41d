package machine

import (
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/glob"
)

// fromNow is the FROM of who wants to know where the store is, and what comes after that.
const fromNow = "$"

// reading is what CHANGES was asked for.
type reading struct {
	from         int64 // not used with now
	now          bool
	match        *glob.Pattern // nil unless a MATCH was stated
	count, block int64
}

// changes carries out CHANGES FROM revision | $ [MATCH pattern] [COUNT n] [BLOCK ms] as far as the state is
// concerned. To wait with BLOCK is the business of the node where the client sits (SAFETY B7).
//
// Who reads goes on behind the last revision of an answer. With MATCH or $ there is always one: when there is
// no change to tell, the answer is the store's revision with two empty strings.
func changes(q *query) caucus.Reply {
	asked, err := parseReading(q.args[1:])
	if err == nil {
		err = asked.check(q)
	}
	if err != nil {
		return caucus.ErrorReply(err)
	}
	items := []caucus.Reply{}
	if !asked.now {
		q.s.history.from(uint64(asked.from), func(c *keyChange) bool {
			if asked.wants(q, c) {
				items = append(items, told(c.revision, c.word.String(), c.key))
			}
			return int64(len(items)) < asked.count
		})
	}
	if len(items) == 0 && (asked.now || asked.match != nil) {
		items = append(items, told(q.s.counter, "", ""))
	}
	return caucus.Array(items...)
}

func told(revision uint64, word, key string) caucus.Reply {
	return caucus.Array(caucus.Int(int64(revision)), caucus.Bulk(word), caucus.Bulk(key))
}

// wants says whether a change is asked for. One of all keys concerns everybody.
func (r *reading) wants(q *query, c *keyChange) bool {
	return r.match == nil || c.word == wordFlushAll || q.matches(r.match, c.key)
}

func parseReading(args caucus.Command) (r reading, err *caucus.Error) {
	r.count = everyone
	stated := false
	for i := 0; i < len(args) && err == nil; i += 2 {
		target := &r.from
		option := strings.ToUpper(args[i])
		switch option {
		case "FROM":
			stated = true
		case "COUNT":
			target = &r.count
		case "BLOCK":
			target = &r.block
		case "MATCH":
		default:
			return r, unknownOption(args[i])
		}
		if i+1 == len(args) {
			return r, noValue(args[i])
		}
		switch value := args[i+1]; {
		case option == "MATCH":
			r.match, err = patternOf(value)
		case option == "FROM" && value == fromNow:
			r.now = true
		default:
			*target, err = number(args[i], value)
		}
	}
	if !stated && err == nil {
		err = usage("CHANGES FROM revision [MATCH pattern] [COUNT count] [BLOCK milliseconds]")
	}
	return r, err
}

// check refuses what is out of range, and what is no longer kept. A revision that is still to come is of
// another ensemble, or of this one before it was restored; only a state that may be stale lags behind itself.
func (r *reading) check(q *query) *caucus.Error {
	err := eventRange(r.from, r.count, r.block)
	floor, newest := q.s.history.floor, q.s.counter
	switch {
	case err != nil || r.now:
		return err
	case uint64(r.from) < floor:
		return gap(floor, "%d is older", r.from)
	case !q.local && uint64(r.from) > newest+1:
		return gap(floor, "%d is still to come after %d, and so of another ensemble", r.from, newest)
	}
	return nil
}

func gap(floor uint64, why string, numbers ...any) *caucus.Error {
	return caucus.Errorf(caucus.ErrGap, "%d is the oldest revision from which on all changes are kept, "+why+
		"; read the keys anew and go on from there", append([]any{floor}, numbers...)...)
}
