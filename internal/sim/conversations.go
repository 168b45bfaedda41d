package sim

import (
	"slices"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/lease"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/replica"
	"github.com/caucus-project/caucus/internal/talk"
)

// patience is how long a node gives a request.
const patience = second

// endpoint is the client's end of a connection.
type endpoint interface {
	// answered brings the replies to a pipeline, in the order in which pipelines were sent.
	answered(c *conn, r *request)
	// lost says that the connection broke.
	lost(c *conn)
	// vouches says that only the client itself can close its connection (SAFETY A4, GRACE 0).
	vouches() bool
}

// conn is a client's connection to a node, and the conversation on the node's end of it.
type conn struct {
	w    *World
	n    *node
	id   uint64
	end  endpoint
	talk *talk.Talk

	inside               bool // both ends are in the node's process
	clientOpen, nodeOpen bool
	closing              bool  // the node has read the end of the client's side
	stuck                int64 // true time until which nothing gets through
	toNode, toClient     int64 // when the last that was sent arrives

	pending []*request
	current *request
	plan    *talk.Plan
	asked   int64           // true time at which the plan was submitted
	first   *replica.Answer // to the plan when it waits in line, nil when it does not
	over    *caucus.Reply   // what an entry has made of that wait
	hears   map[string]bool // feeds of its node whose messages it gets
	heard   map[voice]heard // the last of each sender
	refused *caucus.Error
}

// request is a pipeline and what became of it.
type request struct {
	cmds    []caucus.Command
	channel string // of a member's own messages, to be listened to; then there are no commands
	asked   lease.Asked
	used    int
	replies []caucus.Reply
}

// dial connects to a node, which it does not if nobody listens.
func (w *World) dial(n *node, end endpoint) *conn {
	if n == nil || n.r == nil || n.paused() {
		return nil
	}
	c := w.converse(n, end)
	n.conns = append(n.conns, c)
	return c
}

// converse begins a conversation with a node.
func (w *World) converse(n *node, end endpoint) *conn {
	w.nextID++
	c := &conn{w: w, n: n, id: w.nextID, end: end, clientOpen: true, nodeOpen: true,
		hears: map[string]bool{}, heard: map[voice]heard{}}
	cfg := talk.Config{Conn: c.id, Table: n.custom.table, NewID: w.newID, Settle: 50}
	if _, c.inside = end.(*insider); c.inside {
		cfg.User = machine.NodeUser
	}
	c.talk = talk.New(cfg)
	return c
}

// arrival gives when what is sent now arrives, after all that was sent before.
func (c *conn) arrival(last *int64) int64 {
	if c.w.plan.exact || c.inside {
		*last = c.w.now + 1
		return *last
	}
	at := max(c.w.now+c.w.between(50, 2*millisecond), *last)
	if !c.w.calm && c.w.chance(3) {
		at += c.w.between(0, 100*millisecond)
	}
	if c.stuck > c.w.now {
		at = max(at, c.stuck+c.w.between(0, 5*millisecond))
	}
	*last = at
	return at
}

// ask sends a pipeline.
func (c *conn) ask(cmds ...caucus.Command) *request {
	return c.request(&request{cmds: cmds})
}

func (c *conn) request(r *request) *request {
	c.w.at(c.arrival(&c.toNode), func() { c.arrived(r) })
	return r
}

func (c *conn) arrived(r *request) {
	if c.nodeOpen {
		c.n.input(func(now replica.Time) { c.take(now, r) })
	} else if c.n.r != nil {
		c.breakOff() // nobody knows this connection here: a reset
	}
}

func (c *conn) take(now replica.Time, r *request) {
	if !c.nodeOpen {
		return
	}
	c.pending = append(c.pending, r)
	c.advance(now)
}

// advance carries out what can be carried out: one plan at a time (SAFETY A10).
func (c *conn) advance(now replica.Time) {
	for c.nodeOpen && c.plan == nil {
		if c.current == nil {
			if len(c.pending) == 0 {
				break
			}
			c.current, c.pending, c.refused = c.pending[0], c.pending[1:], nil
		}
		c.begin(now)
	}
	if c.closing && c.nodeOpen && c.plan == nil {
		c.drop(now)
	}
}

// begin plans the next piece of the pipeline.
func (c *conn) begin(now replica.Time) {
	r := c.current
	plan := c.planNext(r)
	switch {
	case c.refused != nil:
		c.finish(c.talk.Skip(plan))
	case len(plan.Steps) == 0:
		c.finish(c.talk.Finish(plan, nil))
	default:
		c.plan, c.asked = plan, c.w.now
		c.n.more = true
		c.n.r.Submit(now, &replica.Batch{Steps: plan.Steps, Beats: plan.Beats, Promise: plan.Promise,
			Stale: plan.Stale || plan.Local, Deadline: now.Mono + patience, Tag: c})
	}
}

func (c *conn) planNext(r *request) *talk.Plan {
	if r.channel != "" {
		return c.talk.Feed(r.channel)
	}
	plan, used := c.talk.Plan(r.cmds[r.used:])
	if r.used > 0 {
		plan.Unread()
	}
	r.used += used
	return plan
}

// answered takes what became of the plan.
func (c *conn) answered(a replica.Answer) {
	if c.plan == nil {
		c.w.fail("%s answered a request twice", c.n.name)
		return
	}
	late := c.w.now - c.asked - patience
	if late > 150*millisecond && c.n.resumed < c.asked {
		c.w.fail("%s answered %s too late", c.n.name, clockText(late))
	}
	plan := c.plan
	if c.inLine(plan, &a) {
		return
	}
	c.plan = nil
	if !c.nodeOpen {
		return
	}
	if c.refused = a.Err; a.Err != nil {
		c.finish(c.talk.Fail(plan, a.Err))
	} else {
		c.finish(c.talk.Finish(plan, a.Results))
	}
	c.advance(c.n.clock.time())
}

// finish takes replies, and sends them when the pipeline is done.
func (c *conn) finish(replies []caucus.Reply) {
	r := c.current
	r.replies = append(r.replies, replies...)
	if r.used < len(r.cmds) {
		return
	}
	c.current = nil
	c.subscribe(r)
	c.w.at(c.arrival(&c.toClient), func() {
		if c.clientOpen {
			c.end.answered(c, r)
		}
	})
}

// close ends the connection from the client's side: the node reads what was sent before, and then the end.
func (c *conn) close() {
	if !c.clientOpen {
		return
	}
	c.clientOpen = false
	c.w.at(c.arrival(&c.toNode), func() {
		if c.nodeOpen {
			c.n.input(func(now replica.Time) {
				c.closing = true
				c.advance(now)
			})
		}
	})
}

// vanish is a client whose host is gone: nobody closes anything.
func (c *conn) vanish() { c.clientOpen = false }

// reset is something on the way that breaks the connection on the node's side: the node sees a close
// that the client did not make.
func (c *conn) reset() {
	if !c.nodeOpen || c.end.vouches() {
		return
	}
	c.n.input(func(now replica.Time) {
		if c.nodeOpen {
			c.pending = nil
			c.closing = true
			c.advance(now)
		}
	})
	if c.w.chance(50) {
		c.breakOff()
	}
}

// shut is the node closing the connection, which says nothing about the client (SAFETY A4).
func (c *conn) shut() {
	c.forget()
	c.breakOff()
}

// nodeGone is the end of the node's process, and with rudely of its host.
func (c *conn) nodeGone(rudely bool) {
	c.nodeOpen = false
	if !rudely {
		c.breakOff()
	}
}

// breakOff tells the client that its connection broke.
func (c *conn) breakOff() {
	c.w.at(c.arrival(&c.toClient), func() {
		if c.clientOpen {
			c.clientOpen = false
			c.end.lost(c)
		}
	})
}

// drop reports that the client's side closed.
func (c *conn) drop(now replica.Time) {
	c.forget()
	if s, attach, ok := c.talk.Dropped(); ok {
		c.w.note(c.n.name, "drop", attach)
		c.n.more = true
		c.n.r.Drop(now, s, attach)
	}
}

func (c *conn) forget() {
	c.nodeOpen = false
	if i := slices.Index(c.n.conns, c); i >= 0 {
		c.n.conns = slices.Delete(c.n.conns, i, i+1)
	}
}
