package machine

import (
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
)

// memoryUsage carries out MEMORY USAGE key [SAMPLES count]: the bytes that the limit on memory counts, which
// are alike on every node (SAFETY B13).
func memoryUsage(q *query) caucus.Reply {
	for options := q.args[3:]; len(options) > 0; options = options[2:] {
		if len(options) == 1 || !strings.EqualFold(options[0], "SAMPLES") {
			return caucus.Fail(caucus.ErrBad, "syntax error")
		}
		n, err := strconv.ParseInt(options[1], 10, 64)
		switch {
		case err != nil:
			return caucus.Fail(caucus.ErrBad, "value is not an integer or out of range")
		case n < 0:
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
