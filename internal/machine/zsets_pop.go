package machine

import (
	"strings"

	"github.com/caucus-project/caucus"
)

// zsetPoppers are the commands that take members out of whichever of several sorted sets has some.
var zsetPoppers = map[string]popper{
	"zmpop": parseZMPop, "bzmpop": mayWait(1, parseZMPop),
	"bzpopmin": mayWait(-1, lowestOf(false)), "bzpopmax": mayWait(-1, lowestOf(true)),
}

// zpop makes ZPOPMIN, and with down ZPOPMAX: key [count].
func zpop(down bool) write {
	return func(c *call) caucus.Reply {
		count := int64(1)
		switch {
		case len(c.args) > 3:
			return caucus.ErrorReply(syntaxError())
		case len(c.args) == 3:
			var err *caucus.Error
			if count, err = bounded(c.args[2], 0, "value is out of range, must be positive"); err != nil {
				return caucus.ErrorReply(err)
			}
		}
		if _, err := c.ranking(c.args[1]); err != nil {
			return caucus.ErrorReply(err)
		}
		popped := ranked(c.m.popRanked(c.args[1], count, down), true)
		if len(c.args) == 2 {
			popped.Kind = caucus.KindArray // one pair is no array of pairs
		}
		return popped
	}
}

// popRanked takes the lowest members out of a sorted set, if there is one, or the highest, and gives them.
func (m *Machine) popRanked(key string, count int64, down bool) []element {
	it, ok := m.keys.find(key)
	if !ok || count == 0 {
		return nil
	}
	r := m.keys.bodyOf(it.value).elements.(*ranking)
	first, w := 0, wordZPopMin
	if down {
		first, w = r.count-1, wordZPopMax
	}
	var popped []element
	r.walk(first, down, func(e element) bool {
		popped = append(popped, e)
		return int64(len(popped)) < count
	})
	m.work.steps(len(popped))
	m.dropRanked(key, memberNames(popped), w)
	return popped
}

// lowestOf reads BZPOPMIN, or with down BZPOPMAX, without its timeout: key [key ...].
func lowestOf(down bool) popper {
	return func(args caucus.Command) (*popping, *caucus.Error) {
		return &popping{is: kindZset, keys: args[1:], none: caucus.NilArray(),
			take: func(m *Machine, key string) caucus.Reply {
				popped := ranked(m.popRanked(key, 1, down), true).Items
				return caucus.Array(append([]caucus.Reply{caucus.Bulk(key)}, popped...)...)
			}}, nil
	}
}

// parseZMPop reads ZMPOP numkeys key [key ...] MIN | MAX [COUNT count].
func parseZMPop(args caucus.Command) (*popping, *caucus.Error) {
	keys, rest, err := parseNumbered(args[1:])
	if err != nil {
		return nil, err
	}
	down := strings.EqualFold(rest[0], "MAX")
	if !down && !strings.EqualFold(rest[0], "MIN") {
		return nil, syntaxError()
	}
	count, err := parseCount(rest[1:])
	if err != nil {
		return nil, err
	}
	return &popping{is: kindZset, keys: keys, none: caucus.NilArray(),
		take: func(m *Machine, key string) caucus.Reply {
			return caucus.Array(caucus.Bulk(key), nestedPairs(m.popRanked(key, count, down)))
		}}, nil
}

// nestedPairs answers members with their scores as arrays of two in either protocol.
func nestedPairs(all []element) caucus.Reply {
	items := make([]caucus.Reply, len(all))
	for i, e := range all {
		items[i] = caucus.Array(caucus.Bulk(e.name), caucus.Double(e.score))
	}
	return caucus.Array(items...)
}
