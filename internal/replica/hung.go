package replica

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
func (r *Replica) ahead() (best uint64) {
	if len(r.writes) == 0 || r.now.Mono-r.writes[0].since <= r.cfg.Election {
		return 0
	}
	durable, err := r.store.LastIndex()
	if err != nil {
		return 0
	}
	progress, further, match := r.rn.Status().Progress, 0, durable
	for _, id := range r.conf.GetVoters() {
		m := progress[id].Match
		if id == r.cfg.Node.ID || m <= durable {
			continue
		}
		if further++; m > match {
			best, match = id, m
		}
	}
	if further <= len(r.conf.GetVoters())/2 {
		return 0
	}
	return best
}
