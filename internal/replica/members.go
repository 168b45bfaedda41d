package replica

import (
	"slices"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/machine"
)

// membership is what a leader remembers of changes to the set of nodes: one at a time, checked when applied,
// proposed again when it came back as nothing (SAFETY B2).
type membership struct {
	joins   []join
	wishes  []*wished
	pending bool  // a change is in the log and not applied
	since   int64 // when it was proposed, monotonic
	narrows bool  // it leaves a single voter

	// A change was applied, and nothing that was proposed after it is in the log yet; then sealed says which of
	// this leader's entries was.
	unsealed bool
	sealed   uint64

	released map[uint64]bool // removed nodes of which is noted that they are needed no more
}

// join is a node that asked to be let in.
type join struct {
	node machine.Node
	tag  any
}

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

// mayJoin says why a node may not come in under its name. A name has one node; a new directory takes it over
// when it is found where the old one was, or where ADD_NODE said that it would be, and the old one cannot be
// reached (SAFETY B4).
func (r *Replica) mayJoin(n machine.Node) *caucus.Error {
	if !r.armed() {
		return errNoLeader
	}
	if n.Level < r.m.Level() {
		return caucus.Errorf(caucus.ErrConflict, "the ensemble is at feature level %d, and the version of %q has "+
			"%d: start it with the version that the other nodes run", r.m.Level(), n.Name, n.Level)
	}
	addr, reserved := r.m.Reserved(n.Name)
	if reserved && addr != n.Client {
		return caucus.Errorf(caucus.ErrConflict, "the name %q is reserved for a node at %s, and this one is "+
			"at %s; caucus node add %s %s lets it in", n.Name, addr, n.Client, n.Name, n.Client)
	}
	for _, known := range r.named(n.Name) {
		switch {
		case known.Incarnation == n.Incarnation:
			return nil
		case known.Peer != n.Peer && !reserved:
			return caucus.Errorf(caucus.ErrConflict, "the name %q belongs to node %d at %s; "+
				"start the new node with another --id, or remove the other with caucus node remove %s",
				n.Name, known.ID, known.Peer, n.Name)
		case !r.silent(known.ID):
			return caucus.Errorf(caucus.ErrTryAgain, "the name %q belongs to node %d at %s, which still answers; "+
				"this one takes its place once it is gone", n.Name, known.ID, known.Peer)
		}
	}
	return nil
}

// armed says whether this node leads and has applied all that came before its term.
func (r *Replica) armed() bool { return r.leader != nil && r.leader.armed }

// named gives the nodes of a name, the newest first: beside a dead one there may be the one that replaces it.
func (r *Replica) named(name string) (list []machine.Node) {
	for _, n := range slices.Backward(r.m.Nodes()) {
		if n.Name == name {
			list = append(list, n)
		}
	}
	return list
}

// silent says whether this leader has not heard a node for an election timeout, or since its door refused.
func (r *Replica) silent(id uint64) bool {
	return id != r.cfg.Node.ID && (r.gone[id] || r.now.Mono-max(r.heard[id], r.leader.since) > r.cfg.Election)
}

// present says whether this leader has heard a node within an election timeout, and its door did not refuse
// since. Of a node that it has not heard yet a new leader says neither this nor that it is silent.
func (r *Replica) present(id uint64) bool {
	at, ever := r.heard[id]
	return id == r.cfg.Node.ID || ever && !r.gone[id] && r.now.Mono-at <= r.cfg.Election
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
	ms.answerWishes(r)
}

// end answers all who wait when this node leads no longer; the next leader can be asked.
func (ms *membership) end(r *Replica) {
	for _, j := range ms.joins {
		r.out.Admitted = append(r.out.Admitted, Admission{Tag: j.tag, Err: errNoLeader})
	}
	for _, w := range ms.wishes {
		r.conclude(w.tag, errLeaderLost)
	}
}

// tick proposes the next change: what was wished for, somebody who asked to come in, or a learner that has
// caught up and was heard just now, so that it is not made a voter when it has already gone (SAFETY B4).
func (ms *membership) tick(r *Replica, l *leadership) {
	if !l.armed {
		return
	}
	ms.answer(r)
	joint := len(r.conf.GetVotersOutgoing()) > 0
	if !joint {
		l.release(r)
	}
	if joint || ms.pending && r.now.Mono-ms.since < 2*r.cfg.Election {
		return
	}
	ms.pending = false
	if c := ms.next(r); c != nil {
		if err := r.rn.ProposeConfChange(c.raft()); err != nil {
			return // tried again at the next tick
		}
		ms.pending, ms.since, ms.narrows = true, r.now.Mono, r.narrows(c)
	}
}

// changing says whether a change is under way, or was applied and may still be forgotten. Raft uses a
// configuration once it is applied, and the commit index is not synced by itself, but goes to disk with the
// next entry (SAFETY B3). So an entry is proposed after each change. Without it, in an ensemble that has
// nothing to write, a power failure makes nodes that were two of three voters one of two and a learner.
func (l *leadership) changing() bool {
	return l.members.pending || l.members.unsealed || l.landed < l.members.sealed
}

// release logs that those who were removed are needed no more. Before that they stay: each node that knows of
// their removal may forget, in a crash, that it is committed, and be one of two voters again (SAFETY B3).
func (l *leadership) release(r *Replica) {
	leaving, _ := r.m.Leaving()
	for _, id := range leaving {
		if !l.members.released[id] {
			l.members.released[id] = true
			l.notes = append(l.notes, machine.Gone(id))
		}
	}
}

// narrows says whether a change leaves a single voter.
func (r *Replica) narrows(c *change) bool {
	left := slices.DeleteFunc(slices.Clone(r.conf.GetVoters()), func(id uint64) bool {
		return slices.Contains(c.gone, id)
	})
	return c.kind == changeDismiss && len(left) == 1
}

// holds says whether entries must wait for a change. Whoever is removed from two voters may get nothing
// that comes after his removal: if the one that stays lost that, and the removal's commit, with its power, it
// would need the vote of a node whose log is longer and that may not campaign itself (SAFETY B3).
func (ms *membership) holds() bool { return ms.pending && ms.narrows }

func (ms *membership) next(r *Replica) *change {
	for _, w := range ms.wishes {
		if list := r.named(w.Name); w.Kind == Remove && len(list) > 0 && r.mayWish(w.Wish) == nil {
			w.noted = true
			return &change{kind: changeDismiss, gone: []uint64{list[0].ID}}
		}
	}
	if len(ms.joins) > 0 {
		n := ms.joins[0].node
		n.ID = r.m.NextNode()
		return &change{kind: changeAdmit, node: n, gone: r.replaced(n, r.conf.GetLearners())}
	}
	for _, id := range r.conf.GetLearners() {
		if n, ok := r.m.Node(id); ok && r.ripe(n) {
			return &change{kind: changePromote, node: n, gone: r.replaced(n, r.conf.GetVoters())}
		}
	}
	return nil
}

// replaced gives those of a list whose place a node takes: they had its name before. A learner goes when the
// new one comes in. A voter goes when the new one becomes a voter, so that there is never a voter less.
func (r *Replica) replaced(n machine.Node, among []uint64) (gone []uint64) {
	for _, old := range r.named(n.Name) {
		if old.ID < n.ID && slices.Contains(among, old.ID) {
			gone = append(gone, old.ID)
		}
	}
	return gone
}

// ripe says whether a learner has caught up and was heard within two heartbeats, and whom it replaces is
// still gone.
func (r *Replica) ripe(n machine.Node) bool {
	p, ok := r.rn.Status().Progress[n.ID]
	fresh := r.now.Mono-r.heard[n.ID] <= 2*r.cfg.Heartbeat
	if !ok || p.Match == 0 || p.Match+100 < r.m.Index() || !fresh {
		return false
	}
	return !slices.ContainsFunc(r.replaced(n, r.conf.GetVoters()), func(id uint64) bool { return !r.silent(id) })
}
