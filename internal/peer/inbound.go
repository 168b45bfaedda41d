package peer

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"time"
)

// inbound is a connection on which a peer sends frames. There is one per peer; a newer one takes its place,
// and begins only when the former has handed over its last frame.
type inbound struct {
	line *line
	done chan struct{} // closed when nothing of it will reach the handler any more

	// Guarded by Transport.mu.
	announced bool     // the handler has been told Up
	successor *inbound // who took its place
	removed   bool     // by RemovePeer
}

func (in *inbound) id() uint64 { return in.line.greeting.From.ID }

// acceptAll runs until the listener is closed.
func (t *Transport) acceptAll() {
	for {
		conn, err := t.opts.Listener.Accept()
		if err == nil {
			t.accept(conn)
			continue
		}
		if t.ctx.Err() != nil {
			return
		}
		t.grumble.Warn("cannot accept peers", "err", err)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		// Out of files, most likely. They come back.
		select {
		case <-t.ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// accept starts serving a connection. It counts it in right here, so that strangers stand in their order.
func (t *Transport) accept(conn net.Conn) {
	l, err := t.adopt(conn)
	if err != nil {
		return // closed meanwhile, and the connection with it
	}
	if !t.admit(l) {
		t.grumble.Warn("too many peer connections", "from", conn.RemoteAddr().String())
		l.Close()
		return
	}
	if !t.begin(func() { t.serve(l) }) {
		l.Close()
	}
}

// serve owns one incoming connection from its first byte to its last.
func (t *Transport) serve(l *line) {
	defer t.dismiss()
	defer l.Close()
	if err := t.welcome(l); err != nil {
		t.turnAway(l, err)
		return
	}
	switch l.greeting.Purpose {
	case ForFrames:
		t.receive(l)
	case ForStream:
		t.receiveStream(l)
	case ForCall:
		t.answer(l)
	case ForProbe:
		linger(l.Conn, t.opts.HandshakeTimeout)
	}
}

// admit counts the connection in. When too many are in their handshake, the oldest of those goes: a real
// peer is through in milliseconds, so it is hardly ever the oldest.
func (t *Transport) admit(l *line) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.accepted >= t.opts.MaxConnections {
		return false
	}
	t.accepted++
	if len(t.strangers) >= t.opts.MaxStrangers {
		t.strangers[0].Close()
		t.strangers = t.strangers[1:]
	}
	t.strangers = append(t.strangers, l)
	return true
}

func (t *Transport) dismiss() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.accepted--
}

func (t *Transport) welcome(l *line) error {
	ctx, cancel := context.WithTimeout(t.ctx, t.opts.HandshakeTimeout)
	defer cancel()
	s := t.side(l.Conn)
	err := l.greet(ctx, func() (Greeting, error) { return s.accept(l.Conn) })
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.strangers, l); i >= 0 {
		t.strangers = slices.Delete(t.strangers, i, i+1)
	}
	return err
}

func (t *Transport) turnAway(l *line, err error) {
	if t.ctx.Err() != nil {
		return
	}
	t.count.refused.Add(1)
	if errors.Is(err, io.EOF) {
		return // somebody looked whether the port is open
	}
	if r, ok := refusalIn(err); ok && (r.Code == RefusedUnready ||
		r.Code == RefusedMistaken && !t.Identity().belongs()) {
		t.log.Debug("a peer called before this node knew its own id", "from", l.RemoteAddr().String())
		return
	}
	t.grumble.Warn("turned a peer connection away", "from", l.RemoteAddr().String(), "err", err)
	if _, ok := refusalIn(err); ok {
		linger(l.Conn, t.opts.HandshakeTimeout)
	}
}

// receive hands frames to the handler until the connection ends.
func (t *Transport) receive(l *line) {
	in := &inbound{line: l, done: make(chan struct{})}
	defer close(in.done)
	if peer := t.link(in.id()); peer != nil {
		peer.hurry()
	}
	var err error
	if t.succeed(in) {
		err = t.pump(in)
	}
	if errors.Is(err, ErrGarbled) {
		t.count.garbled.Add(1)
		t.grumble.Warn("closed a peer connection", "peer", in.id(), "err", err)
	}
	t.leave(in, err)
}

// succeed takes the place of the peer's connection before, when that one has come to rest, and says whether
// it is still wanted then.
func (t *Transport) succeed(in *inbound) bool {
	t.mu.Lock()
	before := t.incoming[in.id()]
	t.incoming[in.id()] = in
	if before != nil {
		before.successor = in
		before.line.Close()
	}
	t.mu.Unlock()
	if before != nil {
		<-before.done
	}
	t.mu.Lock()
	wanted, news := in.successor == nil, !in.announced
	in.announced = in.announced || wanted
	t.mu.Unlock()
	if wanted && news {
		t.handler.Up(in.id(), From)
	}
	return wanted
}

func (t *Transport) pump(in *inbound) error {
	stop := t.keepAlive(in.line)
	defer stop()
	defer in.line.Close()
	r := newFrameReader(in.line, t.opts.MaxFrame)
	for {
		frames, err := r.next()
		if err != nil {
			return err
		}
		if len(frames) > 0 {
			t.count.framesReceived.Add(uint64(len(frames)))
			t.count.batches.Add(1)
			t.handler.Frames(in.id(), frames)
		}
	}
}

// leave says Down, unless the same process of the peer has merely connected anew.
func (t *Transport) leave(in *inbound, err error) {
	t.mu.Lock()
	if t.incoming[in.id()] == in {
		delete(t.incoming, in.id())
	}
	next, said, cause := in.successor, in.announced, causeOf(err)
	switch {
	case in.removed:
		cause = Removed
	case next != nil:
		cause = Replaced
	}
	same := next != nil && next.line.greeting.From.Boot == in.line.greeting.From.Boot
	if said && same {
		next.announced = true
	}
	t.mu.Unlock()
	if said && !same && t.ctx.Err() == nil {
		t.grumble.Info("lost the connection from a peer", "peer", in.id(), "cause", cause.String(), "err", err)
		t.handler.Down(in.id(), Loss{Way: From, Cause: cause, Err: err})
	}
}
