package node

import (
	"context"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/waist"
)

// server is the node as its doors see it.
type server struct{ *Node }

func init() { waist.Of = func(n any) waist.Server { return server{n.(*Node)} } }

// Open begins a conversation. Before clients are served, it hardly answers anything but LOADING.
func (s server) Open(info waist.ConnInfo) (waist.Conn, error) {
	if s.ctx.Err() != nil {
		return nil, errStopping
	}
	return s.letIn(info)
}

// letIn begins a conversation also while the node stops.
func (s server) letIn(info waist.ConnInfo) (waist.Conn, error) {
	switch {
	case s.gate.why.Load() != nil:
		return &lobby{n: s.Node, info: info}, nil
	case s.greeting.Load().Shut:
		return nil, errHung
	}
	return s.converse(info), nil
}

func (s server) Local(ctx context.Context, cmd caucus.Command) caucus.Reply { return s.local(ctx, cmd) }

func (s server) Dump() (waist.Dump, *caucus.Error) {
	view, err := s.view()
	if err != nil {
		return nil, err
	}
	return view, nil
}

func (s server) Publish(channel, payload string) int { return s.publish(channel, payload) }

func (s server) Watch() waist.Subscription { return s.hub.Watch() }

func (s server) Ready() waist.Readiness { return s.ready() }

// publish sends payload to the subscribers of channel on every node and says how many were on this one.
func (n *Node) publish(channel, payload string) int {
	count := n.hub.Publish(channel, payload)
	n.relay(channel, payload)
	return count
}
