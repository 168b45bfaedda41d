package replica

import (
	"fmt"
	"slices"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/fields"
	"github.com/caucus-project/caucus/internal/machine"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// membership is what a leader remembers of changes to the set of nodes: one at a time, checked when applied,
// proposed again when it came back as nothing (SAFETY B2).
type membership struct {
	joins   []join
	pending bool  // a change is in the log and not applied
	since   int64 // when it was proposed, monotonic
}

// join is a node that asked to be let in.
type join struct {
	node machine.Node
	tag  any
}

// The kinds of change, the first byte of a configuration entry's context. The node's record follows.
const (
	changeAdmit   = 1 // a learner comes in
	changePromote = 2 // a learner becomes a voter
)

// Join asks for a node to be let in as a learner. It is answered at once unless this node leads; then when
// the entry that lets it in is applied. A node that is in already is told so again.
func (r *Replica) Join(now Time, n machine.Node, tag any) {
	r.at(now)
	if err := r.mayJoin(n); err != nil {
		r.out.Admitted = append(r.out.Admitted, Admission{Tag: tag, Err: err})
		return
	}
	r.leader.members.joins = append(r.leader.members.joins, join{n, tag})
	r.leader.members.answer(r)
}

func (r *Replica) mayJoin(n machine.Node) *caucus.Error {
	if r.leader == nil || !r.leader.armed {
		return errNoLeader
	}
	for _, known := range r.m.Nodes() {
		if known.Name == n.Name && known.Incarnation != n.Incarnation {
			return caucus.Errorf(caucus.ErrConflict, "the name %q belongs to node %d at %s; "+
				"start the new node with another --id", n.Name, known.ID, known.Peer)
		}
	}
	return nil
}

// answer tells those who are in that they are, and those whose name was given to another meanwhile
// that it was.
func (ms *membership) answer(r *Replica) {
	ms.joins = slices.DeleteFunc(ms.joins, func(j join) bool {
		if err := r.mayJoin(j.node); err != nil {
			r.out.Admitted = append(r.out.Admitted, Admission{Tag: j.tag, Err: err})
			return true
		}
		nodes := r.m.Nodes()
		i := slices.IndexFunc(nodes, func(n machine.Node) bool { return n.Incarnation == j.node.Incarnation })
		if i < 0 {
			return false
		}
		r.out.Admitted = append(r.out.Admitted, Admission{Tag: j.tag, ID: nodes[i].ID,
			Cluster: r.m.Cluster(), Nodes: nodes})
		return true
	})
}

// tick proposes the next change: somebody who asked, or a learner that has caught up and was heard just now,
// so that it is not made a voter when it has already gone (SAFETY B4).
func (ms *membership) tick(r *Replica, l *leadership) {
	if !l.armed || ms.pending && r.now.Mono-ms.since < 2*r.cfg.Election {
		return
	}
	ms.pending = false
	if len(ms.joins) > 0 {
		n := ms.joins[0].node
		n.ID = r.m.NextNode()
		ms.propose(r, changeAdmit, pb.ConfChangeAddLearnerNode, n)
		return
	}
	for _, id := range r.conf.GetLearners() {
		if n, ok := r.m.Node(id); ok && ms.ripe(r, id) {
			ms.propose(r, changePromote, pb.ConfChangeAddNode, n)
			return
		}
	}
}

// ripe says whether a learner has caught up and was heard within two heartbeats.
func (ms *membership) ripe(r *Replica, id uint64) bool {
	p, ok := r.rn.Status().Progress[id]
	return ok && p.Match > 0 && p.Match+100 >= r.m.Index() && r.now.Mono-r.heard[id] <= 2*r.cfg.Heartbeat
}

func (ms *membership) propose(r *Replica, change byte, kind pb.ConfChangeType, n machine.Node) {
	cc := &pb.ConfChangeV2{Context: n.Append([]byte{change}),
		Changes: []*pb.ConfChangeSingle{{Type: kind.Enum(), NodeId: &n.ID}}}
	if err := r.rn.ProposeConfChange(cc); err != nil {
		return // tried again at the next tick
	}
	ms.pending, ms.since = true, r.now.Mono
}

// configure applies a configuration entry: the table of nodes and raft's own configuration change by the same
// entry, so they never differ.
func (r *Replica) configure(e *pb.Entry) error {
	cc, err := readChange(e)
	if err != nil {
		return fmt.Errorf("configuration entry %d: %w", e.GetIndex(), err)
	}
	if len(cc.GetContext()) == 0 {
		r.m.Skip(e.GetIndex(), e.GetTerm())
		return nil
	}
	rest := fields.NewReader(cc.GetContext()[1:])
	n := machine.ReadNode(&rest)
	if err := rest.End("the record of a node"); err != nil {
		return err
	}
	switch cc.GetContext()[0] {
	case changeAdmit:
		if !r.m.Admit(e.GetIndex(), e.GetTerm(), n) {
			return nil
		}
	case changePromote:
		r.m.Skip(e.GetIndex(), e.GetTerm())
	default:
		return fmt.Errorf("configuration entry %d makes an unknown change: "+
			"start the version that the other nodes run", e.GetIndex())
	}
	r.store.changing = true
	r.conf = r.rn.ApplyConfChange(cc)
	r.store.changing = false
	r.out.Nodes = true
	if r.leader != nil {
		r.leader.members.pending = false
		r.leader.members.answer(r)
	}
	return nil
}

func readChange(e *pb.Entry) (*pb.ConfChangeV2, error) {
	if e.GetType() == pb.EntryConfChange {
		cc := &pb.ConfChange{}
		err := proto.Unmarshal(e.GetData(), cc)
		return cc.AsV2(), err
	}
	cc := &pb.ConfChangeV2{}
	return cc, proto.Unmarshal(e.GetData(), cc)
}

// HandOver asks the most advanced of the other voters that were heard lately to lead, if this node
// does and there is one. It says whether it asked.
func (r *Replica) HandOver(now Time) bool {
	r.at(now)
	if r.leader == nil {
		return false
	}
	var best, match uint64
	for id, p := range r.rn.Status().Progress {
		fresh := now.Mono-r.heard[id] < r.cfg.Election
		if id != r.cfg.Node.ID && !p.IsLearner && fresh && (p.Match > match || p.Match == match && id < best) {
			best, match = id, p.Match
		}
	}
	if best == 0 {
		return false
	}
	r.rn.TransferLeader(best)
	return true
}

// Leads says whether this node has the role of the leader.
func (r *Replica) Leads() bool { return r.leader != nil }
