package replica

import "slices"

// search is how a node without a leader finds one (SAFETY A7, A8). Raft's own election clock is never used:
// only a leader is ticked, a follower's silence is counted here, with jitter from the replica's own seed, and
// there is one path to an election: forget the leader, then campaign in turn.
type search struct {
	silence int64  // a leader is lost when nothing came until then, monotonic
	last    int64  // when the leader was last heard, monotonic
	gone    uint64 // the leader that was lost
	round   int    // how often this node has campaigned in this search
	next    int64  // when it campaigns next, monotonic; 0 while a leader is known
	steady  int64  // when the present leader was found, monotonic
}

// begin starts the search of a node that has just started.
func (s *search) begin(r *Replica) { s.plan(r) }

// heard notes that the leader was heard.
func (s *search) heard(r *Replica, from uint64) {
	if from == r.lead || r.lead == 0 {
		s.patience(r)
	}
}

// patience sets how long this node bears silence.
func (s *search) patience(r *Replica) {
	s.last = r.now.Mono
	s.silence = r.now.Mono + r.cfg.Election + r.rng.Int64N(r.cfg.Election)
}

// asked hears another node campaign. Who has itself not heard the leader for an election timeout agrees that
// it is lost and does not sit out its own jitter: otherwise a silent leader would be followed only once the
// most patient of a majority has given up. It is the very time after which raft's own lease would let go.
func (s *search) asked(r *Replica) {
	if r.lead != 0 && r.leader == nil && r.now.Mono-s.last >= r.cfg.Election {
		s.lost(r, r.lead)
	}
}

// found notes a change of leader or term.
func (s *search) found(r *Replica) {
	switch {
	case r.lead == 0:
		if s.next == 0 {
			s.plan(r)
		}
	default:
		s.next, s.gone, s.steady = 0, 0, r.now.Mono
		s.patience(r)
	}
}

// lost notes that the leader is gone. Every node forgets it, learners too, since followers that remember it
// would grant nobody a vote; the voters campaign in turn.
func (s *search) lost(r *Replica, id uint64) {
	if r.now.Mono-s.steady > 10*s.turns(r) {
		s.round = 0
	}
	s.gone = id
	if err := r.rn.ForgetLeader(); err != nil {
		r.notice("the lost leader could not be forgotten", "error", err.Error())
	}
	s.plan(r)
}

// turns is how long a round of all voters' turns takes.
func (s *search) turns(r *Replica) int64 {
	return int64(max(1, len(r.conf.GetVoters()))) * r.cfg.Stagger
}

// plan sets when this node campaigns next: the k-th voter after k staggers, then every n staggers, each round
// twice as long, up to the election timeout.
func (s *search) plan(r *Replica) {
	if s.round == 0 {
		s.next = r.now.Mono + s.place(r)*r.cfg.Stagger
		return
	}
	pause := min(s.turns(r)<<min(s.round-1, 10), r.cfg.Election)
	s.next = r.now.Mono + pause + r.rng.Int64N(r.cfg.Stagger)
}

// voted notes that this node has voted for another, which may win by it and be heard of in a moment. It lets
// it try for a round of turns before it campaigns itself (Raft, section 5.2, where a vote granted begins the
// election timeout anew). Otherwise it would have the pre-votes of those who have not heard of the new leader
// either, and make it step down.
func (s *search) voted(r *Replica) {
	if s.next != 0 {
		s.next = max(s.next, r.now.Mono+s.turns(r)+r.rng.Int64N(r.cfg.Stagger))
	}
}

// place gives this node's place among the voters, the lost one left out.
func (s *search) place(r *Replica) int64 {
	voters := slices.Sorted(slices.Values(r.conf.GetVoters()))
	k := int64(0)
	for _, v := range voters {
		if v == r.cfg.Node.ID {
			break
		}
		if v != s.gone {
			k++
		}
	}
	return k
}

// tick counts the leader's silence and campaigns when it is this node's turn.
func (s *search) tick(r *Replica) {
	if r.leader != nil {
		return
	}
	if r.lead != 0 && r.now.Mono >= s.silence {
		r.notice("the leader is silent", "leader", r.lead, "term", r.term)
		s.lost(r, r.lead)
	}
	if s.next == 0 || r.now.Mono < s.next {
		return
	}
	if r.lead != 0 && r.rn.BasicStatus().Lead == r.lead {
		s.next = 0 // it was heard again in the same step in which it was lost, so nobody noticed a change
		return
	}
	if !r.votes() {
		s.next = r.now.Mono + r.cfg.Election
		return
	}
	s.round++
	s.plan(r)
	r.turns.Campaigns++
	if err := r.rn.Campaign(); err != nil {
		r.notice("could not campaign", "error", err.Error())
	}
}

// wake gives the next moment at which the search does something.
func (s *search) wake(r *Replica) int64 {
	switch {
	case r.leader != nil:
		return r.now.Mono + r.cfg.Heartbeat
	case s.next != 0:
		return s.next
	}
	return s.silence
}
