package replica

import (
	"fmt"
	"slices"

	"github.com/caucus-project/caucus/internal/fields"
	"github.com/caucus-project/caucus/internal/machine"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// change is a change to the set of nodes, the context of a configuration entry. The table of nodes and raft's
// own configuration change by the same entry, so they never differ (SAFETY B2).
type change struct {
	kind byte
	node machine.Node // who comes in or becomes a voter
	gone []uint64     // raft ids of those who leave by the same entry
}

// The kinds of change. They stand in the log.
const (
	changeAdmit   = 1 // a learner comes in
	changePromote = 2 // a learner becomes a voter
	changeDismiss = 3 // nobody comes in
)

func (c *change) append(dst []byte) []byte {
	dst = c.node.Append(append(dst, c.kind))
	dst = fields.Uvarint(dst, uint64(len(c.gone)))
	for _, id := range c.gone {
		dst = fields.Uvarint(dst, id)
	}
	return dst
}

// raft gives the change as raft takes it. Several steps in one are a joint change, which raft leaves by
// itself: until then a majority of one side is not enough.
func (c *change) raft() *pb.ConfChangeV2 {
	cc := &pb.ConfChangeV2{Context: c.append(nil)}
	step := func(kind pb.ConfChangeType, id uint64) {
		cc.Changes = append(cc.Changes, &pb.ConfChangeSingle{Type: kind.Enum(), NodeId: &id})
	}
	switch c.kind {
	case changeAdmit:
		step(pb.ConfChangeAddLearnerNode, c.node.ID)
	case changePromote:
		step(pb.ConfChangeAddNode, c.node.ID)
	}
	for _, id := range c.gone {
		step(pb.ConfChangeRemoveNode, id)
	}
	return cc
}

// apply changes the table of nodes, all of it or nothing. It says no to a change that is about somebody who
// is not, or no longer, as its proposer knew him.
func (c *change) apply(m *machine.Machine, index, term uint64) bool {
	m.Skip(index, term)
	knows := func(id uint64) bool { _, ok := m.Node(id); return ok }
	for _, id := range c.gone {
		if !knows(id) {
			return false
		}
	}
	if c.kind == changePromote && !knows(c.node.ID) || c.kind == changeAdmit && !m.Admit(index, term, c.node) {
		return false
	}
	for _, id := range c.gone {
		m.Dismiss(index, term, id)
	}
	return true
}

// readChange takes a configuration entry apart. The change is nil in the entry by which raft leaves a joint
// configuration.
func readChange(e *pb.Entry) (*pb.ConfChangeV2, *change, error) {
	cc, err := readConfChange(e)
	if err != nil || len(cc.GetContext()) == 0 {
		return cc, nil, err
	}
	r := fields.NewReader(cc.GetContext()[1:])
	c := &change{kind: cc.GetContext()[0], node: machine.ReadNode(&r)}
	for range r.Count(1) {
		c.gone = append(c.gone, r.Uvarint())
	}
	if err := r.End("a change of the nodes"); err != nil {
		return nil, nil, err
	}
	if c.kind < changeAdmit || c.kind > changeDismiss {
		return nil, nil, fmt.Errorf("unknown change %d: start the version that the other nodes run", c.kind)
	}
	return cc, c, nil
}

func readConfChange(e *pb.Entry) (*pb.ConfChangeV2, error) {
	if e.GetType() == pb.EntryConfChange {
		cc := &pb.ConfChange{}
		err := proto.Unmarshal(e.GetData(), cc)
		return cc.AsV2(), err
	}
	cc := &pb.ConfChangeV2{}
	return cc, proto.Unmarshal(e.GetData(), cc)
}

// configure applies a configuration entry.
func (r *Replica) configure(e *pb.Entry) error {
	cc, c, err := readChange(e)
	switch {
	case err != nil:
		return fmt.Errorf("configuration entry %d: %w", e.GetIndex(), err)
	case c == nil:
		r.m.Skip(e.GetIndex(), e.GetTerm())
	case !c.apply(r.m, e.GetIndex(), e.GetTerm()):
		return nil
	}
	before := len(r.conf.GetVoters())
	r.store.changing = true
	r.conf = r.rn.ApplyConfChange(cc)
	r.m.Vote(len(r.conf.GetVoters()))
	r.store.changing = false
	r.out.Nodes = true
	two := len(r.conf.GetVoters()) == 2 && before != 2 && len(r.conf.GetLearners()) == 0
	if two && e.GetIndex() > r.begun {
		r.warn("two voters tolerate no loss: while either is down nothing can be written; add a third node")
	}
	if c != nil {
		r.dismissed(c.gone)
	}
	if r.leader != nil {
		r.leader.members.pending = false
		r.leader.members.unsealed = true
		r.leader.members.answer(r)
	}
	return nil
}

// dismissed lets go of nodes that were removed. Who removes its leader has lost it, as if its connection had
// broken (SAFETY A7).
func (r *Replica) dismissed(gone []uint64) {
	for _, id := range gone {
		delete(r.heard, id)
		delete(r.gone, id)
		if r.leader != nil {
			delete(r.leader.streams, id)
		}
	}
	if r.lead != 0 && r.leader == nil && slices.Contains(gone, r.lead) {
		r.search.lost(r, r.lead)
	}
}

// votes says whether this node is a voter.
func (r *Replica) votes() bool {
	return slices.Contains(r.conf.GetVoters(), r.cfg.Node.ID) ||
		slices.Contains(r.conf.GetVotersOutgoing(), r.cfg.Node.ID)
}
