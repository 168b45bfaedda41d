package command

import (
	"math"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
)

// Integer reads a number as Redis does: decimal, 64 bits, written in the one way that Redis would write it.
func Integer(s string) (n int64, ok bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || s == "0" {
		return n, err == nil
	}
	first := strings.TrimPrefix(s, "-")[0]
	return n, first >= '1' && first <= '9'
}

// ReadDatabase reads the number of a database, of which there is one, 0. Its errors are those of Redis.
func ReadDatabase(s string) *caucus.Error {
	n, ok := Integer(s)
	switch {
	case !ok:
		return caucus.Errorf(caucus.ErrBad, "value is not an integer or out of range")
	case n != int64(int32(n)):
		return caucus.Errorf(caucus.ErrBad, "value is out of range, value must between %d and %d",
			math.MinInt32, math.MaxInt32)
	case n != 0:
		return caucus.Errorf(caucus.ErrBad, "DB index is out of range")
	}
	return nil
}
