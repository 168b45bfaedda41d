package node

import (
	"context"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/replica"
	"github.com/caucus-project/caucus/internal/waist"
)

// transfer answers ENSEMBLE TRANSFER. There are two leaders (SAFETY A6), that of the log and that of the
// group of the nodes, and whoever asks for a node to lead means both: both are done when it answers OK,
// within one request's time. Each is asked for again until it is so, whichever was so already.
func (n *Node) transfer(_ context.Context, cmd caucus.Command) caucus.Reply {
	ctx, cancel := context.WithTimeout(n.ctx, n.cfg.RequestTimeout)
	defer cancel()
	name := cmd[2]
	if done := n.fulfil(ctx, replica.Wish{Kind: replica.Lead, Name: name}); done.Kind == caucus.KindError {
		return done
	}
	if err := n.leadNodes(ctx, name); err != nil {
		return caucus.Fail(caucus.ErrUncertain, "%s leads the log, but perhaps not yet the group '%s': %s; "+
			"asking again is safe", name, machine.NodesGroup, err.Message)
	}
	return caucus.OK()
}

// leadNodes has a node lead the group of the nodes, unless it is not in it: then there is nothing to hand
// over yet. The former leader is waited for, as long as it may believe that it leads (SAFETY A3).
func (n *Node) leadNodes(ctx context.Context, name string) *caucus.Error {
	talk := n.converse(waist.ConnInfo{})
	defer talk.Close(false)
	for {
		reply := talk.DoAll(ctx, []caucus.Command{{"GROUP", "TRANSFER", machine.NodesGroup, name}})[0]
		err := caucus.Errorf(caucus.ErrTryAgain, "its former leader is still waited for")
		switch {
		case reply.Kind != caucus.KindError:
			if n.leadsNodes(ctx, name) {
				return nil
			}
		default:
			err = caucus.ParseError(reply.Str)
			if err.Is(caucus.ErrNoMember) || err.Is(caucus.ErrNoGroup) {
				return nil
			}
			if !err.Is(caucus.ErrTryAgain) && !err.Is(caucus.ErrUncertain) {
				return err
			}
		}
		select {
		case <-time.After(wishEvery):
		case <-ctx.Done():
			return err
		}
	}
}

// leadsNodes waits until somebody leads the group of the nodes, as far as this node has applied, and says
// whether it is the one.
func (n *Node) leadsNodes(ctx context.Context, name string) bool {
	for {
		leader := ""
		running := n.owner.inspect(func(r *replica.Replica) { leader = r.State().Leader(machine.NodesGroup) })
		if leader != "" || !running {
			return leader == name
		}
		select {
		case <-time.After(2 * time.Millisecond):
		case <-ctx.Done():
			return false
		}
	}
}
