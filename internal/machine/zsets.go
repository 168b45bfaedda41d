package machine

import "github.com/caucus-project/caucus"

// zsetCommands names who carries out the commands about sorted sets.
func (m *Machine) zsetCommands() {
	m.writes["zadd"], m.writes["zincrby"] = zadd, zincrBy
	m.writes["zrem"] = zrem
	m.reads["zscore"], m.reads["zmscore"], m.reads["zcard"] = zscore, zmscore, sizeOf(kindZset)
	m.reads["zrank"], m.reads["zrevrank"] = zrank(false), zrank(true)
	m.reads["zrandmember"], m.reads["zscan"] = zrandMember, scanBody(kindZset)
	m.writes["zpopmin"], m.writes["zpopmax"] = zpop(false), zpop(true)
	m.rangeCommands()
	m.zsetAlgebra()
}

// noRanking stands for the members of a key that does not exist.
var noRanking = new(ranking)

// ranking finds the members of a sorted set, to read them.
func (q *query) ranking(key string) (*ranking, *caucus.Error) {
	b, err := q.body(key, kindZset)
	if b == nil {
		return noRanking, err
	}
	return b.elements.(*ranking), nil
}

func (e *edit) ranking() *ranking { return e.elements.(*ranking) }

func zscore(q *query) caucus.Reply {
	r, err := q.ranking(q.args[1])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	return r.double(q.args[2])
}

// double answers the score of a member, nil when there is none.
func (r *ranking) double(member string) caucus.Reply {
	if score, ok := r.score(member); ok {
		return caucus.Double(score)
	}
	return caucus.Nil()
}

func zmscore(q *query) caucus.Reply {
	r, err := q.ranking(q.args[1])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	items := make([]caucus.Reply, len(q.args)-2)
	for i, member := range q.args[2:] {
		items[i] = r.double(member)
	}
	return caucus.Array(items...)
}

// zrank makes ZRANK, and with down ZREVRANK, which counts from the highest.
func zrank(down bool) read {
	return func(q *query) caucus.Reply {
		r, err := q.ranking(q.args[1])
		if err != nil {
			return caucus.ErrorReply(err)
		}
		rank, ok := r.rank(q.args[2])
		switch {
		case !ok:
			return caucus.Nil()
		case down:
			rank = r.count - 1 - rank
		}
		return caucus.Int(int64(rank))
	}
}

func zrem(c *call) caucus.Reply {
	r, err := c.ranking(c.args[1])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	var there []string
	seen := map[string]bool{}
	for _, member := range c.args[2:] {
		if r.has(member) && !seen[member] {
			seen[member] = true
			there = append(there, member)
		}
	}
	return c.m.dropRanked(c.args[1], there, wordZRem)
}

// dropRanked takes members, which are there, out of a sorted set, and answers how many there were.
func (m *Machine) dropRanked(key string, members []string, w word) caucus.Reply {
	if len(members) == 0 {
		return caucus.Int(0)
	}
	e := m.edit(key, kindZset)
	for _, member := range members {
		e.ranking().drop(member)
	}
	e.done(w)
	return caucus.Int(int64(len(members)))
}

// zrandMember carries out ZRANDMEMBER key [count [WITHSCORES]].
func zrandMember(q *query) caucus.Reply {
	if len(q.args) == 2 {
		return q.drawOne(kindZset)
	}
	d, err := parseDraw(q.args, "WITHSCORES")
	if err != nil {
		return caucus.ErrorReply(err)
	}
	r, err := q.ranking(q.args[1])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	drawn, err := q.drawn(&d, &r.table)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	for i := range drawn {
		drawn[i].score = scoreOf(drawn[i].value)
	}
	return ranked(drawn, d.with)
}

// ranked answers members, with their scores if they are asked for.
func ranked(all []element, scores bool) caucus.Reply {
	if !scores {
		return caucus.Array(namesOf(all)...)
	}
	items := make([]caucus.Reply, 0, 2*len(all))
	for _, e := range all {
		items = append(items, caucus.Bulk(e.name), caucus.Double(e.score))
	}
	return caucus.Pairs(items...)
}
