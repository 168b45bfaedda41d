package respd

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/certs"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/resp"
	"github.com/caucus-project/caucus/internal/waist"
)

// client is one connection. It belongs to one goroutine at a time: its own, or that of whoever has the turn
// in its lane. What others look at is atomic or under gate.
type client struct {
	s      *Server
	id     uint64
	conn   net.Conn
	in     *resp.Reader
	out    *outbox
	talk   waist.Conn
	lane   *lane // nil until it takes it for the first time
	ctx    context.Context
	cancel context.CancelFunc
	born   time.Time
	bearer certs.Bearer // of a certificate

	proven  bool // it need not, or did, log in; written under gate
	denied  bool // it comes from elsewhere, and there is no password
	leaving bool // it is closed once its replies are written
	byWord  bool // it asked to be closed
	failed  bool // the last reply was an error

	dismissed atomic.Bool // it is closed after the answers to its pipeline

	ours  atomic.Bool  // the door closed it, so that its end says nothing of the client
	multi atomic.Bool  // between MULTI and EXEC
	waits atomic.Bool  // a command of its waits for its answer
	heard atomic.Int64 // when a pipeline last came, unix nanoseconds
	cmd   atomic.Pointer[command.Spec]

	halfway atomic.Int64 // since when it waits for the rest of a command, unix nanoseconds; 0 when it does not

	subscribed, psubscribed atomic.Int64

	// gate keeps what changes the meaning of pushes (channels, protocol) and the bytes that say so together.
	gate     sync.Mutex
	who      waist.Login
	proto    int
	name     string
	library  [2]string // name and version
	sub      waist.Subscription
	tracking tracking
	names    int               // bytes of the budget, for channels and patterns
	channels map[string]string // what the server's feed calls each
	patterns map[string]string
	pumping  sync.WaitGroup

	queue   queue            // a transaction that is being gathered
	pending []caucus.Command // of this pipeline, for the server
	specs   []*command.Spec  // their rows, nil for what is no command
	instead []*caucus.Error  // for those of them that the door refuses
	calls   calls            // those that were answered last and are not counted yet
}

func newClient(s *Server, conn net.Conn, id uint64) *client {
	c := &client{s: s, id: id, conn: conn, proto: 2, born: s.cfg.Now(),
		bearer: certs.Of(conn),
		out:    newOutbox(conn, s.cfg.WriteTimeout, &s.tally.out, s.cfg.Limits.Budget),
		queue:  queue{Holding: s.cfg.Limits.Budget.Holding()}}
	c.in = resp.NewReader(inlet{c}, s.cfg.Limits)
	c.heard.Store(c.born.UnixNano())
	c.ctx, c.cancel = context.WithCancel(s.ctx)
	return c
}

// serve begins the life of a connection, on a goroutine that it has until it takes a lane, if it does.
func (c *client) serve() {
	c.greet()
	talk, err := c.s.cfg.Server.Open(waist.ConnInfo{User: c.who.User, About: c.describe})
	if err != nil {
		farewell(c.conn, resp.Append(nil, 2, errorReply(err)))
		c.cancel()
		c.s.leave(c)
		return
	}
	c.talk = talk
	c.s.cfg.Log.Debug("client connected", "id", c.id, "from", c.conn.RemoteAddr())
	c.admit()
	c.converse()
}

// end is the end of a connection, for whatever reason.
func (c *client) end(why error) {
	defer c.s.leave(c)
	defer c.cancel()
	lost := c.wasLost(why)
	c.s.cfg.Log.Debug("client gone", "id", c.id, "lost", lost, "reason", why)
	c.talk.Close(lost)
	c.closeSubscription()
	if c.leaving {
		farewell(c.conn, nil)
	}
	closeQuietly(c.conn)
	if c.lane != nil {
		c.lane.forget()
	}
	c.pumping.Wait()
	c.in.Release()
	c.queue.shrink(0)
	c.out.release()
}

// errorReply makes a reply of any error.
func errorReply(err error) caucus.Reply {
	var known *caucus.Error
	if errors.As(err, &known) {
		return caucus.ErrorReply(known)
	}
	return caucus.Fail(caucus.ErrBad, "%v", err)
}

// wasLost says whether the client's side was seen to close the connection, which starts the grace of its
// session; QUIT is such a close too. All else is silence (SAFETY A4).
func (c *client) wasLost(err error) bool {
	if c.ours.Load() {
		return false
	}
	return c.byWord || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE)
}

// converse serves pipeline after pipeline, until the end or until the connection takes its lane. The next is
// read only when the replies to the last have been written.
func (c *client) converse() {
	for !c.takeLane() {
		reqs, err := c.in.ReadBatch()
		if over, why := c.pipeline(reqs, err); over {
			c.end(why)
			return
		}
		if c.in.More() {
			runtime.Gosched() // others first
		}
	}
}

// pipeline carries out what was read, and says whether it was the last, and why.
func (c *client) pipeline(reqs []resp.Request, err error) (over bool, why error) {
	c.batch(reqs)
	var broken *caucus.Error
	switch {
	case errors.As(err, &broken):
		c.say(caucus.ErrorReply(broken))
		c.leaving = true
		c.ours.Store(true)
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.ours.Store(true) // idle without a password, or the door closes
	}
	if err := c.out.flush(); err != nil {
		return true, c.writeFailed(err)
	}
	if err != nil || c.leaving {
		return true, err
	}
	if c.over() {
		c.ours.Store(true)
		return true, nil
	}
	return false, nil
}

// over says whether the door wants no further pipeline of this client.
func (c *client) over() bool { return c.s.closing.Load() || c.dismissed.Load() }

// writeFailed takes note of a client that took nothing for too long.
func (c *client) writeFailed(err error) error {
	slow, many := errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, errNoRoom)
	if (slow || many) && !c.ours.Swap(true) {
		c.s.cut.Add(1)
		c.s.grumble.Warn("client cut: it does not read its replies", "id", c.id, "from", c.conn.RemoteAddr(),
			"error", err)
	}
	return err
}

// interrupt ends the wait for the next pipeline.
func (c *client) interrupt() {
	if err := c.conn.SetReadDeadline(time.Unix(1, 0)); err != nil {
		c.hangUp()
		return
	}
	c.look()
}

// hangUp closes the connection from the door's side, whatever it is at.
func (c *client) hangUp() {
	c.ours.Store(true)
	c.cancel()
	closeQuietly(c.conn)
	c.look()
}

// batch carries out a pipeline. What the server carries out is gathered and goes as one; what the door
// answers stands between.
func (c *client) batch(reqs []resp.Request) {
	if len(reqs) == 0 {
		return
	}
	c.s.commands.Add(uint64(len(reqs)))
	c.heard.Store(c.s.cfg.Now().UnixNano())
	for i := range reqs {
		if c.leaving {
			break
		}
		c.request(&reqs[i])
	}
	c.run()
}

func (c *client) request(req *resp.Request) {
	if speaksHTTP(req.Args) {
		c.turnAway()
		return
	}
	var spec *command.Spec
	err := req.Err
	if err == nil {
		if spec, err = c.s.cfg.Table.Lookup(req.Args); spec != nil {
			c.cmd.Store(spec)
		}
	}
	if no := c.mayNot(spec, req.Args); no != nil {
		c.run()
		c.s.tally.rejected(spec)
		if c.multi.Load() {
			c.gather(nil, nil, no) // the server hears of it: it spoils a transaction
			return
		}
		c.say(caucus.ErrorReply(no))
		return
	}
	switch {
	case req.Err != nil:
		c.gather(nil, nil, err) // the server hears of it all the same: it spoils a transaction
		return
	case spec == nil:
		c.gather(req.Args, nil, nil) // the server finds the same mistake
		return
	}
	if spec.Name == "getdump" && !c.multi.Load() && !c.listensOnly() {
		c.dump(spec, req.Args)
		return
	}
	if spec.Home != command.Door && spec.Name != "reset" && !c.listensOnly() {
		if _, waits := spec.Waits(req.Args); waits {
			c.wait(req.Args, spec)
			return
		}
		c.gather(req.Args, spec, nil)
		return
	}
	c.run()
	switch {
	case c.multi.Load() && spec.Name != "quit" && spec.Name != "reset":
		c.gather(req.Args, spec, nil)
	case c.listensOnly() && !mayListening(spec):
		c.say(caucus.Fail(caucus.ErrBad, "Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / "+
			"QUIT / RESET are allowed in this context", strings.ReplaceAll(spec.Name, "|", " ")))
	default:
		begun := c.s.cfg.Now()
		c.failed = false
		c.door(spec, req.Args)
		c.s.tally.called(spec, c.s.cfg.Now().Sub(begun), c.failed)
	}
}

// speaksHTTP knows the first words of an HTTP request. A web page can make a browser on this machine send one
// here, with commands of its own as the body; or greet by TLS, and the page chooses bytes of that, too.
func speaksHTTP(cmd caucus.Command) bool {
	return len(cmd) > 0 && (strings.EqualFold(cmd[0], "post") || strings.EqualFold(cmd[0], "host:") ||
		strings.HasPrefix(cmd[0], "\x16\x03"))
}

// turnAway ends the conversation with a client that speaks HTTP. What followed is not carried out.
func (c *client) turnAway() {
	c.run()
	c.s.grumble.Warn("client turned away: it speaks HTTP or TLS at the door for RESP",
		"from", c.conn.RemoteAddr())
	c.say(caucus.Fail(caucus.ErrBad, "Protocol error: this door speaks RESP, not HTTP"))
	c.leaving = true
	c.ours.Store(true)
}

func (c *client) gather(cmd caucus.Command, spec *command.Spec, instead *caucus.Error) {
	if c.multi.Load() && spec != nil && !c.queue.takes(cmd) && !c.ends(cmd) {
		cmd, spec, instead = nil, nil, errQueue
	}
	if spec != nil && c.tracking.on {
		c.track(cmd, spec)
	}
	c.pending = append(c.pending, cmd)
	c.specs = append(c.specs, spec)
	c.instead = append(c.instead, instead)
}

// run has the gathered commands carried out and adds their replies.
func (c *client) run() { c.runUntil(c.ctx) }

// runUntil does so while ctx lasts.
func (c *client) runUntil(ctx context.Context) {
	if len(c.pending) == 0 {
		return
	}
	begun := c.s.cfg.Now()
	replies := c.talk.DoAll(ctx, c.pending)
	c.reply(replies, c.s.cfg.Now().Sub(begun), 0)
}

// reply adds the replies to the gathered commands from the nth on. Those to one pipeline took equally long.
func (c *client) reply(replies []caucus.Reply, took time.Duration, nth int) {
	defer c.hold(replies, nth)()
	for i := nth; i < len(c.pending); i++ {
		c.say(c.conclude(replies, i, took))
	}
	c.concluded()
	if c.tracking.on {
		c.catchUp()
	}
}

// conclude gives the reply to the ith of the gathered commands, and takes note of it.
func (c *client) conclude(replies []caucus.Reply, i int, took time.Duration) caucus.Reply {
	var reply caucus.Reply
	switch {
	case c.instead[i] != nil:
		reply = caucus.ErrorReply(c.instead[i])
	case i < len(replies):
		reply = replies[i]
	default:
		reply = caucus.Fail(caucus.ErrUncertain, "the outcome is not known")
	}
	c.follow(c.pending[i], reply)
	if took > slowerThan && i == 0 && !c.waits.Load() {
		c.s.slow.note(c, c.pending[i], took)
	}
	c.s.tally.another(&c.calls, c.specs[i], took, reply.Kind == caucus.KindError)
	return reply
}

// concluded counts the gathered commands, as far as they were answered, and forgets them.
func (c *client) concluded() {
	c.s.tally.settle(&c.calls)
	clear(c.pending)
	c.pending, c.specs, c.instead = c.pending[:0], c.specs[:0], c.instead[:0]
}

// say adds a reply. Replies are written when the pipeline is done, or many bytes wait.
func (c *client) say(r caucus.Reply) {
	if isLarge(&r) {
		c.pour(r)
		return
	}
	if c.add(r) >= chunk {
		// A failure is met again when the pipeline is done.
		_ = c.out.flush()
	}
}

// add adds a reply and says how many bytes wait to be written.
func (c *client) add(r caucus.Reply) int {
	if c.failed = r.Kind == caucus.KindError; c.failed {
		c.s.tally.refused(r)
	}
	return c.out.add(c.proto, r)
}

// follow keeps track of transactions, in which the door's own commands have no place.
func (c *client) follow(cmd caucus.Command, r caucus.Reply) {
	if len(cmd) == 0 {
		return
	}
	switch len(cmd[0]) {
	case len("multi"):
		if strings.EqualFold(cmd[0], "multi") && r.Kind == caucus.KindStatus {
			c.multi.Store(true)
		}
	case len("exec"), len("discard"):
		if c.multi.Load() && c.ends(cmd) {
			c.multi.Store(false)
			c.queue.shrink(0)
		}
	}
}

// ends says whether a command ends the transaction that it stands in, whatever it answers. An EXEC
// with a wrong number of arguments does, another command does not.
func (c *client) ends(cmd caucus.Command) bool {
	spec, err := c.s.cfg.Table.Lookup(cmd)
	if err != nil {
		return strings.EqualFold(cmd[0], "exec")
	}
	switch spec.Name {
	case "exec", "discard":
		return true
	case "once":
		inner, err := c.s.cfg.Table.Lookup(cmd[2:])
		return err == nil && inner.Name == "exec"
	}
	return false
}
