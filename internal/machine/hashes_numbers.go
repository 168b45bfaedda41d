package machine

import (
	"math"
	"math/big"
	"strconv"

	"github.com/caucus-project/caucus"
)

// hincrBy carries out HINCRBY key field increment.
func hincrBy(c *call) caucus.Reply {
	by, err := integer(c.args[3])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	t, err := c.table(c.args[1], kindHash)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	var n int64
	if value, ok := t.get(c.args[2]); ok {
		if n, err = integer(value); err != nil {
			return caucus.Fail(caucus.ErrBad, "hash value is not an integer")
		}
	}
	if by < 0 && n < math.MinInt64-by || by > 0 && n > math.MaxInt64-by {
		return caucus.Fail(caucus.ErrBad, "increment or decrement would overflow")
	}
	return c.setNumber(t, strconv.FormatInt(n+by, 10), wordHIncrBy, caucus.Int(n+by))
}

// setNumber gives the field that a command names a number, and gives the answer.
func (c *call) setNumber(t *table, number string, w word, answer caucus.Reply) caucus.Reply {
	if err := c.crowds(t, c.args[2:3], 1); err != nil {
		return caucus.ErrorReply(err)
	}
	e := c.m.edit(c.args[1], kindHash)
	e.setField(c.args[2], number)
	e.done(w)
	return answer
}

// hincrByFloat carries out HINCRBYFLOAT key field increment.
func hincrByFloat(c *call) caucus.Reply {
	by, ok := longDouble(c.args[3])
	if !ok {
		return notFloat()
	}
	if by.IsInf() {
		return caucus.Fail(caucus.ErrBad, "value is NaN or Infinity")
	}
	t, err := c.table(c.args[1], kindHash)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	sum := new(big.Float).SetPrec(longDoubleBits)
	if value, ok := t.get(c.args[2]); ok {
		if sum, ok = longDouble(value); !ok {
			return caucus.Fail(caucus.ErrBad, "hash value is not a float")
		}
	}
	if sum.IsInf() || sum.Add(sum, by).MantExp(nil) > maxExponent {
		return caucus.Fail(caucus.ErrBad, "increment would produce NaN or Infinity")
	}
	result := humanFloat(sum)
	return c.setNumber(t, result, wordHIncrByFloat, caucus.Bulk(result))
}
