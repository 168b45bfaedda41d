package machine

import (
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
)

// memoryUsage carries out MEMORY USAGE key [SAMPLES count]: the bytes that the limit on memory counts, which
// are alike on every node (SAFETY B13).
func memoryUsage(q *query) caucus.Reply {
	if len(q.args) > 3 {
		if len(q.args) != 5 || !strings.EqualFold(q.args[3], "SAMPLES") {
			return caucus.Fail(caucus.ErrBad, "syntax error")
		}
		if n, err := strconv.ParseInt(q.args[4], 10, 64); err != nil {
			return caucus.Fail(caucus.ErrBad, "value is not an integer or out of range")
		} else if n < 0 {
			return caucus.Fail(caucus.ErrBad, "syntax error")
		}
	}
	it, ok := q.item(q.args[2])
	if !ok {
		return caucus.Nil()
	}
	bytes := it.bytes()
	if it.kind.hasBody() {
		bytes += q.s.keys.bodyOf(it.value).weight()
	}
	return caucus.Int(bytes)
}
