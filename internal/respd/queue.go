package respd

import (
	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/resp"
)

// queue is what a transaction keeps until its EXEC.
type queue struct {
	resp.Holding
	bytes int
}

// errQueue is said of a command that finds no room in a transaction, which it spoils.
var errQueue = caucus.Errorf(caucus.ErrOutOfMemory, "the transactions that are being gathered, and "+
	"what else is under way on all connections together, take too much (max-client-memory)")

// takes says whether there is room for a command.
func (q *queue) takes(cmd caucus.Command) bool {
	bytes := q.bytes
	for _, word := range cmd {
		bytes += len(word)
	}
	if !q.Resize(bytes) {
		return false
	}
	q.bytes = bytes
	return true
}

// shrink gives back what was taken since there were so many bytes.
func (q *queue) shrink(bytes int) {
	q.bytes = bytes
	q.Resize(bytes)
}
