package sim

import (
	"crypto/sha256"

	"github.com/caucus-project/caucus/internal/entry"
)

// seen is the last that any node's state had of a session.
type seen map[entry.Session]uint64

// promised sees that no session has ended while its member can still rely on a promise (SAFETY A2), whether
// or not anybody else was granted anything yet.
func (c *checks) promised(n *node) {
	for _, m := range n.w.members {
		if !m.dead && m.id != "" {
			c.keptPromise(n, m.believer(), m.id)
		}
	}
	for _, other := range n.w.nodes {
		if in := other.inside; in != nil && in.id != "" {
			c.keptPromise(n, in.believer(), in.id)
		}
	}
}

func (c *checks) keptPromise(n *node, b believer, id string) {
	sum := sha256.Sum256([]byte(id))
	session, state := entry.Session(sum[:16]), n.r.State()
	if _, ok := state.Session(session); ok {
		c.seen[session] = max(c.seen[session], state.Index())
		return
	}
	at, known := c.seen[session]
	if left := b.lease.LeftOfSlots(b.clock.reading()); known && state.Index() > at && left > 0 {
		n.w.fail("SAFETY A2: the session of %s has ended by entry %d, and is promised for %s s more", b.name,
			state.Index(), clockText(left))
	}
}
