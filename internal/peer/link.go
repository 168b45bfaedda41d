package peer

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// link is the connection that this node dials to one peer, and the queue of what goes there. Its run is the
// only goroutine that dials and writes.
type link struct {
	t      *Transport
	id     uint64
	ctx    context.Context
	cancel context.CancelFunc
	wake   chan struct{} // something was queued
	urge   chan struct{} // do not wait any longer before the next dial

	mu      sync.Mutex
	addr    string
	line    *line   // nil while there is no connection
	queue   []Frame // only what came in since the connection stands
	spare   []Frame // the queue before, empty, to be used again
	bytes   int     // queued or being written
	removed bool
	dropped uint64
}

func newLink(t *Transport, id uint64, addr string) *link {
	l := &link{t: t, id: id, addr: addr, wake: make(chan struct{}, 1), urge: make(chan struct{}, 1)}
	l.ctx, l.cancel = context.WithCancel(t.ctx)
	return l
}

// errNotYet is why a node that belongs to no cluster dials nobody.
var errNotYet = errors.New("peer: this node does not belong to a cluster yet")

// run keeps the connection up until the peer is removed or the Transport closed.
func (l *link) run() {
	defer l.cancel()
	wait, reported := l.t.opts.BackoffMin, ""
	for l.ctx.Err() == nil {
		begun := time.Now()
		stood, err := l.session()
		reported = l.report(stood, err, reported)
		// A connection that breaks as soon as it stands must not be made a hundred times a second.
		if stood && time.Since(begun) > l.t.opts.BackoffMax {
			wait = l.t.opts.BackoffMin
		}
		if l.pause(wait) {
			wait = l.t.opts.BackoffMin
			continue
		}
		wait = min(2*wait, l.t.opts.BackoffMax)
	}
}

// report logs why a peer cannot be reached, once for each reason, and gives the reason it logged last.
func (l *link) report(stood bool, err error, last string) string {
	if stood {
		return ""
	}
	if l.ctx.Err() != nil || errors.Is(err, errNotYet) {
		return last
	}
	reason, level := "unreachable", slog.LevelWarn
	if r, ok := refusalIn(err); ok {
		if !r.Mine {
			l.t.handler.Refused(l.id, r)
		}
		reason = r.Text
		switch r.Code {
		case RefusedUnready:
			level = slog.LevelDebug // every join begins like that
		case RefusedMistaken:
			level = slog.LevelInfo // the address belongs to another now
		}
	}
	if reason != last {
		l.t.log.Log(l.ctx, level, "cannot reach a peer, trying on", "peer", l.id, "addr", l.address(), "err", err)
	}
	return reason
}

// pause waits before the next dial; true when it was cut short because the next may well succeed. Even then
// it waits the shortest while, so that two nodes which keep hurrying each other do not spin.
func (l *link) pause(wait time.Duration) (urged bool) {
	shortest := time.NewTimer(l.spread(l.t.opts.BackoffMin))
	defer shortest.Stop()
	rest := time.NewTimer(l.spread(wait))
	defer rest.Stop()
	select {
	case <-rest.C:
		return false
	case <-l.ctx.Done():
		return false
	case <-l.urge:
	}
	select {
	case <-shortest.C:
	case <-l.ctx.Done():
	}
	return true
}

// spread takes up to half off a wait, so that nodes do not all dial at the same moment.
func (l *link) spread(wait time.Duration) time.Duration {
	return wait/2 + time.Duration(l.t.opts.Jitter()*float64(wait/2))
}

// session makes one connection and uses it until it breaks. Stood says whether it came about.
func (l *link) session() (stood bool, err error) {
	if !l.t.Identity().belongs() {
		return false, errNotYet
	}
	line, err := l.t.connect(l.ctx, l.address(), ForFrames, l.id)
	if err != nil {
		return false, err
	}
	defer line.Close()
	if !l.stand(line) {
		return false, ErrClosed
	}
	l.t.count.connects.Add(1)
	l.t.grumble.Info("connected to a peer", "peer", l.id, "addr", line.greeting.Remote)
	l.t.handler.Up(l.id, To)
	err = l.carry(line)
	l.fall()
	if l.t.ctx.Err() == nil {
		why := Loss{Way: To, Cause: l.cause(err), Err: err}
		l.t.grumble.Info("lost the connection to a peer", "peer", l.id, "cause", why.Cause.String(), "err", err)
		l.t.handler.Down(l.id, why)
	}
	return true, err
}

func (l *link) cause(err error) Cause {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.removed {
		return Removed
	}
	return causeOf(err)
}

// carry writes what is queued, and listens for the peer's pings, until either fails. It gives the first
// error of both.
func (l *link) carry(line *line) error {
	var once sync.Once
	var first error
	over := make(chan struct{})
	end := func(err error) {
		once.Do(func() {
			first = err
			close(over)
			line.Close()
		})
	}
	var listening sync.WaitGroup
	listening.Go(func() { end(listen(line)) })
	end(l.write(line, over))
	listening.Wait()
	return first
}

// listen reads the pings, the only thing that comes back on a connection for frames. It is what notices
// that the peer is gone, at once or after its silence.
func listen(line *line) error {
	r := newFrameReader(line, 0)
	for {
		if _, err := r.next(); err != nil {
			return err
		}
	}
}

// write has no deadline: a peer that reads slowly is not cut off (SAFETY A7), its frames are dropped by push.
// One that is gone is noticed by listen, which closes the line.
func (l *link) write(line *line, over <-chan struct{}) error {
	tick := time.NewTicker(l.t.opts.PingEvery)
	defer tick.Stop()
	var p parcel
	idle := true
	for {
		select {
		case <-over:
			return nil
		case <-l.wake:
			idle = false
			if err := l.drain(line, &p); err != nil {
				return err
			}
		case <-tick.C:
			if idle {
				if _, err := line.Write(appendFrame(nil, Frame{Type: typePing})); err != nil {
					return err
				}
			}
			idle = true
		}
	}
}

// drain writes everything that is queued, in as few pieces as is sensible.
func (l *link) drain(line *line, p *parcel) error {
	frames := l.take()
	for rest := frames; len(rest) > 0; {
		n, size := p.fill(rest)
		if err := p.writeTo(line.Conn); err != nil {
			l.lose(len(rest))
			return err
		}
		rest = rest[n:]
		l.written(size)
		l.t.count.writes.Add(1)
		l.t.count.framesSent.Add(uint64(n))
		l.t.count.bytesSent.Add(uint64(size))
	}
	l.giveBack(frames)
	return nil
}

// stand opens the queue; false when the peer was removed meanwhile.
func (l *link) stand(line *line) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.removed || l.ctx.Err() != nil {
		return false
	}
	l.line = line
	return true
}

// fall closes the queue and empties it: what waits now is stale when the next connection stands.
func (l *link) fall() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line = nil
	l.lost(len(l.queue))
	l.queue, l.spare, l.bytes = nil, nil, 0
	select {
	case <-l.wake:
	default:
	}
}

func (l *link) lose(frames int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost(frames)
}

// lost counts frames that were taken but will not be sent; mu is held.
func (l *link) lost(frames int) {
	l.dropped += uint64(frames)
	l.t.count.dropped.Add(uint64(frames))
}

// push queues all the frames or none.
func (l *link) push(frames []Frame, most int) bool {
	size, fit := 0, true
	for _, f := range frames {
		size += frameHead + len(f.Payload)
		fit = fit && f.Type != typePing && len(f.Payload) <= l.t.opts.MaxFrame
	}
	l.mu.Lock()
	if !fit || l.line == nil || l.bytes+size > most {
		l.dropped += uint64(len(frames))
		l.mu.Unlock()
		return false
	}
	l.queue = append(l.queue, frames...)
	l.bytes += size
	l.mu.Unlock()
	notify(l.wake)
	return true
}

func (l *link) take() []Frame {
	l.mu.Lock()
	defer l.mu.Unlock()
	frames := l.queue
	l.queue, l.spare = l.spare[:0], nil
	return frames
}

func (l *link) written(size int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bytes -= size
}

// giveBack keeps the array of a queue that was written for the next but one, unless it grew very large.
func (l *link) giveBack(frames []Frame) {
	clear(frames)
	if cap(frames) > 1<<16 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.spare = frames[:0]
}

func (l *link) address() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.addr
}

func (l *link) move(addr string) {
	l.mu.Lock()
	changed := l.addr != addr
	l.addr = addr
	l.mu.Unlock()
	if changed {
		l.hurry()
	}
}

// hurry has the next dial made at once, if one is being waited for.
func (l *link) hurry() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.line == nil {
		notify(l.urge)
	}
}

func (l *link) remove() {
	l.mu.Lock()
	l.removed = true
	line := l.line
	l.mu.Unlock()
	l.cancel()
	if line != nil {
		line.Close()
	}
}

func (l *link) stats() PeerStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return PeerStats{
		ID: l.id, Addr: l.addr, To: l.line != nil, QueueBytes: l.bytes, Dropped: l.dropped,
	}
}

func notify(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
