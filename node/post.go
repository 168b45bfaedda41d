package node

import (
	"context"
	"sync"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/fields"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/peer"
)

// post carries the messages that do not pass through the log (SAFETY A11): it numbers those of this node's
// clients, and hands out those of all nodes at most once and in the order of each sender.
type post struct {
	mu   sync.Mutex
	sent map[uint64]*counts // by connection
	// heard says how far each sender was heard on each feed. Those that were not heard for long are
	// forgotten, a generation at a time: nothing of theirs is on its way any more.
	heard, before map[line]place
}

// counts are the messages of a connection under one attachment, by feed.
type counts struct {
	part  uint64
	feeds map[string]uint64
}

// line is one sender's messages on one feed, place the last of them.
type (
	line struct {
		from entry.Session
		life uint64
		feed string
	}
	place struct{ part, n uint64 }
)

// generation is how many lines one generation remembers.
const generation = 1 << 16

func newPost() *post { return &post{sent: map[uint64]*counts{}, heard: map[line]place{}} }

// number counts a message of this node's client.
func (p *post) number(m *machine.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.sent[m.Conn]
	if c == nil || c.part != m.Part {
		c = &counts{part: m.Part, feeds: map[string]uint64{}}
		p.sent[m.Conn] = c
	}
	c.feeds[m.Feed()]++
	m.N = c.feeds[m.Feed()]
}

// forget lets go of the counts of a connection that is closed.
func (p *post) forget(conn uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.sent, conn)
}

// deliver hands a message out, unless one that was sent later has been: of a later part, or of a later
// number. So what comes over two connections of a peer at once is in order too.
func (p *post) deliver(m *machine.Message, out func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, at := line{m.Session, m.Life, m.Feed()}, place{m.Part, m.N}
	last, ok := p.heard[l]
	if !ok {
		last = p.before[l]
	}
	if at.part < last.part || at.part == last.part && at.n <= last.n {
		return
	}
	if len(p.heard) >= generation {
		p.heard, p.before = map[line]place{}, p.heard
	}
	p.heard[l] = at
	out()
}

// send sends a message of this node's client, which comes from the owner's goroutine, to all nodes: those
// for whom it is listen where they like.
func (n *Node) send(m *machine.Message) {
	n.post.number(m)
	n.deliver(m)
	n.tellPeers(peer.Frame{Type: frameMessage, Payload: m.Append(nil)})
}

// deliver hands a message to those who listen here.
func (n *Node) deliver(m *machine.Message) {
	feed := m.Feed()
	if n.hub.Subscribers(feed) == 0 && n.hub.Patterns() == 0 {
		return
	}
	n.post.deliver(m, func() { n.hub.Publish(feed, m.Event(n.ensembleTime())) })
}

// heardMessage takes a message of another node's client.
func (n *Node) heardMessage(payload []byte) {
	r := fields.NewReader(payload)
	m := machine.ReadMessage(&r)
	if err := r.End("a message"); err != nil {
		n.log.Warn("dropped a message of a peer", "error", err)
		return
	}
	n.deliver(m)
}

// ensembleTime gives what this node knows of the ensemble's clock, in microseconds.
func (n *Node) ensembleTime() int64 { return n.cfg.clock().Mono + n.ahead.Load() }

// Feed gives the name under which this node's feed has the messages for a member, if the conversation may
// read them.
func (c *conn) Feed(ctx context.Context, channel string) (string, *caucus.Error) {
	replies, _ := c.carryOut(ctx, c.talk.Feed(channel)) // an error is the reply as well
	if r := replies[0]; r.Kind != caucus.KindError {
		return r.Str, nil
	}
	return "", caucus.ParseError(replies[0].Str)
}
