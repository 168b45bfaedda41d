package node

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/replica"
	"github.com/caucus-project/caucus/internal/talk"
	"github.com/caucus-project/caucus/internal/waist"
)

// gate keeps clients out until this node has a state, and until so many nodes vote as must (SAFETY A12).
type gate struct {
	open chan struct{}                // closed when clients are served
	why  atomic.Pointer[caucus.Error] // why not yet; nil when they are
}

func newGate() *gate {
	g := &gate{open: make(chan struct{})}
	g.why.Store(errLoading)
	return g
}

// look opens the gate when it may be. It is called by whoever owns the replica.
func (g *gate) look(r *replica.Replica) {
	if g.why.Load() == nil {
		return
	}
	need, voters := r.State().Awaits(), len(r.Conf().GetVoters())
	switch {
	case r.State().Index() == 0:
		g.why.Store(errEmpty)
	case need > 0:
		g.why.Store(caucus.Errorf(caucus.ErrLoading, "nobody is served before %d of the nodes that found this "+
			"ensemble vote; %d does", need, voters))
	default:
		g.why.Store(nil)
		close(g.open)
	}
}

var errEmpty = caucus.Errorf(caucus.ErrLoading, "this node waits for the state of its ensemble")

// served waits until clients are served, and says now and then why they are not.
func (n *Node) served(ctx context.Context) error {
	word := time.NewTicker(joinWord)
	defer word.Stop()
	for {
		select {
		case <-n.gate.open:
			return nil
		case <-n.ctx.Done():
			return context.Cause(n.ctx)
		case <-ctx.Done():
			return fmt.Errorf("it did not come to serve: %w", context.Cause(ctx))
		case <-word.C:
			if why := n.gate.why.Load(); why != nil {
				n.log.Warn("nobody is served yet; waiting", "why", why.Message)
			}
		}
	}
}

// lobby is a conversation that began before clients are served. It says so, tells where nodes are, so that
// newcomers find their way, and turns into a real one when the gate opens.
type lobby struct {
	n    *Node
	info waist.ConnInfo
	conn atomic.Pointer[conn] // nil until the gate is open
}

// turned gives the real conversation, once there can be one; nil, and why not, before.
func (l *lobby) turned() (*conn, *caucus.Error) {
	if c := l.conn.Load(); c != nil {
		return c, nil
	}
	if why := l.n.gate.why.Load(); why != nil {
		return nil, why
	}
	c := l.n.converse(l.info)
	l.conn.Store(c)
	return c, nil
}

// DoAll carries out a pipeline once clients are served.
func (l *lobby) DoAll(ctx context.Context, cmds []caucus.Command) []caucus.Reply {
	c, why := l.turned()
	if c != nil {
		return c.DoAll(ctx, cmds)
	}
	replies := make([]caucus.Reply, len(cmds))
	for i, cmd := range cmds {
		replies[i] = caucus.ErrorReply(why)
		if len(cmd) == 2 && strings.EqualFold(cmd[0], "ENSEMBLE") && strings.EqualFold(cmd[1], "NODES") {
			replies[i] = l.n.places(ctx, cmd)
		}
	}
	return replies
}

// Start begins a pipeline once clients are served.
func (l *lobby) Start(ctx context.Context, cmds []caucus.Command, done func([]caucus.Reply)) []caucus.Reply {
	if c, _ := l.turned(); c != nil {
		return c.Start(ctx, cmds, done)
	}
	return l.DoAll(ctx, cmds)
}

// Push sends on its way what was started.
func (l *lobby) Push() {
	if o := l.n.ownerNow(); o != nil {
		o.pushLaid()
	}
}

// Abandon has what is under way answered.
func (l *lobby) Abandon() {
	if c := l.conn.Load(); c != nil {
		c.Abandon()
	}
}

func (l *lobby) spoken() *talk.Talk {
	if c := l.conn.Load(); c != nil {
		return c.talk
	}
	return nil
}

// As makes the conversation that of a user.
func (l *lobby) As(user string) {
	if c := l.conn.Load(); c != nil {
		c.As(user)
	}
	l.info.User = user
}

// Session gives the id of the session that the conversation carries.
func (l *lobby) Session() string {
	if c := l.conn.Load(); c != nil {
		return c.Session()
	}
	return ""
}

// Feed gives where the messages for a member are.
func (l *lobby) Feed(ctx context.Context, channel string) (string, *caucus.Error) {
	if c := l.conn.Load(); c != nil {
		return c.Feed(ctx, channel)
	}
	return "", errLoading
}

// Close ends the conversation.
func (l *lobby) Close(lost bool) {
	if c := l.conn.Load(); c != nil {
		c.Close(lost)
	}
}

// places tells where the nodes are as far as they are known: before it belongs to an ensemble, of this one
// alone, whose id is 0.
func (n *Node) places(ctx context.Context, cmd caucus.Command) caucus.Reply {
	if n.ownerNow() != nil {
		return n.ensembleNodes(ctx, cmd)
	}
	var rows []caucus.Reply
	for _, p := range *n.nodes.Load() {
		rows = append(rows, row("name", p.Name, "id", int64(p.ID), "role", "candidate", "addr", p.Client,
			"peer", p.Peer, "http", p.HTTP, "metadata", p.Metadata))
	}
	return caucus.Array(rows...)
}
