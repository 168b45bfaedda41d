package node

import (
	"context"
	"sync"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/fields"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/peer"
	"github.com/caucus-project/caucus/internal/post"
)

// postRoom is where the messages that do not pass through the log come by (SAFETY A11). Its lock is held
// until a message is let out, so that the next one stays behind it.
type postRoom struct {
	mu   sync.Mutex
	post *post.Post
}

func (p *postRoom) number(m *machine.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.post.Number(m)
}

func (p *postRoom) deliver(m *machine.Message, out func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.post.Admit(m) {
		out()
	}
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
	if !n.hub.Heard(feed) {
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

// sendable says whether more messages like this one may come of this node's clients. It is asked on the
// owner's goroutine.
func (n *Node) sendable(m *machine.Message) bool { return n.owner.r.State().Sendable(m) }

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
