package respd

import (
	"io"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/resp"
	"github.com/caucus-project/caucus/internal/waist"
)

// Replies share the memory of what is stored, so one that is much larger than what was stored for it takes
// memory in two ways only: by its items, and when it is written out as bytes. A large one is written in
// pieces, and the items of those that wait for their readers are counted, over all connections.

// largeReply is from where on a reply, or the replies to a pipeline, count as large.
const largeReply = chunk

func isLarge(r *caucus.Reply) bool { return waist.Weight(r, largeReply) > largeReply }

// pour writes a large reply in pieces, each when the client has taken the one before.
func (c *client) pour(r caucus.Reply) {
	c.failed = false
	// A failure is met again when the pipeline is done.
	_ = c.out.stream(func(to io.Writer) error { return resp.Write(to, c.proto, r) })
}

// hold counts the replies to a pipeline from the nth on, and gives what ends that. When those of all
// connections are too much, this one is told so in place of what it has read, and can ask again; what its
// writes came to it is told in any case.
func (c *client) hold(replies []caucus.Reply, nth int) (release func()) {
	var n int64
	for i := nth; i < len(replies); i++ {
		items, _ := waist.Weigh(&replies[i], 1<<40)
		n += items * waist.ItemBytes
	}
	held, budget := 0, c.s.cfg.Limits.Budget
	if n < largeReply || budget.Resize(&held, int(n)) {
		return func() { budget.Resize(&held, 0) }
	}
	for i := nth; i < min(len(replies), len(c.specs)); i++ {
		if spec := c.specs[i]; spec != nil && spec.Has(command.ReadOnly) && len(replies[i].Items) > 0 {
			replies[i] = caucus.Fail(caucus.ErrTryAgain, "the replies that wait to be read by their clients take "+
				"more than they may together; ask again, for less at a time (max-client-memory)")
		}
	}
	return func() {}
}
