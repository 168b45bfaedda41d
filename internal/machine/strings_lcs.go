package machine

import (
	"strings"

	"github.com/caucus-project/caucus"
)

// common is what LCS was asked for.
type common struct {
	length, ranges, withLength bool
	least                      int64
}

// mostCells is how large a table LCS may fill: the strings' lengths multiplied.
const mostCells = 1 << 24

func parseCommon(args []string) (o common, err *caucus.Error) {
	for i := 0; i < len(args); i++ {
		switch option := strings.ToUpper(args[i]); {
		case option == "LEN":
			o.length = true
		case option == "IDX":
			o.ranges = true
		case option == "WITHMATCHLEN":
			o.withLength = true
		case option == "MINMATCHLEN" && i+1 < len(args):
			i++
			if o.least, err = integer(args[i]); err != nil {
				return o, err
			}
		default:
			return o, syntaxError()
		}
	}
	if o.length && o.ranges {
		return o, caucus.Errorf(caucus.ErrBad,
			"If you want both the length and indexes, please just use IDX.")
	}
	return o, nil
}

// longestCommon carries out LCS key1 key2 [LEN] [IDX] [MINMATCHLEN len] [WITHMATCHLEN].
func longestCommon(q *query) caucus.Reply {
	var texts [2]string
	for i := range texts {
		it, ok := q.item(q.args[1+i])
		if ok && it.kind != kindText {
			return caucus.Fail(caucus.ErrBad, "The specified keys must contain string values")
		}
		texts[i] = it.text
	}
	o, err := parseCommon(q.args[3:])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	a, b := texts[0], texts[1]
	if len(a) > 0 && len(b) > mostCells/len(a) {
		return caucus.Fail(caucus.ErrBad,
			"Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
	}
	q.work.steps(len(a) * len(b) / 8) // a cell takes less than an element
	t := newLengths(a, b)
	n := caucus.Int(int64(t.at(len(a), len(b))))
	if o.length {
		return n
	}
	text, matches := t.walk(&o)
	if o.ranges {
		return caucus.Map(caucus.Bulk("matches"), caucus.Array(matches...), caucus.Bulk("len"), n)
	}
	return caucus.Bulk(text)
}

// lengths has, for all beginnings of two strings, how long their longest common subsequence is.
type lengths struct {
	a, b  string
	cells []uint32
}

func newLengths(a, b string) *lengths {
	t := &lengths{a, b, make([]uint32, (len(a)+1)*(len(b)+1))}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cell := max(t.at(i-1, j), t.at(i, j-1))
			if a[i-1] == b[j-1] {
				cell = t.at(i-1, j-1) + 1
			}
			t.cells[i*(len(b)+1)+j] = cell
		}
	}
	return t
}

func (t *lengths) at(i, j int) uint32 { return t.cells[i*(len(t.b)+1)+j] }

// walk goes from the ends of the strings to their beginnings, as Redis does, and gives the common
// subsequence and where its pieces are. A piece that ends because the next match does not adjoin swallows
// that match, as there.
func (t *lengths) walk(o *common) (text string, matches []caucus.Reply) {
	i, j := len(t.a), len(t.b)
	result := make([]byte, t.at(i, j))
	var piece span
	for i > 0 && j > 0 {
		over := false
		if t.a[i-1] == t.b[j-1] {
			result[t.at(i, j)-1] = t.a[i-1]
			over = !piece.extend(i-1, j-1) || piece.a == 0 || piece.b == 0
			i, j = i-1, j-1
		} else {
			if t.at(i-1, j) > t.at(i, j-1) {
				i--
			} else {
				j--
			}
			over = piece.n > 0
		}
		if over {
			if int64(piece.n) >= o.least {
				matches = append(matches, piece.reply(o.withLength))
			}
			piece = span{}
		}
	}
	return string(result), matches
}

// span is a piece that two strings have in common: where it begins in each, and its length, 0 for none.
type span struct{ a, b, n int }

// extend adds the bytes at these places, which must stand before the piece.
func (s *span) extend(a, b int) bool {
	if s.n > 0 && (s.a != a+1 || s.b != b+1) {
		return false
	}
	s.a, s.b, s.n = a, b, s.n+1
	return true
}

func (s *span) reply(withLength bool) caucus.Reply {
	place := func(from int) caucus.Reply {
		return caucus.Array(caucus.Int(int64(from)), caucus.Int(int64(from+s.n-1)))
	}
	if withLength {
		return caucus.Array(place(s.a), place(s.b), caucus.Int(int64(s.n)))
	}
	return caucus.Array(place(s.a), place(s.b))
}
