package client

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/follow"
)

// Events gives what happens in a group from now on, until ctx ends or the loop is left, on a connection of
// its own. It goes on at another node when the one that it listens to is lost, without a gap in Seq within
// a life of the group and without an event twice: what was missed is read again. Where that is no longer
// kept, an event of kind "gap" says so. Messages that do not pass through the log have no Seq; they may be
// lost meanwhile, as N shows.
//
// A group that does not exist is waited for. While no node can be reached it tries on. An error is the last
// thing that it gives: that ctx has ended, or that no node will ever answer, as with a wrong password.
func (c *Client) Events(ctx context.Context, group string) iter.Seq2[Event, error] {
	return c.events(ctx, group, func() *follow.Place { return follow.Now(group) })
}

// EventsFrom is Events that begins with the event of that Seq; the last 1,024 of a group are kept. With 0 it
// begins with the oldest, and says that there is a gap before it unless it is the first of the group's life.
func (c *Client) EventsFrom(ctx context.Context, group string, seq uint64) iter.Seq2[Event, error] {
	return c.events(ctx, group, func() *follow.Place { return follow.From(group, seq) })
}

func (c *Client) events(ctx context.Context, group string, at func() *follow.Place) iter.Seq2[Event, error] {
	return loop(ctx, c, "events of "+group, func(yield func(Event, error) bool) error {
		r := &reader{c: c, place: at(), yield: yield,
			hears: []caucus.Command{{"SUBSCRIBE", caucus.EventChannel(group)}}}
		return r.run(ctx)
	})
}

// loop makes an iterator of a run that hands out what it reads. The error that the run ends with is the last
// thing given, unless the loop was left, which the run tells by errLoopLeft.
func loop[T any](ctx context.Context, c *Client, of string,
	run func(yield func(T, error) bool) error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		err := c.firm()
		if err == nil {
			err = run(yield)
		}
		if errors.Is(err, errLoopLeft) {
			return // whatever became of ctx: nothing can be given any more
		}
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		var none T
		yield(none, fmt.Errorf("client: %s: %w", of, err))
	}
}

// firm fails for a client whose reads may be stale: one that goes back in time would read events twice.
func (c *Client) firm() error {
	if !c.cfg.Stale {
		return nil
	}
	return caucus.Errorf(caucus.ErrBad, "client: what is read here must not be stale; leave Config.Stale out")
}

// reader is one loop over the events of a group.
type reader struct {
	c     *Client
	hears []caucus.Command // what is sent to listen at a node
	place *follow.Place
	yield func(Event, error) bool
	ready func() // called when it has begun to listen at a node; may be nil
	wait  pause
}

var errLoopLeft = errors.New("the loop was left")

// run listens at one node after the other until ctx ends, the loop is left, or no node would do.
func (r *reader) run(ctx context.Context) error {
	return r.c.nodeByNode(ctx, &r.wait, func(after string) (string, error) {
		e, err := r.c.hear(ctx, after, r.hears...)
		if err != nil {
			return "", err
		}
		defer r.place.Lost()
		defer e.close()
		if r.ready != nil {
			r.ready()
		}
		return e.addr, r.listen(ctx, e)
	})
}

// nodeByNode has somebody read at one node after the other, until ctx ends or what read ends with is no
// matter of that node. Read begins behind a node that was read at before, and says at which it did.
func (c *Client) nodeByNode(ctx context.Context, wait *pause, read func(after string) (string, error)) error {
	for after := ""; ; {
		addr, err := read(after)
		if addr != "" {
			after = addr
		}
		if final(err) || !passing(err) {
			return err
		}
		if err := errors.Join(c.open(), wait.wait(ctx)); err != nil {
			return err
		}
	}
}

// quiet is for how many times Config.Timeout a node may be silent before it is asked whether it is still in
// touch with the others: one that is cut off or stopped would not say.
const quiet = 3

// listen hands out what one node has, until that fails.
func (r *reader) listen(ctx context.Context, e *ear) error {
	err := r.catchUp(ctx, e.addr)
	for err == nil {
		r.wait = pause{}
		var payload string
		payload, err = e.next(quiet * r.c.cfg.Timeout)
		switch {
		case errors.Is(err, errQuiet):
			r.place.Lost()
			err = r.catchUp(ctx, e.addr)
		case err != nil:
			err = &lostError{e.addr, false, err}
		default:
			err = r.hand(r.place.Heard(payload))
			if err == nil {
				err = r.catchUp(ctx, e.addr)
			}
		}
	}
	return err
}

// catchUp asks the node that is listened to what must be known before anything can be handed out, on a
// connection of its own.
func (r *reader) catchUp(ctx context.Context, addr string) error {
	cmd, ok := r.place.Ask()
	if !ok {
		return nil
	}
	l, err := r.c.cfg.connect(ctx, addr)
	if err != nil {
		return err
	}
	defer l.close()
	for ; ok && err == nil; cmd, ok = r.place.Ask() {
		err = r.ask(ctx, l, cmd)
	}
	return err
}

func (r *reader) ask(ctx context.Context, l *link, cmd caucus.Command) error {
	ctx, cancel := context.WithTimeout(ctx, r.c.cfg.Timeout)
	defer cancel()
	replies, err := l.do(ctx, cmd)
	if err != nil {
		return err
	}
	return r.hand(r.place.Answered(replies[0]))
}

// hand gives events to the loop.
func (r *reader) hand(events []follow.Event, err error) error {
	for _, e := range events {
		event, err := ParseEvent(e.JSON)
		if err != nil {
			return err
		}
		if !r.yield(event, nil) {
			return errLoopLeft
		}
	}
	return err
}

// hear listens at any node, as the commands say, of which the last subscribes. It tries them in turn for at
// most Config.Timeout.
func (c *Client) hear(ctx context.Context, after string, cmds ...caucus.Command) (*ear, error) {
	within, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	var wait pause
	var last error // that says more than that the time is up
	for {
		for _, addr := range c.book.all(after) {
			e, err := c.cfg.listen(ctx, addr, cmds...)
			if err == nil {
				return e, nil
			}
			if final(err) {
				return nil, err
			}
			last = reason(ctx, last, err)
		}
		if err := wait.wait(within); err != nil {
			return nil, notApplied(last, err)
		}
	}
}
