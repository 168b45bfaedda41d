package peer

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/caucus-project/caucus/internal/grumble"
	"github.com/caucus-project/caucus/internal/here"
)

// ErrClosed is what everything fails with once Close was called.
var ErrClosed = errors.New("peer: closed")

// ErrUnknown is what asking for a peer fails with that SetPeer never named.
var ErrUnknown = errors.New("peer: no such peer")

// Transport holds a node's connections to all others. Its methods may be called from any goroutine.
type Transport struct {
	opts    Options
	key     []byte
	handler Handler
	log     *slog.Logger
	grumble *grumble.Voice
	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	running sync.WaitGroup
	count   counters

	roster roster

	mu        sync.Mutex
	closed    bool
	me        Identity
	accepted  int                 // incoming connections
	strangers []*line             // incoming ones still in their handshake, oldest first
	incoming  map[uint64]*inbound // the connection that each peer sends on

	linksMu sync.RWMutex
	links   map[uint64]*link
}

type counters struct {
	framesSent, bytesSent, writes       atomic.Uint64
	framesReceived, batches             atomic.Uint64
	bytesReceived                       atomic.Uint64
	dropped, refused, garbled, connects atomic.Uint64
}

// Open starts a Transport. It answers what comes in at once and dials the peers that SetPeer names.
func Open(opts Options, handler Handler) (*Transport, error) {
	opts = opts.withDefaults()
	if err := opts.validate(); err != nil {
		return nil, err
	}
	key, err := passwordKey(opts.Password)
	if err != nil {
		return nil, err
	}
	t := &Transport{
		opts: opts, key: key, handler: handler, log: opts.Logger, me: opts.Identity,
		grumble:  grumble.New(opts.Logger),
		roster:   roster{conns: map[net.Conn]struct{}{}},
		incoming: map[uint64]*inbound{},
		links:    map[uint64]*link{},
	}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	if opts.Listener != nil {
		t.running.Go(t.acceptAll)
	}
	return t, nil
}

// Close ends all connections and waits for all goroutines, calls of the handler included.
func (t *Transport) Close() error {
	t.mu.Lock()
	first := !t.closed
	t.closed = true
	t.mu.Unlock()
	var err error
	if first {
		t.cancel()
		if t.opts.Listener != nil {
			err = t.opts.Listener.Close()
		}
		t.roster.closeAll()
	}
	t.running.Wait()
	return err
}

// SetIdentity changes what this node says of itself from now on: its id and cluster once it has joined, its
// addresses. Connections that stand are not touched.
func (t *Transport) SetIdentity(me Identity) error {
	if err := me.validate(); err != nil {
		return err
	}
	t.mu.Lock()
	t.me = me
	t.mu.Unlock()
	t.linksMu.RLock()
	defer t.linksMu.RUnlock()
	for _, l := range t.links {
		l.hurry()
	}
	return nil
}

// Identity gives what this node says of itself.
func (t *Transport) Identity() Identity {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.me
}

// SetPeer names a peer, or gives it another address. A standing connection is kept; the address counts from
// the next dial on, and a wait for that dial is cut short. One's own id is passed over.
func (t *Transport) SetPeer(id uint64, addr string) {
	t.linksMu.Lock()
	defer t.linksMu.Unlock()
	if l := t.links[id]; l != nil {
		l.move(addr)
		return
	}
	if id == 0 || id == t.Identity().ID {
		return
	}
	if l := newLink(t, id, addr); t.begin(l.run) {
		t.links[id] = l
	}
}

// RemovePeer forgets a peer, and closes the connections to and from it. It may connect again unless
// Handler.Greeted turns it away.
func (t *Transport) RemovePeer(id uint64) {
	t.linksMu.Lock()
	l := t.links[id]
	delete(t.links, id)
	t.linksMu.Unlock()
	if l != nil {
		l.remove()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if in := t.incoming[id]; in != nil {
		in.removed = true
		in.line.Close()
	}
}

// Send hands frames to a peer, all or none, and never waits. False: they were dropped, because there is no
// connection or too much is waiting. True promises nothing. The payloads must not change afterwards.
func (t *Transport) Send(id uint64, frames ...Frame) bool {
	return t.push(id, frames, t.opts.MaxQueue)
}

// Offer is Send for a frame that may be lost rather than crowd out others: it is dropped as soon as half of
// what may wait is waiting.
func (t *Transport) Offer(id uint64, frame Frame) bool {
	return t.push(id, []Frame{frame}, t.opts.MaxQueue/2)
}

func (t *Transport) push(id uint64, frames []Frame, most int) bool {
	if l := t.link(id); l != nil && l.push(frames, most) {
		return true
	}
	t.count.dropped.Add(uint64(len(frames)))
	return false
}

func (t *Transport) link(id uint64) *link {
	t.linksMu.RLock()
	defer t.linksMu.RUnlock()
	return t.links[id]
}

// begin runs f in a goroutine that Close waits for; false once closed.
func (t *Transport) begin(f func()) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.running.Go(f)
	return true
}

// adopt makes Close close the connection, too.
func (t *Transport) adopt(conn net.Conn) (*line, error) {
	if !t.roster.add(conn) {
		conn.Close()
		return nil, ErrClosed
	}
	return &line{Conn: conn, patience: t.opts.Silence, count: &t.count,
		forget: func() { t.roster.remove(conn) }}, nil
}

func (t *Transport) orClosed(err error) error {
	if err != nil && t.ctx.Err() != nil {
		return errors.Join(ErrClosed, err)
	}
	return err
}

func (t *Transport) side(conn net.Conn) side {
	return side{
		me: t.Identity(), key: t.key, remote: conn.RemoteAddr().String(),
		served: !here.Denies(conn.RemoteAddr(), t.key != nil, t.opts.Secure != nil),
		greet:  t.handler.Greet, admit: t.handler.Greeted, name: t.handler.Name, meant: t.handler.Meant,
	}
}

// PeerStats is what is known of one peer.
type PeerStats struct {
	ID         uint64
	Addr       string
	To, From   bool // whether that connection stands
	QueueBytes int
	Dropped    uint64 // frames, since SetPeer
}

// Stats are counts since Open. Bytes are those of frames, calls and streams, once greeted.
type Stats struct {
	FramesSent, BytesSent, Writes          uint64
	FramesReceived, BytesReceived, Batches uint64

	Dropped          uint64 // frames that Send did not take, or that a lost connection took along
	Refused, Garbled uint64 // connections
	Connects         uint64 // connections for frames that were made
	Peers            []PeerStats
}

// Stats gives the counts, peers by id.
func (t *Transport) Stats() Stats {
	c := &t.count
	s := Stats{
		FramesSent: c.framesSent.Load(), BytesSent: c.bytesSent.Load(), Writes: c.writes.Load(),
		FramesReceived: c.framesReceived.Load(), BytesReceived: c.bytesReceived.Load(),
		Batches: c.batches.Load(), Dropped: c.dropped.Load(),
		Refused: c.refused.Load(), Garbled: c.garbled.Load(), Connects: c.connects.Load(),
	}
	t.linksMu.RLock()
	for _, l := range t.links {
		s.Peers = append(s.Peers, l.stats())
	}
	t.linksMu.RUnlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range s.Peers {
		in := t.incoming[s.Peers[i].ID]
		s.Peers[i].From = in != nil && in.announced
	}
	slices.SortFunc(s.Peers, func(a, b PeerStats) int { return cmp.Compare(a.ID, b.ID) })
	return s
}
