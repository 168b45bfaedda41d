package node

import (
	"fmt"
	"slices"

	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/replica"
	"github.com/caucus-project/caucus/internal/waist"
	"go.etcd.io/raft/v3"
)

// status is what this node says of itself, as of its last step.
type status struct {
	replica.Status
	leads bool
	at    int64 // when it was noted, monotonic
}

// noteStatus keeps what the replica says of itself: at once when who leads has changed, else a
// heartbeat apart, because the whole of it costs more than a step.
func (n *Node) noteStatus(r *replica.Replica, mono int64) {
	old := n.greeting.Load()
	role, term, leader := r.Standing()
	same := role == old.Role && term == old.Term && leader == old.Leader && r.Shut() == old.Shut
	if same && mono-old.at < n.pace.heartbeat.Microseconds() {
		return
	}
	n.greeting.Store(&status{Status: r.Status(), leads: role == raft.StateLeader, at: mono})
	n.tellMaster(leader)
	if r.Shut() && !old.Shut {
		n.era.Swap(newEra()).end() // who waits for an event reads again, and is refused
		n.doors.dismiss()
	}
}

// noteLeader keeps who leads the group of the nodes, when that may have changed.
func (n *Node) noteLeader(r *replica.Replica, out *replica.Output) {
	concerns := func(e entry.Event) bool { return e.Group == machine.NodesGroup }
	if out.Reset || slices.ContainsFunc(out.Events, concerns) {
		n.seat.led(r.State().Leader(machine.NodesGroup))
	}
}

// noteSaved notes a snapshot at once, so that whoever is told of it finds it in INFO.
func (n *Node) noteSaved(index uint64) {
	s := *n.greeting.Load()
	s.Last = max(s.Last, index)
	n.greeting.Store(&s)
}

// nameOf gives the name of a node by raft id, "" when it is unknown.
func (n *Node) nameOf(id uint64) string {
	p, _ := n.find(func(p machine.Node) bool { return p.ID == id })
	return p.Name
}

func (n *Node) find(is func(machine.Node) bool) (machine.Node, bool) {
	for _, p := range *n.nodes.Load() {
		if is(p) {
			return p, true
		}
	}
	return machine.Node{}, false
}

// ready says whether the node can serve linearizable requests now.
func (n *Node) ready() waist.Readiness {
	if why := n.gate.why.Load(); why != nil {
		return waist.Readiness{Reason: why.Message}
	}
	s := n.greeting.Load()
	r := waist.Readiness{Leader: n.nameOf(s.Leader), Lag: s.Commit - min(s.Commit, s.Applied)}
	switch {
	case n.ctx.Err() != nil:
		r.Reason = "the node is stopping"
	case s.Hung:
		r.Reason = "the disk does not answer: a write has been under way for longer than an election timeout"
	case s.Leader == 0:
		r.Reason = "no leader is known: a majority of the nodes must reach each other"
	case r.Lag > 1000:
		r.Reason = fmt.Sprintf("%d committed entries are still to be applied here", r.Lag)
	default:
		r.Ready = true
	}
	return r
}
