package replica

import (
	"fmt"
	"math"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

// storage is the log as raft reads it: all durable entries since the last snapshot, and some before.
type storage struct {
	*raft.MemoryStorage
	r        *Replica
	changing bool // raft's configuration is being changed: the state names it already, r.conf does not
}

// restoreStorage makes the log of what was on disk. The commit index is raised to the snapshot's: it is not
// synced by itself and may lie behind (SAFETY B3).
func restoreStorage(r *Replica, found Restored) (*storage, error) {
	s := &storage{MemoryStorage: raft.NewMemoryStorage(), r: r}
	hard := &pb.HardState{Term: new(uint64), Vote: new(uint64), Commit: new(uint64)}
	if found.HardState != nil {
		*hard.Term, *hard.Vote = found.HardState.GetTerm(), found.HardState.GetVote()
		*hard.Commit = found.HardState.GetCommit()
	}
	if found.Snapshot != nil {
		if err := s.ApplySnapshot(&pb.Snapshot{Metadata: found.Snapshot}); err != nil {
			return nil, err
		}
		*hard.Commit = max(hard.GetCommit(), found.Snapshot.GetIndex())
		if t := found.Snapshot.GetTerm(); t > hard.GetTerm() {
			*hard.Term, *hard.Vote = t, 0 // no vote of that term is durable, so none was given
		}
	}
	if err := s.Append(found.Entries); err != nil {
		return nil, err
	}
	last, err := s.LastIndex()
	if err != nil {
		return nil, err
	}
	if hard.GetCommit() > last {
		return nil, fmt.Errorf("the log ends at %d, before the commit index %d that it notes: "+
			"entries are missing; restore this node's directory or let it join anew", last, hard.GetCommit())
	}
	r.hard, r.voted = hard, hard
	return s, s.SetHardState(hard)
}

// span gives the oldest and the newest entry. A log in memory never fails to say.
func (s *storage) span() (first, newest uint64) {
	first, _ = s.FirstIndex()
	newest, _ = s.LastIndex()
	return first, newest
}

// Snapshot promises raft a snapshot for a peer: the state as applied now, which holds the configuration entry
// of the peer, since raft sends only to peers whose entry was applied (SAFETY B2).
func (s *storage) Snapshot() (*pb.Snapshot, error) {
	index, term := s.r.m.Index(), s.r.m.Term()
	if index == 0 || s.changing {
		return nil, raft.ErrSnapshotTemporarilyUnavailable
	}
	if s.r.views[index] == nil {
		s.r.views[index] = s.r.m.View()
	}
	return &pb.Snapshot{Metadata: &pb.SnapshotMetadata{
		Index: &index, Term: &term, ConfState: s.r.conf}}, nil
}

// forget drops the entries up to index, but for the last, so many of them or fewer, that have so many bytes.
func (s *storage) forget(index, entries, bytes uint64) error {
	first, _ := s.span()
	if index < first {
		return nil
	}
	all, err := s.Entries(first, index+1, math.MaxUint64)
	if err != nil {
		return err
	}
	from := len(all)
	for from > 0 && uint64(len(all)-from) < entries {
		size := uint64(len(all[from-1].GetData()))
		if size > bytes {
			break
		}
		bytes -= size
		from--
	}
	if from == 0 {
		return nil
	}
	return s.Compact(first + uint64(from) - 1)
}

// keep takes over what is now durable.
func (s *storage) keep(p pendingWrite) error {
	if p.snapshot != nil {
		if err := s.ApplySnapshot(p.snapshot); err != nil {
			return err
		}
	}
	if err := s.Append(p.entries); err != nil {
		return err
	}
	if p.hard != nil {
		return s.SetHardState(p.hard)
	}
	return nil
}

// ship hands out a snapshot for a peer.
func (r *Replica) ship(m *pb.Message) {
	index := m.GetSnapshot().GetMetadata().GetIndex()
	view := r.views[index]
	if view == nil {
		r.rn.ReportSnapshot(m.GetTo(), raft.SnapshotFailure)
		return
	}
	clear(r.views)
	r.out.Snapshots = append(r.out.Snapshots, Shipment{To: m.GetTo(), Message: m, View: view})
}

// SnapshotSent says how the streaming of a snapshot to a peer ended.
func (r *Replica) SnapshotSent(now Time, to uint64, ok bool) {
	r.at(now)
	status := raft.SnapshotFailure
	if ok {
		status = raft.SnapshotFinish
	}
	r.rn.ReportSnapshot(to, status)
}

// swap replaces the state by that of a snapshot. Everything handed out before was applied, since entries are
// applied as they are handed out (SAFETY C4).
func (r *Replica) swap(snap *pb.Snapshot) {
	if r.incoming == nil {
		r.fail(fmt.Errorf("raft took a snapshot at %d that was not given to it",
			snap.GetMetadata().GetIndex()))
		return
	}
	r.incoming.SetCounts(r.m.Counts())
	r.m, r.incoming = r.incoming, nil
	r.conf = snap.GetMetadata().GetConfState()
	r.checkpoint.replaced(snap.GetMetadata().GetIndex())
	r.clock.applied(r.now, r.m.Stamp())
	r.skipDigest()
	r.out.Reset, r.out.Nodes = true, true
	r.stream.replaced(r)
}
