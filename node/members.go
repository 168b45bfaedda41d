package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/fields"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/replica"
)

// callWish asks the leader for what an operator wishes. The answer is the index of the entry
// that did it.
const callWish = 3

// How long one try to reach the leader may take, and how long until the next: it may be another by then.
const (
	wishPatience = time.Second
	wishEvery    = 20 * time.Millisecond
)

// errRemoved is why a node stops that others have taken out.
var errRemoved = errors.New("this node was removed from the ensemble")

// removed stops this node: it is no part of the ensemble any more.
func (n *Node) removed() {
	n.fail(n.describeError(fmt.Errorf("%w; remove the directory to let the node join anew, under a new raft id",
		errRemoved)))
}

// addNode answers ADD_NODE.
func (n *Node) addNode(_ context.Context, cmd caucus.Command) caucus.Reply {
	if !caucus.ValidMember(cmd[1]) {
		return caucus.Fail(caucus.ErrBad,
			"'%.80s' is not the name of a node: 1 to 255 letters, digits and ._-:/@", cmd[1])
	}
	host, port, err := net.SplitHostPort(cmd[2])
	if err != nil || host == "" || port == "" || len(cmd[2]) > 255 {
		return caucus.Fail(caucus.ErrBad, "'%.80s' is not the client address of a node, host:port", cmd[2])
	}
	return n.fulfil(n.ctx, replica.Wish{Kind: replica.Reserve, Name: cmd[1], Addr: cmd[2]})
}

// delNode answers DEL_NODE.
func (n *Node) delNode(_ context.Context, cmd caucus.Command) caucus.Reply {
	return n.fulfil(n.ctx, replica.Wish{Kind: replica.Remove, Name: cmd[1]})
}

// fulfil sees to it that a wish comes true, whoever leads meanwhile. What was asked for may be asked again.
// So only at the deadline it matters whether the last try may have had an effect. It is not begun so late
// that the deadline would cut it off: then a leader's answer would be lost for "cannot be reached".
func (n *Node) fulfil(ctx context.Context, w replica.Wish) caucus.Reply {
	ctx, cancel := context.WithTimeout(ctx, n.cfg.RequestTimeout)
	defer cancel()
	last, end := context.WithTimeout(ctx, n.cfg.RequestTimeout*9/10)
	defer end()
	unsure := false
	for {
		index, err := n.askLeader(ctx, w)
		switch {
		case err == nil && n.came(ctx, w, index),
			w.Kind == replica.Remove && n.isRemoved(w.Name),
			w.Kind == replica.Remove && unsure && errors.Is(err, caucus.ErrBad): // it was, and is no more
			return caucus.OK()
		case err == nil:
			err = caucus.Errorf(caucus.ErrTryAgain, "%s was asked to lead and does not yet", w.Name)
		case errors.Is(err, caucus.ErrUncertain):
			unsure = true
		case !errors.Is(err, caucus.ErrTryAgain):
			return caucus.ErrorReply(err)
		}
		select {
		case <-time.After(wishEvery):
		case <-last.Done():
			if w.Kind == replica.Remove && n.isRemoved(w.Name) {
				return caucus.OK()
			}
			if unsure {
				err = errUnsure
			}
			return caucus.ErrorReply(err)
		}
	}
}

var errUnsure = caucus.Errorf(caucus.ErrUncertain,
	"no leader has confirmed it in time; ENSEMBLE NODES shows what became of it, and asking again is safe")

var errNobodyLeads = caucus.Errorf(caucus.ErrTryAgain, "no leader is known: a majority of the voters must "+
	"reach each other; if most of them are lost for good, stop one survivor and run caucus recover --data DIR "+
	"on it")

// isRemoved says whether the node of that name is this one and was removed.
func (n *Node) isRemoved(name string) bool {
	return name == n.me.Name && errors.Is(context.Cause(n.ctx), errRemoved)
}

// came waits until what the leader has granted can be seen at this node too: the entry at index is applied,
// and a node that was asked to lead does so. It says no when that takes longer than the leader tries.
func (n *Node) came(ctx context.Context, w replica.Wish, index uint64) bool {
	ctx, cancel := context.WithTimeout(ctx, n.pace.election)
	defer cancel()
	for {
		seen := false
		running := n.owner.inspect(func(r *replica.Replica) {
			_, _, lead := r.Standing()
			p, _ := r.State().Node(lead)
			seen = r.State().Index() >= index && (w.Kind != replica.Lead || p.Name == w.Name)
		})
		if seen || !running {
			return seen
		}
		select {
		case <-time.After(2 * time.Millisecond):
		case <-ctx.Done():
			return w.Kind != replica.Lead // it is done, though this node lags behind
		}
	}
}

// askLeader has the leader do what is wished for, and gives the entry that did it. TRYAGAIN: nothing was
// done; UNCERTAIN: nobody knows.
func (n *Node) askLeader(ctx context.Context, w replica.Wish) (uint64, *caucus.Error) {
	ctx, cancel := context.WithTimeout(ctx, wishPatience)
	defer cancel()
	lead := n.greeting.Load().Leader
	if lead == n.me.ID {
		return n.grant(ctx, w)
	}
	p, ok := n.find(func(p machine.Node) bool { return p.ID == lead })
	if !ok {
		return 0, errNobodyLeads
	}
	payload := fields.String(fields.String([]byte{byte(w.Kind)}, w.Name), w.Addr)
	whom, answer, err := n.peers.Ask(ctx, n.present(p).Peer, callWish, payload)
	var said *caucus.Error
	switch {
	case err == nil:
		r := fields.NewReader(answer)
		return r.Uvarint(), nil
	case errors.As(err, &said):
		return 0, said
	case whom.From.ID == 0: // nobody was reached
		return 0, caucus.Errorf(caucus.ErrTryAgain, "the leader, %s, cannot be reached: %v", p.Name, err)
	}
	return 0, caucus.Errorf(caucus.ErrUncertain, "the leader, %s, did not answer: %v", p.Name, err)
}

// grant does as leader what is wished for, and waits for it.
func (n *Node) grant(ctx context.Context, w replica.Wish) (uint64, *caucus.Error) {
	outcome := make(chan replica.Outcome, 1)
	o := n.ownerNow()
	if o == nil || !o.call(func(now replica.Time) { o.r.Wish(now, w, outcome) }) {
		return 0, errStopping
	}
	select {
	case a := <-outcome:
		return a.Index, a.Err
	case <-ctx.Done():
		return 0, errUnsure
	}
}

// answerWish answers a node whose client wishes something.
func (n *Node) answerWish(ctx context.Context, payload []byte) ([]byte, error) {
	r := fields.NewReader(payload)
	w := replica.Wish{Kind: replica.WishKind(r.Byte()), Name: r.String(), Addr: r.String()}
	if wrong := r.End("a wish"); wrong != nil {
		return nil, caucus.Errorf(caucus.ErrBad, "%s", wrong)
	}
	ctx, cancel := context.WithTimeout(ctx, wishPatience)
	defer cancel()
	index, err := n.grant(ctx, w)
	if err != nil {
		return nil, err
	}
	return fields.Uvarint(nil, index), nil
}
