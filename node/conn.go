package node

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/metrics"
	"github.com/caucus-project/caucus/internal/replica"
	"github.com/caucus-project/caucus/internal/talk"
	"github.com/caucus-project/caucus/internal/waist"
)

// conn is one conversation with this node.
type conn struct {
	n       *Node
	id      uint64
	talk    *talk.Talk
	answer  chan replica.Answer // of the batch in flight; one at a time
	flight  *flight             // that was started; under the lock of flights
	beat    time.Time           // when a beat was last sent for commands that need no answer from the ensemble
	giant   time.Time           // when the last giant pipeline came (shares)
	tooFast int                 // commands of the plan that is being made which are refused for their rate

	close sync.Once
}

func (n *Node) converse(info waist.ConnInfo) *conn {
	id := n.conns.Add(1)
	var beside *talk.Talk
	if other, ok := info.Beside.(interface{ spoken() *talk.Talk }); ok {
		beside = other.spoken()
	}
	c := &conn{n: n, id: id, answer: make(chan replica.Answer, 1)}
	c.talk = talk.New(talk.Config{
		Conn: id, Table: n.table, NewID: randomID, Settle: n.cfg.settleMillis(),
		Detached: info.Detached, Unbound: info.Unbound, Session: info.Session, Seen: info.Seen, Beside: beside,
		Clock: n.ensembleTime, User: speaker(info),
		Share: func(commands int) int { return n.shares.of(commands, time.Now()) },
		Authorize: func(user string, s *command.Spec, cmd caucus.Command) *caucus.Error {
			err := n.authorize(waist.Asker{User: user, Multi: c.talk.Gathers(), About: info.About}, s, cmd)
			if err != nil && err.Is(caucus.ErrTryAgain) {
				c.tooFast++
			}
			return err
		},
		Node: func(cmd caucus.Command) caucus.Reply {
			return n.local(asCaller(n.ctx, c.talk.User()), cmd)
		},
	})
	return c
}

// speaker gives who speaks in a conversation: a user, unless he is in this process (SAFETY A6).
func speaker(info waist.ConnInfo) string {
	switch {
	case info.Node:
		return machine.NodeUser
	case info.Inside:
		return machine.ProgramUser
	}
	return info.User
}

// As makes the conversation that of a user.
func (c *conn) As(user string) {
	if !inside(c.talk.User()) {
		c.talk.As(user)
	}
}

func inside(user string) bool { return user == machine.NodeUser || user == machine.ProgramUser }

func (c *conn) spoken() *talk.Talk { return c.talk }

var errLoading = caucus.Errorf(caucus.ErrLoading,
	"this node reads its log, or has not joined its ensemble yet")

var errHung = caucus.Errorf(caucus.ErrTryAgain, "the disk of this node does not answer; use another node")

var errStopping = caucus.Errorf(caucus.ErrTryAgain, "this node is stopping")

// DoAll carries out a pipeline, as much at once as can go at once. Once a piece is refused as a
// whole, so is the rest: it would otherwise be carried out without what came before it (SAFETY A10).
func (c *conn) DoAll(ctx context.Context, cmds []caucus.Command) []caucus.Reply {
	if len(cmds) == 0 {
		return nil
	}
	c.came(len(cmds), time.Now())
	plan, used := c.talk.Plan(cmds)
	return c.doAll(ctx, plan, cmds[used:], len(cmds))
}

// doAll carries out a plan and then the rest of its pipeline, which has so many commands in all.
func (c *conn) doAll(ctx context.Context, plan *talk.Plan, rest []caucus.Command, n int) []caucus.Reply {
	replies, refused := c.carryOut(ctx, plan)
	if len(rest) > 0 {
		replies = slices.Grow(replies, n-len(replies))
	}
	for len(rest) > 0 {
		plan, used := c.talk.Plan(rest)
		rest = rest[used:]
		plan.Unread()
		if refused != nil {
			replies = append(replies, c.talk.Skip(plan)...)
			continue
		}
		answers, err := c.carryOut(ctx, plan)
		replies = append(replies, answers...)
		if err != nil {
			refused = err
		}
	}
	return replies
}

func (c *conn) carryOut(ctx context.Context, p *talk.Plan) ([]caucus.Reply, *caucus.Error) {
	c.pause(ctx, p)
	if len(p.Steps) == 0 {
		c.touch(p)
		return c.talk.Finish(p, nil), nil
	}
	var a replica.Answer
	switch {
	case p.Wait == nil:
		a = c.ask(ctx, p)
	case p.Wait.InLine():
		a = c.waitInLine(ctx, p)
	default:
		a = c.waitFor(ctx, p)
	}
	return c.conclude(p, a), a.Err
}

// came takes note of a pipeline of so many commands. What this process says itself, its beats above all, is
// nobody beside whom giants would have to go at a pace.
func (c *conn) came(commands int, now time.Time) {
	if !inside(c.talk.User()) {
		c.n.shares.came(commands, &c.giant, now)
	}
}

// part gives what of a plan counts for others.
func (c *conn) part(p *talk.Plan) part {
	return part{commands: len(p.Steps), writes: p.Writes(), refused: c.tooFast}
}

// pause waits before a plan is carried out, if it has to.
func (c *conn) pause(ctx context.Context, p *talk.Plan) {
	d := c.n.shares.pause(c.part(p), time.Now())
	if c.tooFast = 0; d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-c.n.owner.quit:
	}
}

// conclude gives the replies that an answer to a plan comes to.
func (c *conn) conclude(p *talk.Plan, a replica.Answer) []caucus.Reply {
	if a.Err == nil {
		return c.talk.Finish(p, a.Results)
	}
	if orphan, ok := c.talk.Orphan(p); ok && a.Err.Word == caucus.ErrUncertain.Word {
		c.n.owner.report(orphan)
	}
	return c.talk.Fail(p, a.Err)
}

// ask has the steps of a plan carried out.
func (c *conn) ask(ctx context.Context, p *talk.Plan) replica.Answer {
	req := &request{answer: c.answer, batch: batchOf(p)}
	req.batch.Tag = req
	c.n.shares.underway.Add(1)
	defer c.n.shares.underway.Add(-1)
	begun := time.Now()
	trail := c.n.follow(ctx, p, &req.batch, begun)
	if !c.n.owner.submit(&req.batch, c.n.patience(ctx)) {
		return replica.Answer{Err: errStopping}
	}
	a, ok := c.await(ctx)
	c.n.meter.Answered(way(p), time.Since(begun))
	if !ok {
		c.answer = make(chan replica.Answer, 1)
		a.Err = errAbandoned
	}
	c.n.arrived(trail, a.Err)
	return a
}

// batchOf gives what the replica is to do for a plan.
func batchOf(p *talk.Plan) replica.Batch {
	return replica.Batch{Steps: p.Steps, Beats: p.Beats, Promise: p.Promise, Stale: p.Stale || p.Local}
}

// way says which way a plan went.
func way(p *talk.Plan) string {
	switch {
	case p.Writes():
		return metrics.Write
	case p.Stale, p.Local:
		return metrics.Local
	}
	return metrics.Read
}

// await waits for the answer to the batch in flight. The replica answers by the deadline of ctx,
// and knows better than this what became of the batch; so only the end of the node, or of ctx for
// another reason, ends the wait.
func (c *conn) await(ctx context.Context) (a replica.Answer, ok bool) {
	for done := ctx.Done(); ; {
		select {
		case a = <-c.answer:
			return a, true
		case <-c.n.owner.quit:
			return a, false
		case <-done:
			if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return a, false
			}
			done = nil
		}
	}
}

var errAbandoned = caucus.Errorf(caucus.ErrUncertain, "nobody waited for the outcome any longer; "+
	"it may or may not be applied")

// touch shows the leader that a session lives whose client sent something that this node answers by itself.
func (c *conn) touch(p *talk.Plan) {
	if len(p.Beats) == 0 || time.Since(c.beat) < 100*time.Millisecond {
		return
	}
	c.beat = time.Now()
	c.n.owner.submit(&replica.Batch{Beats: p.Beats}, c.n.cfg.RequestTimeout)
}

// patience gives how long an answer may take.
func (n *Node) patience(ctx context.Context) time.Duration {
	if at, ok := ctx.Deadline(); ok {
		return min(n.cfg.RequestTimeout, time.Until(at))
	}
	return n.cfg.RequestTimeout
}

// Session gives the id of the session that the conversation carries.
func (c *conn) Session() string { return c.talk.Session() }

// Close ends the conversation. A connection that the client's side was seen to close drops its session.
func (c *conn) Close(lost bool) {
	c.close.Do(func() {
		if s, attach, ok := c.talk.Dropped(); ok && lost {
			c.n.owner.drop(s, attach)
		}
	})
}
