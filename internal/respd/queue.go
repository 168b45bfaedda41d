package respd

import "github.com/caucus-project/caucus"

// held is what a transaction keeps until its EXEC: its bytes, and those of them that count in the budget.
type held struct{ bytes, counted int }

// errQueue is said of a command that finds no room in a transaction, which it spoils.
var errQueue = caucus.Errorf(caucus.ErrOutOfMemory, "the transactions that are being gathered, and "+
	"what else is under way on all connections together, take too much (max-client-memory)")

// mayQueue says whether there is room for a command in a transaction.
func (c *client) mayQueue(cmd caucus.Command) bool {
	q := &c.queue
	for _, word := range cmd {
		q.bytes += len(word)
	}
	return c.s.cfg.Limits.Budget.Resize(&q.counted, max(0, q.bytes-keepBytes))
}

// emptyQueue gives back what the transaction was counted with.
func (c *client) emptyQueue() {
	c.queue.bytes = 0
	c.s.cfg.Limits.Budget.Resize(&c.queue.counted, 0)
}
