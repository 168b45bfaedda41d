package replica

import (
	"slices"

	"github.com/caucus-project/caucus"
)

// HandOver asks the most advanced of the other voters that were heard lately to lead, if this node
// does and there is one. It says whether it asked.
func (r *Replica) HandOver(now Time) bool {
	r.at(now)
	return r.leader != nil && r.handOver()
}

func (r *Replica) handOver() bool {
	best := r.furthest(func(id, _ uint64) bool { return r.now.Mono-r.heard[id] < r.cfg.Election })
	if best == 0 {
		return false
	}
	r.rn.TransferLeader(best)
	return true
}

// lendLead asks a node to lead, unless this one is it. Raft gives up after an election timeout.
func (r *Replica) lendLead(name string) *caucus.Error {
	list := r.named(name)
	switch {
	case len(list) == 0:
		return r.noSuchNode(name)
	case list[0].ID == r.cfg.Node.ID:
	case !slices.Contains(r.conf.GetVoters(), list[0].ID):
		return caucus.Errorf(caucus.ErrBad, "%s is a learner and cannot lead; it votes once it has caught up", name)
	case r.silent(list[0].ID):
		return caucus.Errorf(caucus.ErrTryAgain, "%s at %s cannot be reached", name, list[0].Client)
	default:
		r.rn.TransferLeader(list[0].ID)
	}
	return nil
}

// Leads says whether this node has the role of the leader.
func (r *Replica) Leads() bool { return r.leader != nil }
