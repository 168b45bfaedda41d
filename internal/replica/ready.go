package replica

import (
	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

// pendingWrite is a write on its way to the disk, and what becomes possible once it is durable.
type pendingWrite struct {
	seq       uint64
	since     int64 // when it was handed out, monotonic
	hard      *pb.HardState
	entries   []*pb.Entry
	snapshot  *pb.Snapshot
	responses []*pb.Message
	votes     []*pb.Message // SAFETY A1
}

// ready carries out what raft has to say, in this order:
//
//  1. observe: a change of role comes first, since it decides what the rest means;
//  2. route: messages for peers leave at once, as raft allows with asynchronous storage, all but MsgVote;
//  3. persist: the write is queued, with the responses that wait for it;
//  4. apply: committed entries are already durable here, so they are applied without waiting;
//  5. readIndexes: reads that a quorum confirmed, last, because they are answered from what was applied.
func (r *Replica) ready() {
	for r.rn.HasReady() && r.goesOn() {
		rd := r.rn.Ready()
		r.observe(rd.SoftState)
		for _, m := range rd.Messages {
			switch m.GetTo() {
			case raft.LocalAppendThread:
				r.persist(m)
			case raft.LocalApplyThread:
				r.apply(m)
			default:
				r.route(m)
			}
		}
		r.readIndexes(rd.ReadStates)
	}
}

// observe notes a change of role, term or leader.
func (r *Replica) observe(soft *raft.SoftState) {
	status := r.rn.BasicStatus()
	term := status.HardState.GetTerm()
	if soft == nil && term == r.term {
		return
	}
	led := r.leader != nil && (status.RaftState != raft.StateLeader || term != r.term)
	changed := term != r.term || status.Lead != r.lead
	if changed && status.Lead != 0 {
		r.turns.Leaders++
	}
	r.role, r.term, r.lead = status.RaftState, term, status.Lead
	if led {
		r.leader.members.end(r)
		r.leader = nil
		r.notice("no longer the leader", "term", term)
	}
	if r.role == raft.StateLeader && r.leader == nil {
		r.leader = newLeadership(r)
		r.turns.Won++
		r.notice("leader", "term", term)
	}
	if changed {
		r.search.found(r)
		r.stream.turn(r)
		r.rounds.turn()
	}
}

// route sends a message of raft to a peer. A vote is asked for only once the term in which it is
// asked is durable here: the library sends MsgVote at once, and a candidate that wins, replicates
// and crashes before its own term is on disk could win the same term again with other entries
// (SAFETY A1).
func (r *Replica) route(m *pb.Message) {
	switch m.GetType() {
	case pb.MsgVote:
		r.held = append(r.held, m)
	case pb.MsgSnap:
		r.ship(m)
	default:
		r.send(m.GetTo(), Frame{Raft: m})
	}
}

// persist queues a write. The votes that raft asked for in the same step wait for it. A commit
// index alone is not worth a sync (SAFETY B3), but no entry goes to disk without the newest one:
// raft uses a configuration once it is applied, so a log that holds a change must also say that the
// change before it is committed. A node that came back without that would campaign with a
// configuration that is two changes old, and could win alone.
func (r *Replica) persist(m *pb.Message) {
	p := pendingWrite{since: r.now.Mono, entries: m.GetEntries(), responses: m.GetResponses(), votes: r.held}
	r.held = nil
	if m.Term != nil || m.Vote != nil || m.Commit != nil {
		p.hard = &pb.HardState{Term: m.Term, Vote: m.Vote, Commit: m.Commit}
		r.hard = p.hard
	}
	if snap := m.GetSnapshot(); !raft.IsEmptySnap(snap) {
		p.snapshot = snap
		r.swap(snap)
	}
	if r.mustWrite(&p) {
		r.lastSeq++
		w := Write{Seq: r.lastSeq, HardState: r.hard, Entries: p.entries}
		if vote := r.hard.GetVote(); vote != 0 && vote != r.cfg.Node.ID && r.newVote() {
			r.search.voted(r)
		}
		r.voted = r.hard
		if p.snapshot != nil {
			w.Snapshot = p.snapshot.GetMetadata()
		}
		r.out.Writes = append(r.out.Writes, w)
	}
	p.seq = r.lastSeq
	r.writes = append(r.writes, p)
	r.stored(r.durable)
}

// mustWrite says whether anything changed that has to survive a crash.
func (r *Replica) mustWrite(p *pendingWrite) bool {
	return r.newVote() || len(p.entries) > 0 || p.snapshot != nil || len(p.votes) > 0
}

// newVote says whether the term or the vote is another than the last that was handed out.
func (r *Replica) newVote() bool {
	return r.hard.GetTerm() != r.voted.GetTerm() || r.hard.GetVote() != r.voted.GetVote()
}

// Stored says that every write up to and including seq is durable.
func (r *Replica) Stored(now Time, seq uint64) {
	r.at(now)
	r.durable = max(r.durable, seq)
	r.stored(r.durable)
}

// stored takes over what is durable up to seq, and does what waited for it.
func (r *Replica) stored(seq uint64) {
	for len(r.writes) > 0 && r.writes[0].seq <= seq && r.out.Fatal == nil {
		p := r.writes[0]
		r.writes = r.writes[1:]
		if err := r.store.keep(p); err != nil {
			r.fail(err)
			return
		}
		for _, m := range p.votes {
			r.send(m.GetTo(), Frame{Raft: m})
		}
		for _, m := range p.responses {
			if m.GetTo() == r.cfg.Node.ID {
				r.stepRaft(m)
			} else {
				r.send(m.GetTo(), Frame{Raft: m})
			}
		}
	}
	if r.leader != nil && !r.writing() {
		r.leader.tracing.stored(r)
	}
}

// readIndexes hands on that a quorum confirmed this leader.
func (r *Replica) readIndexes(states []raft.ReadState) {
	for _, s := range states {
		if r.leader != nil {
			r.leader.confirmed(r, s)
		}
	}
}
