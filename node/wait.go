package node

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/replica"
	"github.com/caucus-project/caucus/internal/talk"
	"github.com/caucus-project/caucus/internal/waist"
)

// era is the time until the state is replaced by a snapshot, which tells listeners nothing of what it skips,
// or until the doors are closed because the disk hangs.
type era struct {
	ctx context.Context // ends with the era
	end context.CancelFunc
}

func newEra() *era {
	e := &era{}
	e.ctx, e.end = context.WithCancel(context.Background())
	return e
}

// waitFor carries out a plan whose answer may be long in coming (SAFETY B7). It listens before it reads, so
// that nothing can happen unnoticed, and reads again, from this node's own state, when it has heard
// something that may be it. Nothing goes through the log, and only the first read is a sign of life. When the
// time is over the answer is what was read last, which is empty.
func (c *conn) waitFor(ctx context.Context, p *talk.Plan) replica.Answer {
	w := c.n.listen(ctx, p.Wait)
	defer w.close()
	a := c.ask(ctx, p)
	c.n.waiting.Add(1) // whoever sees that knows that the first read is over
	defer c.n.waiting.Add(-1)
	for over := false; !over && a.Err == nil && p.Waiting(a.Results); {
		err := w.next()
		over = w.limit.Err() != nil // however much is heard
		switch {
		case err != nil:
			a.Err = err
		case !over || len(w.heard) > 0:
			a = c.ask(ctx, &talk.Plan{Steps: p.Anew(), Stale: true})
			w.retell(&a)
		}
	}
	return a
}

// waiter is one wait. Its limit ends with the time, the node or the connection.
type waiter struct {
	n     *Node
	what  *talk.Wait
	outer context.Context
	limit context.Context
	ear   waist.Subscription
	era   *era // in which the state was read last
	heard []waist.Message
	end   func()
}

// listen begins to listen for what is waited for.
func (n *Node) listen(ctx context.Context, what *talk.Wait) *waiter {
	limit, end := n.limit(ctx, time.Duration(what.Millis)*time.Millisecond)
	w := &waiter{n: n, what: what, outer: ctx, limit: limit, era: n.era.Load(), end: end}
	w.subscribe()
	return w
}

// limit gives a context that ends with ctx, with the node, and when the patience is over; 0 for endless
// patience.
func (n *Node) limit(ctx context.Context, patience time.Duration) (limit context.Context, end func()) {
	var cancel context.CancelFunc
	if patience > 0 {
		limit, cancel = context.WithTimeout(ctx, patience)
	} else {
		limit, cancel = context.WithCancel(ctx)
	}
	stop := context.AfterFunc(n.ctx, cancel)
	return limit, func() {
		stop()
		cancel()
	}
}

func (w *waiter) subscribe() {
	hub := w.n.hub
	if w.what.Keys {
		hub = w.n.news.hub
	}
	w.ear = hub.Watch()
	w.ear.Subscribe(w.what.Channel)
}

func (w *waiter) close() {
	w.ear.Close()
	w.end()
}

// next waits until it is worth reading again, or the time is over. It fails when nobody is there any more to
// be answered, or to answer.
func (w *waiter) next() *caucus.Error {
	ctx, cancel := context.WithCancel(w.limit)
	defer cancel()
	defer context.AfterFunc(w.era.ctx, cancel)()
	err := w.listenOn(ctx)
	switch {
	case w.outer.Err() != nil && !errors.Is(w.outer.Err(), context.DeadlineExceeded):
		return errLeft
	case w.n.ctx.Err() != nil:
		return errStopping
	case errors.Is(err, waist.ErrSlow):
		w.ear.Close()
		w.subscribe()
	}
	w.era = w.n.era.Load()
	return nil
}

// listenOn waits for messages that matter, or until ctx ends.
func (w *waiter) listenOn(ctx context.Context) (err error) {
	for w.heard = nil; err == nil && ctx.Err() == nil && len(w.heard) == 0; {
		w.heard, err = w.ear.Next(ctx)
		if w.what.Matters != nil {
			w.heard = slices.DeleteFunc(w.heard, func(m waist.Message) bool { return !w.what.Matters(m.Payload) })
		}
	}
	return err
}

var errLeft = caucus.Errorf(caucus.ErrTryAgain, "the client's side was closed while it waited")

// retell answers from what was heard when the state cannot answer any more: the group has ended meanwhile,
// and its last events with it.
func (w *waiter) retell(a *replica.Answer) {
	if w.what.Retell == nil || a.Err != nil ||
		len(a.Results) != 1 || a.Results[0].Reply.Kind != caucus.KindError {
		return
	}
	past, cancel := context.WithCancel(context.Background())
	cancel()
	payloads := make([]string, 0, len(w.heard))
	for messages, err := w.heard, error(nil); err == nil; {
		for _, m := range messages {
			payloads = append(payloads, m.Payload)
		}
		messages, err = w.ear.Next(past) // what was read is newer than what was heard; the rest is here by now
	}
	if reply, ok := w.what.Retell(payloads); ok {
		a.Results[0].Reply = reply
	}
}
