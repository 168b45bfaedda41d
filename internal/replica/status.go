package replica

import (
	"maps"
	"slices"

	"github.com/caucus-project/caucus/internal/machine"
	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

// Status is what a node says of its part in the ensemble.
type Status struct {
	ID       uint64
	Role     raft.StateType
	Term     uint64
	Leader   uint64 // raft id, 0 when none is known
	Commit   uint64
	Applied  uint64
	Voters   []uint64              // not those who are to replace others until that is complete (SAFETY B4)
	Learners []uint64              // with them
	Peers    map[uint64]PeerStatus // on a leader
	Last     uint64                // index of the last durable snapshot
	Caught   bool                  // all that is known to be committed is applied
	First    uint64                // the oldest entry that is still in memory
	Newest   uint64                // the newest entry that is durable here
	Ended    machine.Counts        // of sessions and keys, by entries that were new here
	Turns                          // of leadership

	Clock    int64    // how far this node's wall clock is ahead of its estimate of the ensemble's, microseconds
	Off      []uint64 // on a leader: the voters whose wall clocks do not count
	RateOff  bool     // its clock and the leader's differ in rate by more than beliefs bear
	Free     uint64   // bytes on its disk, as last measured; 0 before
	Low      bool     // its disk is low on space
	Changing bool     // on a leader: who votes is being changed, or the last change may still be forgotten
	Tight    string   // on a leader: why what makes the data larger is refused, "" when it is not
	Hung     bool     // its disk does not answer
	Shut     bool     // and so its doors are closed
	Digested uint64   // index of the last table of digests
	Foreign  uint64   // messages of peers that were dropped because no peer may send them
}

// Turns count what happened to the leadership since the start, as this node saw it.
type Turns struct {
	Campaigns uint64 // begun by this node
	Won       uint64 // by this node
	Leaders   uint64 // that were found, this node among them
}

// PeerStatus is what a leader knows of another node.
type PeerStatus struct {
	Match  uint64
	Heard  int64 // when a frame of it last came, or this leader began, whichever is later, monotonic
	Active bool
}

// Standing gives this node's role, its term, and the raft id of the leader, 0 when none is known.
func (r *Replica) Standing() (role raft.StateType, term, leader uint64) {
	return r.role, r.term, r.lead
}

// Status gives what this node says of itself.
func (r *Replica) Status() Status {
	raftStatus := r.rn.Status()
	s := Status{ID: r.cfg.Node.ID, Role: r.role, Term: r.term, Leader: r.lead,
		Commit: raftStatus.HardState.GetCommit(), Applied: r.m.Index(),
		Peers: map[uint64]PeerStatus{}, Last: r.checkpoint.durable}
	s.Voters, s.Learners = r.voters()
	s.Caught = s.Applied >= s.Commit
	r.statusOfVitals(&s)
	s.Ended, s.Turns, s.Foreign = r.m.Counts(), r.turns, r.foreign
	s.First, s.Newest = r.store.span()
	for id, p := range raftStatus.Progress {
		s.Peers[id] = PeerStatus{Match: p.Match, Heard: r.heardOrLed(id),
			Active: r.now.Mono-r.heard[id] < r.cfg.Election}
	}
	return s
}

// voters gives who votes and who learns, as others may rely on it: who is to replace a voter learns until
// that is complete. While the configuration before still counts, a majority of that is needed too, and of it
// another might be lost because the newcomer was taken to vote (SAFETY B4).
func (r *Replica) voters() (voters, learners []uint64) {
	learners = slices.Clone(r.conf.GetLearners())
	before := r.conf.GetVotersOutgoing()
	for _, id := range r.conf.GetVoters() {
		if len(before) == 0 || slices.Contains(before, id) {
			voters = append(voters, id)
		} else {
			learners = append(learners, id)
		}
	}
	return voters, learners
}

// heardOrLed gives since when a leader misses a node. What it heard, or did not hear, as a follower says
// nothing: followers have little to tell each other.
func (r *Replica) heardOrLed(id uint64) int64 {
	if r.leader == nil {
		return r.heard[id]
	}
	return max(r.heard[id], r.leader.since)
}

func (r *Replica) statusOfVitals(s *Status) {
	s.Clock, s.RateOff = r.now.Wall-r.clock.at(r.now), r.tempo.off && r.leader == nil
	s.Free, s.Low, s.Hung, s.Shut = r.space.free, r.space.low, r.hung(), r.shut
	table, _ := r.m.Digests()
	s.Digested = table.Index
	if r.leader != nil {
		s.Tight, s.Changing = r.leader.spacing.tight, r.leader.changing()
		s.Off = slices.Sorted(maps.Keys(r.leader.timing.off))
	}
}

// Conf gives the configuration of raft as applied here.
func (r *Replica) Conf() *pb.ConfState { return r.conf }
