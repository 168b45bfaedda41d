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
	conn *conn // nil until the gate is open
}

// DoAll carries out a pipeline once clients are served.
func (l *lobby) DoAll(ctx context.Context, cmds []caucus.Command) []caucus.Reply {
	why := l.n.gate.why.Load()
	if why == nil && l.conn == nil {
		l.conn = l.n.converse(l.info)
	}
	if l.conn != nil {
		return l.conn.DoAll(ctx, cmds)
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

func (l *lobby) spoken() *talk.Talk {
	if l.conn == nil {
		return nil
	}
	return l.conn.talk
}

// Session gives the id of the session that the conversation carries.
func (l *lobby) Session() string {
	if l.conn == nil {
		return ""
	}
	return l.conn.Session()
}

// Feed gives where the messages for a member are.
func (l *lobby) Feed(ctx context.Context, channel string) (string, *caucus.Error) {
	if l.conn == nil {
		return "", errLoading
	}
	return l.conn.Feed(ctx, channel)
}

// Close ends the conversation.
func (l *lobby) Close(lost bool) {
	if l.conn != nil {
		l.conn.Close(lost)
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
