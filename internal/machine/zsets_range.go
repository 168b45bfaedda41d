package machine

import (
	"sort"
	"strings"

	"github.com/caucus-project/caucus"
)

// by says what a range of a sorted set is stated by.
type by uint8

const (
	byAny by = iota // by what the options say, ranks unless they do
	byRank
	byScore
	byLetter
)

// ranging is a range of a sorted set as a command states it.
type ranging struct {
	by     by
	down   bool
	fixed  bool // by the command, not by options
	scores bool // they are asked for

	offset, limit int64 // a limit below 0 is none

	from, to int64 // ranks
	within   scores
	letters  letters
}

// rangeCommands names who carries out the commands about parts of sorted sets.
func (m *Machine) rangeCommands() {
	m.reads["zrange"] = ranging{}.read
	m.reads["zrevrange"] = ranging{by: byRank, down: true, fixed: true}.read
	m.reads["zrangebyscore"] = ranging{by: byScore, fixed: true}.read
	m.reads["zrevrangebyscore"] = ranging{by: byScore, down: true, fixed: true}.read
	m.reads["zrangebylex"] = ranging{by: byLetter, fixed: true}.read
	m.reads["zrevrangebylex"] = ranging{by: byLetter, down: true, fixed: true}.read
	m.writes["zrangestore"] = zrangeStore
	m.reads["zcount"], m.reads["zlexcount"] = zcount(byScore), zcount(byLetter)
	m.writes["zremrangebyrank"] = zremRange(byRank, wordZRemRangeByRank)
	m.writes["zremrangebyscore"] = zremRange(byScore, wordZRemRangeByScore)
	m.writes["zremrangebylex"] = zremRange(byLetter, wordZRemRangeByLex)
}

// read carries out ZRANGE key start stop [options] and its kin.
func (r ranging) read(q *query) caucus.Reply {
	members, err := r.find(q, q.args[1:], false)
	if err == nil {
		err = q.room(len(members))
	}
	if err != nil {
		return caucus.ErrorReply(err)
	}
	return ranked(members, r.scores)
}

// zrangeStore carries out ZRANGESTORE destination source min max [options].
func zrangeStore(c *call) caucus.Reply {
	r := ranging{}
	members, err := r.find(&c.query, c.args[2:], true)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	return c.storeRanked(members, wordZRangeStore)
}

// find parses a key, two bounds and options, and gives the members that they are about.
func (r *ranging) find(q *query, args []string, storing bool) ([]element, *caucus.Error) {
	r.limit = -1
	if err := r.options(args[3:], storing); err != nil {
		return nil, err
	}
	if err := r.bounds(args[1], args[2]); err != nil {
		return nil, err
	}
	b, err := q.body(args[0], kindZset)
	if b == nil {
		return nil, err
	}
	members := r.members(b)
	q.work.steps(len(members))
	return members, nil
}

func (r *ranging) options(args []string, storing bool) *caucus.Error {
	for i := 0; i < len(args); i++ {
		option := strings.ToUpper(args[i])
		switch {
		case option == "WITHSCORES" && !storing:
			r.scores = true
		case option == "LIMIT" && i+2 < len(args):
			var err *caucus.Error
			if r.offset, err = integer(args[i+1]); err == nil {
				r.limit, err = integer(args[i+2])
			}
			if err != nil {
				return err
			}
			i += 2
		case option == "REV" && !r.fixed && !r.down:
			r.down = true
		case option == "BYLEX" && r.by == byAny:
			r.by = byLetter
		case option == "BYSCORE" && r.by == byAny:
			r.by = byScore
		default:
			return syntaxError()
		}
	}
	return r.fit()
}

// fit says whether options fit together.
func (r *ranging) fit() *caucus.Error {
	if r.by == byAny {
		r.by = byRank
	}
	switch {
	case r.limit != -1 && r.by == byRank:
		return caucus.Errorf(caucus.ErrBad,
			"syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX")
	case r.scores && r.by == byLetter:
		return caucus.Errorf(caucus.ErrBad, "syntax error, WITHSCORES not supported in combination with BYLEX")
	}
	return nil
}

// bounds reads the two bounds, which downwards are stated the highest first.
func (r *ranging) bounds(low, high string) (err *caucus.Error) {
	if r.down && r.by != byRank {
		low, high = high, low
	}
	switch r.by {
	case byRank:
		if r.from, err = integer(low); err == nil {
			r.to, err = integer(high)
		}
	case byScore:
		r.within, err = parseScores(low, high)
	default:
		r.letters, err = parseLetters(low, high)
	}
	return err
}

// members gives those in the range, in the order that was asked for.
func (r *ranging) members(b *body) []element {
	all := b.elements.(*ranking)
	part := r.ranks(b)
	if r.by != byRank {
		part = r.limited(part)
	}
	members := make([]element, 0, part.size())
	first := part.from
	if r.down {
		first = part.to - 1
	}
	if part.size() > 0 {
		all.walk(first, r.down, func(e element) bool {
			members = append(members, e)
			return len(members) < part.size()
		})
	}
	return members
}

// limited gives the part of ranks that LIMIT leaves. With an offset below nothing Redis passes over all.
func (r *ranging) limited(part interval) interval {
	if r.offset < 0 || r.offset >= int64(part.size()) {
		return interval{}
	}
	n := part.size() - int(r.offset)
	if r.limit >= 0 {
		n = int(min(int64(n), r.limit))
	}
	if r.down {
		to := part.to - int(r.offset)
		return interval{to - n, to}
	}
	from := part.from + int(r.offset)
	return interval{from, from + n}
}

// ranks gives the ranks of those in the range, the lowest being 0.
func (r *ranging) ranks(b *body) interval {
	all := b.elements.(*ranking)
	switch r.by {
	case byScore:
		return r.within.of(all)
	case byLetter:
		return r.letters.of(b, r.down)
	}
	n := int64(all.count)
	from, to := fromEnd(r.from, n), r.to
	if to < 0 {
		to += n
	}
	to = min(to, n-1)
	switch {
	case from > to:
		return interval{}
	case r.down:
		return interval{int(n - 1 - to), int(n - from)}
	}
	return interval{int(from), int(to) + 1}
}

// of gives the ranks of those whose bytes are in the range, if all have the same score. If they have not, it
// is what Redis makes of its compact form: it goes on from the first that may be the beginning.
func (l letters) of(b *body, down bool) interval {
	r := b.elements.(*ranking)
	c := l.min.compare(l.max)
	if r.count == 0 || c > 0 || c == 0 && (l.min.excluded || l.max.excluded) {
		return interval{}
	}
	name := func(i int) string {
		key, _, _ := r.order.GetAt(i)
		return key[8:]
	}
	if !l.above(name(r.count-1)) || !l.below(name(0)) {
		return interval{}
	}
	if b.large {
		return interval{sort.Search(r.count, func(i int) bool { return l.above(name(i)) }),
			sort.Search(r.count, func(i int) bool { return !l.below(name(i)) })}
	}
	var i interval
	if down {
		for i.to = r.count; i.to > 0 && !l.below(name(i.to-1)); i.to-- {
		}
		for i.from = i.to; i.from > 0 && l.above(name(i.from-1)); i.from-- {
		}
		return i
	}
	for i.from = 0; i.from < r.count && !l.above(name(i.from)); i.from++ {
	}
	for i.to = i.from; i.to < r.count && l.below(name(i.to)); i.to++ {
	}
	return i
}

// zcount makes ZCOUNT and ZLEXCOUNT key min max.
func zcount(what by) read {
	return func(q *query) caucus.Reply {
		r := ranging{by: what}
		if err := r.bounds(q.args[2], q.args[3]); err != nil {
			return caucus.ErrorReply(err)
		}
		b, err := q.body(q.args[1], kindZset)
		switch {
		case err != nil:
			return caucus.ErrorReply(err)
		case b == nil:
			return caucus.Int(0)
		}
		return caucus.Int(int64(r.ranks(b).size()))
	}
}

// zremRange makes ZREMRANGEBYRANK and its kin: key start stop.
func zremRange(what by, w word) write {
	return func(c *call) caucus.Reply {
		r := ranging{by: what, limit: -1}
		if err := r.bounds(c.args[2], c.args[3]); err != nil {
			return caucus.ErrorReply(err)
		}
		b, err := c.body(c.args[1], kindZset)
		switch {
		case err != nil:
			return caucus.ErrorReply(err)
		case b == nil:
			return caucus.Int(0)
		}
		members := r.members(b)
		c.work.steps(len(members))
		return c.m.dropRanked(c.args[1], memberNames(members), w)
	}
}

func memberNames(all []element) []string {
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].name
	}
	return names
}
