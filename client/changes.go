package client

import (
	"context"
	"iter"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/follow"
)

// Change is a change of a key in the store.
type Change struct {
	// Revision only rises, is the same on every node, and is of no other change. Who has read up to it goes on
	// with ChangesFrom(ctx, match, Revision+1).
	Revision uint64
	// Command is what happened: set, del, expired and so on, as docs/changes.md lists them; "flushall" for all
	// keys at once; "gap" for changes that were missed and are no longer kept.
	Command string
	// Key is empty for flushall and gap.
	Key string
	// Of a gap: changes from the revision From on are missing, and those from Oldest on follow. A From that is
	// not below Oldest is of another ensemble, or of this one before it was restored.
	From, Oldest uint64
}

// Changes gives the changes of keys from now on, of those that match a pattern as KEYS takes it, of all for
// "", until ctx ends or the loop is left. It reads on a connection of its own, and goes on at another node
// when that one is lost, without a gap and without a change twice. Where what was missed is no longer kept
// (the last 100,000 changes are) a Change of the command "gap" says so; then the keys must be read anew.
//
// It says which keys have changed and not to what: their values are there to be read, and may be newer.
// From now on means from when the loop begins, at the latest when a change is given.
//
// While no node can be reached it tries on. An error is the last thing that it gives: that ctx has ended, or
// that no node will ever answer, as with a wrong password.
func (c *Client) Changes(ctx context.Context, match string) iter.Seq2[Change, error] {
	return c.changes(ctx, func() *follow.Changes { return follow.ChangesNow(match) })
}

// ChangesFrom is Changes that begins with the changes of that revision. With 0 it begins with the oldest, and
// says that there is a gap before it unless it is the first of the ensemble.
func (c *Client) ChangesFrom(ctx context.Context, match string, revision uint64) iter.Seq2[Change, error] {
	return c.changes(ctx, func() *follow.Changes { return follow.ChangesFrom(match, revision) })
}

func (c *Client) changes(ctx context.Context, at func() *follow.Changes) iter.Seq2[Change, error] {
	return loop(ctx, c, "changes of keys", func(yield func(Change, error) bool) error {
		r := &changeReader{c: c, place: at(), yield: yield}
		return r.run(ctx)
	})
}

// changeReader is one loop over the changes of keys.
type changeReader struct {
	c     *Client
	place *follow.Changes
	yield func(Change, error) bool
	wait  pause
}

// run reads at one node after the other until ctx ends, the loop is left, or no node would do.
func (r *changeReader) run(ctx context.Context) error {
	return r.c.nodeByNode(ctx, &r.wait, func(after string) (string, error) {
		within, cancel := context.WithTimeout(ctx, r.c.cfg.Timeout)
		defer cancel()
		l, err := r.c.dialAny(within, after)
		if err != nil {
			return "", err
		}
		defer l.close()
		return l.addr, r.read(ctx, l)
	})
}

// gathered is how many changes are read at once.
const gathered = 1000

// read gives what one node answers, until that fails. A node that is cut off from the others notices at the
// next reading, and one that does not answer in time is lost.
func (r *changeReader) read(ctx context.Context, l *link) error {
	for {
		replies, err := r.ask(ctx, l)
		if err != nil {
			return err
		}
		changes, err := r.place.Answered(replies[0])
		for _, change := range changes {
			if !r.yield(Change(change), nil) {
				return errLoopLeft
			}
		}
		if err != nil {
			return err
		}
		r.wait = pause{}
	}
}

func (r *changeReader) ask(ctx context.Context, l *link) ([]caucus.Reply, error) {
	most := quiet * r.c.cfg.Timeout
	within, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	return l.do(within, r.place.Ask(gathered, max((most-r.c.cfg.Timeout).Milliseconds(), 1)))
}
