package machine

import (
	"slices"

	"github.com/caucus-project/caucus"
)

// A set is a table whose values are empty.

// setCommands names who carries out the commands about sets.
func (m *Machine) setCommands() {
	m.writes["sadd"], m.writes["srem"], m.writes["smove"] = sadd, srem, smove
	m.writes["spop"] = spop
	m.reads["smembers"] = combined(intersection)
	m.reads["sismember"], m.reads["smismember"] = sIsMember, smIsMember
	m.reads["scard"], m.reads["srandmember"] = sizeOf(kindSet), srandMember
	m.reads["sscan"] = scanBody(kindSet)
	m.reads["sinter"], m.writes["sinterstore"] = combined(intersection), stored(intersection, wordSInterStore)
	m.reads["sunion"], m.writes["sunionstore"] = combined(union), stored(union, wordSUnionStore)
	m.reads["sdiff"], m.writes["sdiffstore"] = combined(difference), stored(difference, wordSDiffStore)
	m.reads["sintercard"] = sinterCard
}

// setOf gives a reply that is a set.
func setOf(items []caucus.Reply) caucus.Reply {
	return caucus.Reply{Kind: caucus.KindSet, Items: items}
}

func sIsMember(q *query) caucus.Reply {
	t, err := q.table(q.args[1], kindSet)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	return caucus.Truth(t.has(q.args[2]))
}

func smIsMember(q *query) caucus.Reply {
	t, err := q.table(q.args[1], kindSet)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	items := make([]caucus.Reply, len(q.args)-2)
	for i, member := range q.args[2:] {
		items[i] = caucus.Truth(t.has(member))
	}
	return caucus.Array(items...)
}

func sadd(c *call) caucus.Reply {
	t, err := c.table(c.args[1], kindSet)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	if !slices.ContainsFunc(c.args[2:], func(member string) bool { return !t.has(member) }) {
		return caucus.Int(0)
	}
	if err := c.crowds(t, c.args[2:], 1); err != nil {
		return caucus.ErrorReply(err)
	}
	var added int64
	e := c.m.edit(c.args[1], kindSet)
	for _, member := range c.args[2:] {
		if e.body.add(element{name: member}) {
			added++
		}
		e.grown(member, "")
	}
	e.done(wordSAdd)
	return caucus.Int(added)
}

func srem(c *call) caucus.Reply { return c.dropAll(kindSet, wordSRem) }

// smove carries out SMOVE source destination member.
func smove(c *call) caucus.Reply {
	member := c.args[3]
	if _, ok := c.item(c.args[1]); !ok {
		return caucus.Int(0)
	}
	from, err := c.table(c.args[1], kindSet)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	to, err := c.table(c.args[2], kindSet)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	if c.args[1] == c.args[2] || !from.has(member) {
		return caucus.Truth(from.has(member))
	}
	if !to.has(member) {
		if err := c.s.crowded(c.args[2], to.count, 1); err != nil {
			return caucus.ErrorReply(err)
		}
	}
	taken := c.m.edit(c.args[1], kindSet)
	taken.table().drop(member)
	taken.done(wordSRem)
	if !to.has(member) {
		given := c.m.edit(c.args[2], kindSet)
		given.body.add(element{name: member})
		given.grown(member, "")
		given.done(wordSAdd)
	}
	return caucus.Int(1)
}

// srandMember carries out SRANDMEMBER key [count].
func srandMember(q *query) caucus.Reply {
	switch {
	case len(q.args) == 2:
		return q.drawOne(kindSet)
	case len(q.args) > 3:
		return caucus.ErrorReply(syntaxError())
	}
	d, err := parseDraw(q.args, "")
	if err != nil {
		return caucus.ErrorReply(err)
	}
	t, err := q.table(q.args[1], kindSet)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	drawn, err := q.drawn(&d, t)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	return caucus.Array(namesOf(drawn)...)
}

func namesOf(all []element) []caucus.Reply {
	items := make([]caucus.Reply, len(all))
	for i := range all {
		items[i] = caucus.Bulk(all[i].name)
	}
	return items
}

// spop carries out SPOP key [count]. What goes is drawn with the seed of the entry (SAFETY B9).
func spop(c *call) caucus.Reply {
	count := int64(1)
	if len(c.args) > 3 {
		return caucus.ErrorReply(syntaxError())
	}
	if len(c.args) == 3 {
		var err *caucus.Error
		if count, err = bounded(c.args[2], 0, "value is out of range, must be positive"); err != nil {
			return caucus.ErrorReply(err)
		}
	}
	t, err := c.table(c.args[1], kindSet)
	switch {
	case err != nil:
		return caucus.ErrorReply(err)
	case len(c.args) == 3 && (count == 0 || t.count == 0):
		return setOf(nil)
	case t.count == 0:
		return caucus.Nil()
	}
	drawn := c.popMembers(min(count, int64(t.count)))
	if len(c.args) == 2 {
		return drawn[0]
	}
	return setOf(drawn)
}

// popMembers takes so many members out of a set that has them, and gives them sorted.
func (c *call) popMembers(n int64) []caucus.Reply {
	e := c.m.edit(c.args[1], kindSet)
	t := e.table()
	drawn := make([]string, n)
	c.work.steps(len(drawn))
	for i := range drawn {
		drawn[i], _ = t.draw(&c.m.rng)
		t.drop(drawn[i])
	}
	if len(c.args) == 3 && int64(t.count)*5 <= n { // of the little that is left Redis makes a new set
		e.large = false
		t.each(func(left element) bool {
			e.grown(left.name, "")
			return true
		})
	}
	e.done(wordSPop)
	slices.Sort(drawn)
	return caucus.Bulks(drawn...).Items
}
