package node

import (
	"context"
	"fmt"
	"sync"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/replica"
)

// bell wakes everybody who waits for it. The zero value is ready.
type bell struct {
	mu   sync.Mutex
	next chan struct{} // closed by the next ring; nil while nobody waits
}

// wait gives what is closed when it rings next.
func (b *bell) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next == nil {
		b.next = make(chan struct{})
	}
	return b.next
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next != nil {
		close(b.next)
		b.next = nil
	}
}

// takeDigest hashes a view while the node goes on (SAFETY A13).
func (n *Node) takeDigest(view *machine.View) {
	sum, err := view.Digest()
	if err != nil {
		n.log.Error("the digest of the state could not be taken", "index", view.Index(), "error", err)
		return
	}
	n.log.Debug("digest", "index", view.Index(), "sum", fmt.Sprintf("%x", sum[:8]))
	n.owner.call(func(now replica.Time) { n.owner.r.Digested(now, view, sum) })
}

// ensembleDigest answers ENSEMBLE DIGEST: it has the states of all nodes compared and gives the new table,
// or, when none comes within the request timeout, the last one.
func (n *Node) ensembleDigest(ctx context.Context, _ caucus.Command) caucus.Reply {
	ctx, cancel := context.WithTimeout(ctx, n.cfg.RequestTimeout)
	defer cancel()
	var before uint64
	if !n.owner.inspect(func(r *replica.Replica) {
		_, before = r.State().Digests()
		r.AskDigest(n.cfg.clock())
	}) {
		return caucus.ErrorReply(errStopping)
	}
	for {
		rung := n.tables.wait()
		table, closed, ok := n.digests()
		if !ok {
			return caucus.ErrorReply(errStopping)
		}
		if closed > before {
			return n.tableReply(table)
		}
		select {
		case <-rung:
		case <-ctx.Done():
			return n.tableReply(table)
		}
	}
}

// digests gives the last table of digests.
func (n *Node) digests() (table machine.Digests, closed uint64, ok bool) {
	ok = n.owner.inspect(func(r *replica.Replica) { table, closed = r.State().Digests() })
	return table, closed, ok
}

func (n *Node) tableReply(table machine.Digests) caucus.Reply {
	if len(table.Rows) == 0 {
		return caucus.Fail(caucus.ErrTryAgain, "the nodes' states were not compared in time, and never before")
	}
	rows := make([]caucus.Reply, len(table.Rows))
	for i, d := range table.Rows {
		rows[i] = caucus.Array(caucus.Bulk(n.nameOf(d.Node)), caucus.Int(int64(table.Index)),
			caucus.Bulk(fmt.Sprintf("%016x", d.Sum)))
	}
	return caucus.Array(rows...)
}
