package machine

import (
	"math"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
)

func appendText(c *call) caucus.Reply {
	it, _, err := c.text(c.args[1])
	if err == nil {
		err = c.m.fits(len(it.text), int64(len(it.text))+int64(len(c.args[2])))
	}
	if err != nil {
		return caucus.ErrorReply(err)
	}
	longer := it.text + c.args[2]
	c.m.put(wordAppend, c.args[1], text(longer), it.expireAt)
	return caucus.Int(int64(len(longer)))
}

// setRange carries out SETRANGE key offset value.
func setRange(c *call) caucus.Reply {
	offset, err := integer(c.args[2])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	if offset < 0 {
		return caucus.Fail(caucus.ErrBad, "offset is out of range")
	}
	it, _, err := c.text(c.args[1])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	patch := c.args[3]
	if patch == "" {
		return caucus.Int(int64(len(it.text)))
	}
	if err := c.m.fits(len(it.text), max(offset, offset+int64(len(patch)))); err != nil {
		return caucus.ErrorReply(err)
	}
	patched := overwrite(it.text, int(offset), patch)
	c.m.put(wordSetRange, c.args[1], text(patched), it.expireAt)
	return caucus.Int(int64(len(patched)))
}

// overwrite gives s with patch at an offset; a gap is filled with zero bytes.
func overwrite(s string, offset int, patch string) string {
	var b strings.Builder
	end := offset + len(patch)
	b.Grow(max(len(s), end))
	b.WriteString(s[:min(offset, len(s))])
	for zeros := make([]byte, min(4096, max(0, offset-len(s)))); b.Len() < offset; {
		b.Write(zeros[:min(len(zeros), offset-b.Len())])
	}
	b.WriteString(patch)
	b.WriteString(s[min(end, len(s)):])
	return b.String()
}

// getRange carries out GETRANGE key start end; negative numbers count from the end.
func getRange(q *query) caucus.Reply {
	start, err := integer(q.args[2])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	end, err := integer(q.args[3])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	it, _, err := q.text(q.args[1])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	if start < 0 && end < 0 && start > end {
		return caucus.Bulk("")
	}
	n := int64(len(it.text))
	start, end = fromEnd(start, n), min(fromEnd(end, n), n-1)
	if start > end {
		return caucus.Bulk("")
	}
	return caucus.Bulk(it.text[start : end+1])
}

func fromEnd(i, n int64) int64 {
	if i < 0 {
		return max(0, i+n)
	}
	return i
}

func addOne(by int64) write {
	return func(c *call) caucus.Reply { return c.add(by) }
}

func incrBy(c *call) caucus.Reply {
	by, err := integer(c.args[2])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	return c.add(by)
}

func decrBy(c *call) caucus.Reply {
	by, err := integer(c.args[2])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	if by == math.MinInt64 {
		return caucus.Fail(caucus.ErrBad, "decrement would overflow")
	}
	return c.add(-by)
}

// add adds to the number in a key. Its end stays.
func (c *call) add(by int64) caucus.Reply {
	it, ok, err := c.text(c.args[1])
	var n int64
	if ok {
		n, err = integer(it.text)
	}
	if err != nil {
		return caucus.ErrorReply(err)
	}
	if by < 0 && n < math.MinInt64-by || by > 0 && n > math.MaxInt64-by {
		return caucus.Fail(caucus.ErrBad, "increment or decrement would overflow")
	}
	c.m.put(wordIncrBy, c.args[1], text(strconv.FormatInt(n+by, 10)), it.expireAt)
	return caucus.Int(n + by)
}
