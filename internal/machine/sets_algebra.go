package machine

import (
	"slices"
	"strings"

	"github.com/caucus-project/caucus"
)

// operation makes one set of several: it visits its members, each once and in any order, until do says no.
type operation func(sets []*table, do func(member string) bool)

func intersection(sets []*table, do func(member string) bool) {
	least := slices.MinFunc(sets, func(a, b *table) int { return a.count - b.count })
	least.each(func(e element) bool {
		for _, t := range sets {
			if t != least && !t.has(e.name) {
				return true
			}
		}
		return do(e.name)
	})
}

func union(sets []*table, do func(member string) bool) {
	seen := map[string]bool{}
	on := true
	for _, t := range sets {
		t.each(func(e element) bool {
			if !seen[e.name] {
				seen[e.name] = true
				on = do(e.name)
			}
			return on
		})
		if !on {
			return
		}
	}
}

// difference looks up each member of the first in the others, or all members of those in a copy of the first,
// whichever is less.
func difference(sets []*table, do func(member string) bool) {
	first, others := sets[0], sets[1:]
	if lookUps := first.count * len(others); lookUps > total(sets) {
		left := make(map[string]bool, first.count)
		first.each(func(e element) bool { left[e.name] = true; return true })
		for _, t := range others {
			t.each(func(e element) bool { delete(left, e.name); return len(left) > 0 })
		}
		first.each(func(e element) bool { return !left[e.name] || do(e.name) })
		return
	}
	first.each(func(e element) bool { return inAny(others, e.name) || do(e.name) })
}

func inAny(sets []*table, member string) bool {
	return slices.ContainsFunc(sets, func(t *table) bool { return t.has(member) })
}

// total counts the members of sets.
func total(sets []*table) (n int) {
	for _, t := range sets {
		n += t.count
	}
	return n
}

// sets finds those of several keys. What is named again, as those that do not exist are, counts for the other
// sets beside the first once only.
func (q *query) sets(keys []string) ([]*table, *caucus.Error) {
	var sets []*table
	seen := map[*table]bool{}
	for i, key := range keys {
		t, err := q.table(key, kindSet)
		if err != nil {
			return nil, err
		}
		if i > 0 && seen[t] {
			continue
		}
		seen[t] = i > 0
		sets = append(sets, t)
	}
	q.work.steps(total(sets))
	return sets, nil
}

// combined makes the read that answers what an operation makes of sets, sorted by bytes (SAFETY C9).
func combined(do operation) read {
	return func(q *query) caucus.Reply {
		sets, err := q.sets(q.args[1:])
		if err != nil {
			return caucus.ErrorReply(err)
		}
		var members []string
		do(sets, func(member string) bool {
			members = append(members, member)
			err = q.room(len(members))
			return err == nil
		})
		if err != nil {
			return caucus.ErrorReply(err)
		}
		slices.Sort(members)
		return setOf(caucus.Bulks(members...).Items)
	}
}

// stored makes the write that gives what an operation makes of sets to a key.
func stored(do operation, w word) write {
	return func(c *call) caucus.Reply {
		sets, err := c.sets(c.args[2:])
		if err != nil {
			return caucus.ErrorReply(err)
		}
		b := c.s.making(kindSet, c.args[1])
		do(sets, func(member string) bool {
			b.add(element{name: member})
			b.grown(member, "")
			return b.refused() == nil
		})
		return c.store(b, w)
	}
}

// store gives the first key of a command what was made of others, whatever it held, and answers how many
// elements that has; of none it makes no key.
func (c *call) store(b *making, w word) caucus.Reply {
	if err := b.refused(); err != nil {
		return caucus.ErrorReply(err)
	}
	c.work.spent += b.weight()
	if b.len() == 0 {
		c.m.remove(wordDel, c.args[1])
		return caucus.Int(0)
	}
	c.m.put(w, c.args[1], c.m.keys.adopt(c.m.counter+1, b.body), 0)
	return caucus.Int(int64(b.len()))
}

// sinterCard carries out SINTERCARD numkeys key [key ...] [LIMIT limit].
func sinterCard(q *query) caucus.Reply {
	keys, limit, err := parseCard(q.args)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	sets, err := q.sets(keys)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	var n int64
	intersection(sets, func(string) bool {
		n++
		return n != limit
	})
	return caucus.Int(n)
}

// parseCard reads the arguments of SINTERCARD and ZINTERCARD; a limit of 0 is none.
func parseCard(args []string) (keys []string, limit int64, err *caucus.Error) {
	n, err := bounded(args[1], 1, "numkeys should be greater than 0")
	switch {
	case err != nil:
		return nil, 0, err
	case n > int64(len(args)-2):
		return nil, 0, caucus.Errorf(caucus.ErrBad, "Number of keys can't be greater than number of args")
	}
	for rest := args[2+n:]; len(rest) > 0; rest = rest[2:] {
		if len(rest) == 1 || !strings.EqualFold(rest[0], "LIMIT") {
			return nil, 0, syntaxError()
		}
		if limit, err = bounded(rest[1], 0, "LIMIT can't be negative"); err != nil {
			return nil, 0, err
		}
	}
	return args[2 : 2+n], limit, nil
}
