package respd

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/resp"
	"github.com/caucus-project/caucus/internal/sockets"
	"github.com/caucus-project/caucus/internal/waist"
)

// lane is how a connection goes on without a goroutine of its own, as most do for most of their time. A
// Watch tells when something has come; what has come is read, begun, and left alone until it is answered.
// Whatever may take long, or is about the connection itself, gets a goroutine, which returns the connection
// when it has nothing more to do.
//
// Whoever has the turn owns the connection. Who finds it taken leaves word that there is something to see.
type lane struct {
	sock    *sockets.Socket
	watch   *sockets.Watch
	starter waist.Starter
	forget  func()
	done    func([]caucus.Reply)
	turn    atomic.Int32
	here    bool      // the connection is in its lane, so that reading does not wait
	left    int       // bytes that may be read in this turn
	begun   time.Time // the pipeline that is under way
}

// What the turn can be.
const (
	resting = iota // nobody has it
	busy
	called // somebody has it, and there is something to see afterwards
)

// inlet is where a connection's bytes come in. They are counted.
type inlet struct{ c *client }

// Read implements io.Reader. In its lane a connection does not wait, nor have others wait for all of a large
// command.
func (in inlet) Read(p []byte) (n int, err error) {
	in.c.beforeReading()
	if l := in.c.lane; l != nil && l.here {
		if l.left <= 0 {
			return 0, sockets.ErrAgain
		}
		n, err = l.sock.Read(p)
		l.left -= n
	} else {
		n, err = in.c.conn.Read(p)
	}
	if n > 0 {
		in.c.wentOn()
	}
	in.c.s.tally.in.Add(uint64(n))
	return n, err
}

// takeLane goes on in the lane, if the connection has one and may be there: a stranger has his deadline. Then
// the goroutine that asks is done with it.
func (c *client) takeLane() bool {
	if !c.proven || c.denied || c.leaving || !c.mayLane() {
		return false
	}
	c.lane.here = true
	c.proceed()
	c.lane.starter.Push()
	return true
}

// mayLane says whether the connection has a lane, and gives it one if it can. One that had to begin listening
// without has a goroutine for that, and keeps both.
func (c *client) mayLane() bool {
	return c.lane != nil || c.sub == nil && c.s.lanes.give(c)
}

// stir is called when something may have come.
func (c *client) stir() {
	if c.lane.enter() {
		c.proceed()
	}
}

// look has the connection see, if it is in its lane, that it was interrupted or closed.
func (c *client) look() {
	c.s.lanes.mu.Lock()
	l := c.lane
	c.s.lanes.mu.Unlock()
	if l == nil {
		return
	}
	go func() {
		if c.ctx.Err() != nil {
			l.starter.Abandon()
		}
		c.stir()
		l.starter.Push()
	}()
}

// enter takes the turn, or leaves word.
func (l *lane) enter() bool {
	for {
		switch {
		case l.turn.CompareAndSwap(resting, busy):
			return true
		case l.turn.CompareAndSwap(busy, called), l.turn.Load() == called:
			return false
		}
	}
}

// leave gives the turn away, unless there is word to look again.
func (l *lane) leave() bool {
	if l.turn.CompareAndSwap(busy, resting) {
		return true
	}
	l.turn.Store(busy)
	return false
}

// proceed reads and begins what has come. What it need not wait for may be followed by more at once, as fast
// as a client can send: before that it is the others' turn. A command that is large goes on being read by a
// goroutine. Whoever calls proceed has the turn of the connection, which it passes on.
func (c *client) proceed() {
	c.lane.left = turnBytes
	reqs, err := c.in.ReadBatch()
	switch {
	case errors.Is(err, sockets.ErrAgain) && c.lane.left <= 0:
		go c.step(nil, nil)
	case errors.Is(err, sockets.ErrAgain):
		c.pause(false)
	case err != nil || !c.plain(reqs):
		go c.step(reqs, err)
	case c.begin(reqs):
		c.pause(c.in.More())
	}
}

// turnBytes is about how much is read of a connection before it is the others' turn.
const turnBytes = 128 << 10

// pause gives the turn away, unless there may be more to read: then the connection goes on once the Watch has
// told the others of what came to them.
func (c *client) pause(more bool) {
	if more || !c.lane.leave() {
		c.lane.watch.Later(c.proceed)
	}
}

// step leaves the lane for what was read.
func (c *client) step(reqs []resp.Request, err error) {
	c.lane.here = false
	if over, why := c.pipeline(reqs, err); over {
		c.end(why)
		return
	}
	c.converse()
}

// plain says whether a pipeline can go its way while nobody waits for it, and gathers it.
func (c *client) plain(reqs []resp.Request) bool {
	if c.listensOnly() || c.tracking.on {
		return false
	}
	queued := c.queue.bytes
	for i := range reqs {
		if !c.gatherPlain(&reqs[i]) {
			c.concluded()
			c.queue.shrink(queued) // it is gathered once more in the other way
			return false
		}
	}
	return true
}

// gatherPlain gathers a request of a pipeline that is plain so far, and says whether it still is.
func (c *client) gatherPlain(req *resp.Request) bool {
	if req.Err != nil || speaksHTTP(req.Args) {
		return false
	}
	spec, err := c.s.cfg.Table.Lookup(req.Args)
	if err != nil || !isPlain(spec, req.Args) {
		return false
	}
	c.gather(req.Args, spec, nil)
	return c.instead[len(c.instead)-1] == nil
}

// isPlain says whether a command is about the state, or transactions, and answered soon.
func isPlain(spec *command.Spec, cmd caucus.Command) bool {
	if spec.Home != command.Machine && spec.Home != command.Talk || spec.Name == "reset" {
		return false
	}
	_, waits := spec.Waits(cmd)
	return !waits
}

// begin begins the gathered pipeline, and says whether it is answered already and the next may be read.
func (c *client) begin(reqs []resp.Request) bool {
	now := c.s.cfg.Now()
	c.s.commands.Add(uint64(len(reqs)))
	c.heard.Store(now.UnixNano())
	c.cmd.Store(c.specs[len(c.specs)-1])
	c.lane.begun = now
	replies := c.lane.starter.Start(c.ctx, c.pending, c.lane.done)
	return replies != nil && c.write(replies)
}

// much is how many bytes of commands take long to be begun, as far as others wait for that.
const much = 4 << 10

// answered writes the replies to the pipeline that was begun, and goes on. Who has sent much more already is
// not to have those wait whose answers came with his.
func (c *client) answered(replies []caucus.Reply) {
	switch {
	case !c.write(replies):
	case c.in.Buffered() > much:
		go c.proceed()
	case c.in.More() || !c.lane.leave():
		c.proceed()
	}
}

// write writes replies, and says whether the turn is still ours: a goroutine has taken it if the client does
// not take them at once, or goes.
func (c *client) write(replies []caucus.Reply) bool {
	took := c.s.cfg.Now().Sub(c.lane.begun)
	for i := range c.pending {
		if i < len(replies) && isLarge(&replies[i]) {
			go c.insist(replies, took, i)
			return false
		}
		reply := c.conclude(replies, i, took)
		if c.add(reply) >= chunk {
			go c.insist(replies, took, i+1)
			return false
		}
	}
	c.concluded()
	all, err := c.out.flushNow(c.lane.sock)
	switch {
	case err != nil || c.over():
		go c.step(nil, nil)
	case !all:
		go c.insist(nil, 0, 0)
	default:
		return true
	}
	return false
}

// insist writes the rest of the replies, from the nth on, to a client that takes them slowly.
func (c *client) insist(replies []caucus.Reply, took time.Duration, nth int) {
	c.reply(replies, took, nth)
	c.step(nil, nil)
}

// lanes are the Watches of a door, made when the first connection asks for one.
type lanes struct {
	mu      sync.Mutex
	watches []*sockets.Watch
	made    bool
	closed  bool
	next    int
	running sync.WaitGroup
}

// give gives a connection its lane, if it can have one.
func (l *lanes) give(c *client) bool {
	starter, starts := c.talk.(waist.Starter)
	conn, isSocket := c.conn.(syscall.Conn)
	if !starts || !isSocket {
		return false
	}
	sock, err := sockets.New(conn)
	if err != nil {
		return false
	}
	watch := l.watch(c.s, starter)
	if watch == nil {
		return false
	}
	// The turn is taken from the start, so that what comes at once is seen by whoever gives it away.
	way := &lane{sock: sock, watch: watch, starter: starter, done: c.answered}
	way.turn.Store(busy)
	l.mu.Lock()
	c.lane = way
	l.mu.Unlock()
	if way.forget, err = watch.Add(sock, c.stir); err != nil {
		l.mu.Lock()
		c.lane = nil
		l.mu.Unlock()
		return false
	}
	return true
}

// watch gives one of the Watches, in turn. One goroutine reads for many connections; half of the processors
// leave the other half to what is done with what was read.
func (l *lanes) watch(s *Server, starter waist.Starter) *sockets.Watch {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	if !l.made {
		l.made = true
		for range max(1, runtime.GOMAXPROCS(0)/2) {
			w, err := sockets.Open()
			if err != nil {
				break // each connection has its goroutine then, as on other systems than Linux
			}
			l.watches = append(l.watches, w)
			l.running.Go(func() { s.watch(w, starter.Push) })
		}
	}
	if len(l.watches) == 0 {
		return nil
	}
	l.next++
	return l.watches[l.next%len(l.watches)]
}

// watch runs a Watch. If it fails nobody sees any more what comes, so who is there has to come again.
func (s *Server) watch(w *sockets.Watch, push func()) {
	if err := w.Run(push); err != nil {
		s.cfg.Log.Error("the clients are cut: nothing tells any more which of them has sent something",
			"error", err)
		s.lanes.mu.Lock()
		s.lanes.watches = nil
		s.lanes.mu.Unlock()
		s.Dismiss()
	}
}

// close ends the Watches, when no connection is left.
func (l *lanes) close() {
	l.mu.Lock()
	l.closed = true
	all := l.watches
	l.mu.Unlock()
	for _, w := range all {
		closeQuietly(w)
	}
	l.running.Wait()
}
