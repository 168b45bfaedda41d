package command

import (
	"strconv"
	"strings"
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
