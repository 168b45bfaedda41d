package node

import (
	"context"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/replica"
	"github.com/caucus-project/caucus/internal/talk"
)

// waitInLine waits for the end of a place in line, which first has given; only an entry ends it, and the
// answer follows that entry (SAFETY B7). When nobody is there any more to be answered, the place is given
// up.
func (c *conn) waitInLine(ctx context.Context, p *talk.Plan, w *waiter, first replica.Answer) replica.Answer {
	a := first
	if a.Err == nil && p.Waiting(a.Results) {
		defer w.vouch(c.beatOf(p, a.Results[0].Attach), a.Results[0].Reply)()
	}
	for a.Err == nil && p.Waiting(a.Results) {
		if err := w.next(); err != nil || w.over() {
			a.Err = errInLine
			break
		}
		a = c.ask(ctx, &talk.Plan{Steps: p.Wait.Again, Stale: true})
	}
	switch {
	case a.Err == nil:
		a.Results[0].Attach = first.Results[0].Attach
	case first.Err == nil || first.Err.Word == caucus.ErrUncertain.Word:
		a.Err = errInLine
		c.n.owner.call(func(now replica.Time) { c.n.owner.r.Report(now, p.Wait.Forsake) })
	}
	return a
}

var errInLine = caucus.Errorf(caucus.ErrUncertain, "the wait was broken off before its end was known; "+
	"ask again: who holds the lock by now is answered its term")

// beatOf gives the sign of life of the session for which a plan waits in line. Attach is the number under
// which the connection carries it if the plan has opened it, else 0.
func (c *conn) beatOf(p *talk.Plan, attach uint64) entry.Beat {
	if attach == 0 && len(p.Beats) > 0 {
		return entry.Beat{Session: p.Beats[0].Session, Attach: p.Beats[0].Attach}
	}
	return entry.Beat{Session: p.Wait.Forsake.Fresh, Attach: attach}
}

// vouch keeps a session alive that cannot do so itself, since its connection waits: that the connection
// stands is the sign. It is no promise to the client, and no proof that it heard of anything. Told is
// what the state has answered, with the session's TTL. The caller ends it.
func (w *waiter) vouch(beat entry.Beat, told caucus.Reply) (end func()) {
	every := time.Duration(told.Items[0].Int) * time.Millisecond / 4
	ctx, cancel := context.WithCancel(w.limit)
	done := make(chan struct{})
	go func() {
		defer close(done)
		rhythm := time.NewTicker(every)
		defer rhythm.Stop()
		for {
			select {
			case <-rhythm.C:
				w.n.owner.submit(&replica.Batch{Beats: []entry.Beat{beat}, Deadline: w.n.deadline(ctx)})
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}
