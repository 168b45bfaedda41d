package node

import (
	"io"
	"time"
)

// How a snapshot is written beside the writes of clients: after each piece it rests for three times as long
// as that has taken, so that it has a quarter of a processor; but for no more than so long at a time and
// altogether, so that it ends.
const (
	restFor  = 3
	restMost = 50 * time.Millisecond
	restAll  = time.Minute
)

// gentle is a writer that rests between pieces while the log is being written to.
type gentle struct {
	to     io.Writer
	now    func() time.Time
	synced func() uint64       // how often the log was
	rest   func(time.Duration) // waits for so long at most

	begun  time.Time // when the piece was
	before uint64    // how often the log was synced then
	rested time.Duration
}

// gently gives a writer for what is much work and not urgent: the state as a whole.
func (n *Node) gently(to io.Writer) io.Writer {
	return newGentle(to, time.Now, func() uint64 { return n.store.Stats().Syncs }, func(long time.Duration) {
		select {
		case <-time.After(long):
		case <-n.ctx.Done():
		}
	})
}

func newGentle(to io.Writer, now func() time.Time, synced func() uint64, rest func(time.Duration)) *gentle {
	return &gentle{to: to, now: now, synced: synced, rest: rest, begun: now(), before: synced()}
}

// Write implements io.Writer. It is called with pieces of the state, each of which was made since the last.
func (g *gentle) Write(p []byte) (int, error) {
	n, err := g.to.Write(p)
	if synced := g.synced(); synced != g.before && g.rested < restAll {
		g.before = synced
		long := min(restFor*g.now().Sub(g.begun), restMost)
		g.rested += long
		g.rest(long)
	}
	g.begun = g.now()
	return n, err
}
