package machine

import (
	"math"
	"strings"

	"github.com/caucus-project/caucus"
)

// expiryCommands names who carries out the commands about the ends of keys.
func (m *Machine) expiryCommands() {
	for _, t := range []timeForm{
		{"expire", 1000, true}, {"pexpire", 1, true}, {"expireat", 1000, false}, {"pexpireat", 1, false},
	} {
		m.writes[t.name] = t.expire
	}
	m.reads["ttl"], m.reads["pttl"] = left(1000), left(1)
	m.reads["expiretime"], m.reads["pexpiretime"] = end(1000), end(1)
}

// timeForm is a way to state an end: in seconds or milliseconds, from the entry's stamp or from 1970.
type timeForm struct {
	name     string // of the command or option
	unit     int64  // in milliseconds
	relative bool
}

func invalidExpire(command string) *caucus.Error {
	return caucus.Errorf(caucus.ErrBad, "invalid expire time in '%s' command", command)
}

// at gives a stated end in milliseconds since 1970.
func (t timeForm) at(n, now int64, command string) (int64, *caucus.Error) {
	if n > math.MaxInt64/t.unit || n < math.MinInt64/t.unit {
		return 0, invalidExpire(command)
	}
	n *= t.unit
	if !t.relative {
		return n, nil
	}
	if n > math.MaxInt64-now/1000 {
		return 0, invalidExpire(command)
	}
	return n + now/1000, nil
}

// conditions say which ends a command may replace.
type conditions struct{ nx, xx, gt, lt bool }

func parseConditions(args []string) (conditions, *caucus.Error) {
	var c conditions
	for _, arg := range args {
		switch strings.ToUpper(arg) {
		case "NX":
			c.nx = true
		case "XX":
			c.xx = true
		case "GT":
			c.gt = true
		case "LT":
			c.lt = true
		default:
			return c, caucus.Errorf(caucus.ErrBad, "Unsupported option %s", arg)
		}
	}
	switch {
	case c.nx && (c.xx || c.gt || c.lt):
		return c, caucus.Errorf(caucus.ErrBad,
			"NX and XX, GT or LT options at the same time are not compatible")
	case c.gt && c.lt:
		return c, caucus.Errorf(caucus.ErrBad, "GT and LT options at the same time are not compatible")
	}
	return c, nil
}

// allow says whether an end, 0 for none, may become another. A key without an end lives longest.
func (c conditions) allow(from, to int64) bool {
	switch {
	case c.nx && from != 0, c.xx && from == 0:
		return false
	case c.gt && (from == 0 || to <= from), c.lt && from != 0 && to >= from:
		return false
	}
	return true
}

// expire carries out EXPIRE key time [NX | XX | GT | LT] and its kin. A time that has passed removes the key.
func (t timeForm) expire(c *call) caucus.Reply {
	when, err := parseConditions(c.args[3:])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	n, err := integer(c.args[2])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	at, err := t.at(n, c.now, t.name)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	it, ok := c.item(c.args[1])
	if !ok || !when.allow(it.expireAt, at) {
		return caucus.Int(0)
	}
	if at <= 0 { // 0 in an item is no end at all
		c.m.remove(wordDel, it.key)
		return caucus.Int(1)
	}
	c.m.put(wordExpire, it.key, it.value, at)
	return caucus.Int(1)
}

func persist(c *call) caucus.Reply {
	it, ok := c.item(c.args[1])
	if !ok || it.expireAt == 0 {
		return caucus.Int(0)
	}
	c.m.put(wordPersist, it.key, it.value, 0)
	return caucus.Int(1)
}

// left makes TTL and PTTL: how long a key has, by the best estimate of the ensemble's clock, and never less
// than nothing for a key that is still there (SAFETY B11).
func left(unit int64) read {
	return remaining(unit, func(q *query, it *item) int64 { return max(0, it.expireAt-q.now/1000) })
}

// end makes EXPIRETIME and PEXPIRETIME.
func end(unit int64) read {
	return remaining(unit, func(_ *query, it *item) int64 { return it.expireAt })
}

func remaining(unit int64, of func(*query, *item) int64) read {
	return func(q *query) caucus.Reply {
		it, ok := q.item(q.args[1])
		switch {
		case !ok:
			return caucus.Int(-2)
		case it.expireAt == 0:
			return caucus.Int(-1)
		}
		ms := of(q, &it)
		return caucus.Int(ms/unit + (2*(ms%unit))/unit) // rounded to the nearest
	}
}
