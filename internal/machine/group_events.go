package machine

import (
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
)

// groupEvents answers the events that are kept from a seq on. To wait for one with BLOCK is the business of
// the node where the client sits (SAFETY B7).
func groupEvents(q *query) caucus.Reply {
	from, count, block, err := eventOptions(q.args[3:])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	g, err := q.group()
	if err == nil {
		err = eventRange(from, count, block)
	}
	if err != nil {
		return caucus.ErrorReply(err)
	}
	if oldest := g.oldest(); uint64(from) < oldest {
		return caucus.Fail(caucus.ErrGap, "%d is the oldest event of group '%s' that is kept, %d is not; "+
			"GROUP INFO says how things stand", oldest, g.name, from)
	}
	items := []caucus.Reply{}
	g.kept.Ascend(uint64(from), func(seq uint64, json string) bool {
		items = append(items, caucus.Array(caucus.Int(int64(seq)), caucus.Bulk(json)))
		return int64(len(items)) < count
	})
	return caucus.Array(items...)
}

func eventOptions(args caucus.Command) (from, count, block int64, err *caucus.Error) {
	count = everyone
	stated := false
	for i := 0; i < len(args) && err == nil; i += 2 {
		target := &from
		switch strings.ToUpper(args[i]) {
		case "FROM":
			stated = true
		case "COUNT":
			target = &count
		case "BLOCK":
			target = &block
		default:
			return 0, 0, 0, unknownOption(args[i])
		}
		if i+1 == len(args) {
			return 0, 0, 0, noValue(args[i])
		}
		*target, err = number(args[i], args[i+1])
	}
	if !stated && err == nil {
		err = usage("GROUP EVENTS group FROM seq [COUNT count] [BLOCK milliseconds]")
	}
	return from, count, block, err
}

func eventRange(from, count, block int64) *caucus.Error {
	if err := within("FROM", &from, 0, everyone); err != nil {
		return err
	}
	if err := within("COUNT", &count, 1, everyone); err != nil {
		return err
	}
	return within("BLOCK", &block, 0, command.MaxBlock)
}
