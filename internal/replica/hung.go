package replica

import "github.com/caucus-project/caucus"

// hung says whether this node's disk has not completed its oldest write for an election timeout.
func (r *Replica) hung() bool {
	return len(r.writes) > 0 && r.now.Mono-r.writes[0].since > r.cfg.Election
}

// Shut says whether this node's doors are to be closed, because its disk hangs.
func (r *Replica) Shut() bool { return r.shut }

var errHung = caucus.Errorf(caucus.ErrTryAgain, "the disk of this node does not answer; nothing was "+
	"applied. Another node can serve")

// closing is what a node does for its clients while its disk hangs and it does not lead: it could
// neither apply what they write nor catch up to what they read. Whoever waits is told so at once, and
// its doors are closed until a write has completed (SAFETY B5).
func (r *Replica) closing() {
	shut := r.hung() && (r.leader == nil || r.leader.handing.quiet)
	if shut == r.shut {
		return
	}
	r.shut = shut
	if !shut {
		r.notice("the disk answers again; the doors are open")
		return
	}
	r.notice("the disk does not answer; the doors are closed until it does")
	r.stream.abandon(r)
	r.rounds.abandon(r)
}

// handing is what a leader does about a disk of its own that hangs. With asynchronous storage its
// followers commit and answer their clients all the same, while the leader can apply nothing, and
// ends and grants nothing (SAFETY B5). Raft has no stepping down, so it hands over, and when that
// does not help it falls silent.
type handing struct {
	since int64 // when it asked another to lead, monotonic; 0 while the disk answers
	quiet bool  // nothing is sent any more
}

// tick looks after the oldest write that is not yet durable.
func (h *handing) tick(r *Replica) {
	to := r.ahead()
	switch {
	case to == 0:
		*h = handing{}
	case h.since == 0:
		h.since = r.now.Mono
		r.notice("the disk does not answer; another node is asked to lead", "node", to)
		r.rn.TransferLeader(to)
	case !h.quiet && r.now.Mono-h.since > r.cfg.Election:
		h.quiet = true
		r.notice("the disk does not answer; this node leads no longer")
	}
}

// ahead gives the furthest of the other voters when this node's disk has not answered for an
// election timeout and they, without it, are a quorum that has what it has not. 0 otherwise: then
// nobody else could lead.
func (r *Replica) ahead() uint64 {
	if !r.hung() {
		return 0
	}
	durable, err := r.store.LastIndex()
	if err != nil {
		return 0
	}
	further := 0
	best := r.furthest(func(_, match uint64) bool {
		if match > durable {
			further++
		}
		return match > durable
	})
	if further <= len(r.conf.GetVoters())/2 {
		return 0
	}
	return best
}

// furthest gives the other voter with the longest log of those that fit, 0 when none does.
func (r *Replica) furthest(fits func(id, match uint64) bool) (best uint64) {
	progress, most := r.rn.Status().Progress, uint64(0)
	for _, id := range r.conf.GetVoters() {
		match := progress[id].Match
		if id != r.cfg.Node.ID && fits(id, match) && (best == 0 || match > most) {
			best, most = id, match
		}
	}
	return best
}
