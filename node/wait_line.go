package node

import (
	"context"
	"sync"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/replica"
	"github.com/caucus-project/caucus/internal/talk"
)

// turns hands to those who wait in line at this node what the entries that end their waits make of them. Each
// hears of its own wait only, so a release costs one of a thousand who wait, and not all.
type turns struct {
	mu   sync.Mutex
	open map[turn]chan caucus.Reply
}

// turn names a request of one of this node's connections.
type turn struct{ conn, request uint64 }

// stand begins to listen for the end of a request's wait. The caller leaves.
func (l *turns) stand(t turn) (over <-chan caucus.Reply, leave func()) {
	ended := make(chan caucus.Reply, 1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		l.open = map[turn]chan caucus.Reply{}
	}
	l.open[t] = ended
	return ended, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.open, t)
	}
}

// tell hands over how waits ended; each ends once.
func (l *turns) tell(ends []machine.WaitEnd) {
	if len(ends) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range ends {
		t := turn{w.Conn, w.Request}
		if ended, ok := l.open[t]; ok {
			ended <- w.Reply
			delete(l.open, t)
		}
	}
}

// waitInLine carries out a plan that may be given a place in line. Only an entry ends such a wait, and the
// answer is what that entry made of it (SAFETY B7). When nobody is there any more to be answered, or to
// answer, the place is given up.
func (c *conn) waitInLine(ctx context.Context, p *talk.Plan) replica.Answer {
	over, leave := c.n.turns.stand(turn{p.Wait.Forsake.Conn, p.Wait.Forsake.Request})
	defer leave()
	era := c.n.era.Load() // before anything is asked, so that no end is missed
	a := c.ask(ctx, p)
	switch {
	case a.Err == nil && p.Waiting(a.Results):
		attach := a.Results[0].Attach
		a = c.inLine(ctx, p, a, era, over)
		if a.Err == nil {
			a.Results[0].Attach = attach
			return a
		}
		c.talk.Opened(p, attach)
	case a.Err == nil || a.Err.Word != caucus.ErrUncertain.Word:
		return a
	}
	c.n.owner.report(p.Wait.Forsake)
	a.Err = p.Wait.Broken
	return a
}

// inLine waits for the end of a place in line, which told has given. What a snapshot has skipped is read.
func (c *conn) inLine(ctx context.Context, p *talk.Plan, told replica.Answer, era *era,
	over <-chan caucus.Reply) replica.Answer {
	c.n.waiting.Add(1) // whoever sees that knows that there is a place in line
	defer c.n.waiting.Add(-1)
	patience := time.Duration(0)
	if p.Wait.Millis > 0 {
		patience = time.Duration(p.Wait.Millis)*time.Millisecond + c.n.cfg.RequestTimeout
	}
	limit, end := c.n.limit(ctx, patience)
	defer end()
	defer c.n.vouch(limit, c.beatOf(p, told.Results[0].Attach), told.Results[0].Reply)()
	for told.Err == nil && p.Waiting(told.Results) {
		select {
		case told.Results[0].Reply = <-over:
		case <-limit.Done():
			select {
			case told.Results[0].Reply = <-over: // at the same moment
			default:
				told.Err = p.Wait.Broken
			}
		case <-era.ctx.Done():
			era = c.n.era.Load()
			told = unlessOver(over, c.ask(ctx, &talk.Plan{Steps: p.Wait.Again, Stale: true}))
		}
	}
	return told
}

// unlessOver gives the end of a wait that an entry has told, if one has, in place of what the state says of
// it afterwards, which has forgotten how the wait ended. The entry and the snapshot that ended the era may
// be of one step, but the question was answered in a later one, so by then all is told.
func unlessOver(over <-chan caucus.Reply, a replica.Answer) replica.Answer {
	select {
	case reply := <-over:
		return replica.Answer{Batch: a.Batch, Results: []entry.Result{{Reply: reply}}}
	default:
		return a
	}
}

// beatOf gives the sign of life of the session for which a plan waits in line. Attach is the number under
// which the connection carries it if the plan has opened it, else 0.
func (c *conn) beatOf(p *talk.Plan, attach uint64) entry.Beat {
	if attach == 0 && len(p.Beats) > 0 {
		return entry.Beat{Session: p.Beats[0].Session, Attach: p.Beats[0].Attach}
	}
	return entry.Beat{Session: p.Wait.Forsake.Fresh, Attach: attach}
}

// vouch keeps a session alive that cannot do so itself, since its connection waits: that the connection
// stands is the sign. It is no promise to the client, and no proof that it heard of anything. Told is what
// the state has answered, with the session's TTL; without a session there is nothing to do. It ends with
// ctx, or when the caller ends it.
func (n *Node) vouch(ctx context.Context, beat entry.Beat, told caucus.Reply) (end func()) {
	if told.Items[0].Int == 0 {
		return func() {}
	}
	every := time.Duration(told.Items[0].Int) * time.Millisecond / 4
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		rhythm := time.NewTicker(every)
		defer rhythm.Stop()
		for {
			select {
			case <-rhythm.C:
				n.owner.submit(&replica.Batch{Beats: []entry.Beat{beat}}, n.patience(ctx))
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
