package node

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/raftlog"
	"github.com/caucus-project/caucus/internal/raftlog/datadir"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
	"github.com/caucus-project/caucus/internal/replica"
	pb "go.etcd.io/raft/v3/raftpb"
)

// noCluster stands in the identity of a directory that belongs to no ensemble yet.
const noCluster = "00000000000000000000000000000000"

// enter takes hold of the data directory and reads its identity, or makes one that is still to be written.
// Raft id 0 in it means that the node belongs to no ensemble yet.
func (n *Node) enter() (datadir.Identity, error) {
	var err error
	if n.lock, err = datadir.Acquire(vfs.OS{}, n.cfg.Data); err != nil {
		return datadir.Identity{}, err
	}
	home, err := datadir.Read(vfs.OS{}, n.cfg.Data)
	if err == nil {
		err = datadir.Finish(vfs.OS{}, n.cfg.Data, home)
	}
	switch {
	case errors.Is(err, datadir.ErrNoIdentity):
		return datadir.Identity{Cluster: noCluster, Node: cmp.Or(n.cfg.Name, nameAt(n.cfg.Listen)),
			Incarnation: formatID(randomID())}, nil
	case err == nil && n.cfg.Name != "" && n.cfg.Name != home.Node:
		err = n.describeError(fmt.Errorf("it belongs to node %q, not %q: "+
			"start it under its own --id (Name), or give the new node a directory of its own", home.Node, n.cfg.Name))
	}
	if err == nil && home.RaftID == 0 && len(n.cfg.list()) == 0 {
		err = n.describeError(errors.New("it was made to join an ensemble and has not done so yet: " +
			"start it with the --join (Join) or the list (Peers) it had, or remove it to found a new ensemble"))
	}
	return home, err
}

// nameAt gives a node without a name that of its client door, less what an address has and a name may not.
func nameAt(addr string) string { return strings.NewReplacer("[", "", "]", "", "%", "-").Replace(addr) }

// recover reads the log, or begins one, and counts the boot.
func (n *Node) recover(home datadir.Identity) (replica.Restored, datadir.Identity, error) {
	founder := home.RaftID == 1
	log, found, err := raftlog.Open(n.cfg.files, n.cfg.Data, raftlog.Options{Cluster: home.Cluster,
		Incarnation: home.Incarnation, MustExist: home.Boots > 0})
	if err != nil {
		return replica.Restored{}, home, err
	}
	n.store = log
	if found.Repaired != "" {
		n.log.Warn("the data directory was repaired", "what", found.Repaired)
	}
	if founder && found.Snapshot == nil {
		if found.Snapshot, err = n.found(home); err != nil {
			return replica.Restored{}, home, err
		}
	}
	restored := replica.Restored{HardState: found.HardState, Snapshot: found.Snapshot, Entries: found.Entries}
	if restored.State, err = loadState(log, home, found.Snapshot); err != nil {
		return replica.Restored{}, home, n.describeError(err)
	}
	n.teach(restored.State)
	home.Boots++
	if err := datadir.Write(vfs.OS{}, n.cfg.Data, home); err != nil {
		return replica.Restored{}, home, fmt.Errorf("this start cannot be counted, and without that nobody could "+
			"tell an old copy of the directory (if its disk is full, make room and start again): %w", err)
	}
	return restored, home, nil
}

// found writes the first snapshot of a new ensemble: one node, and what it begins with.
func (n *Node) found(home datadir.Identity) (*pb.SnapshotMetadata, error) {
	first := n.me
	first.ID, first.Boots, first.Boot = 1, 0, [16]byte{}
	m := n.firstState(parseID(home.Cluster))
	m.Admit(1, 1, first)
	m.Await(home.Quorum)
	return writeFirst(n.store, m, 1, 1, 1)
}

// writeFirst writes the first snapshot of a log, with which an ensemble begins that has one voter, and lets
// the log begin behind it.
func writeFirst(
	log *raftlog.Log, m *machine.Machine, index, term, voter uint64,
) (*pb.SnapshotMetadata, error) {
	meta := &pb.SnapshotMetadata{Index: &index, Term: &term, ConfState: &pb.ConfState{Voters: []uint64{voter}}}
	if err := log.SaveSnapshot(meta, m.View().Save); err != nil {
		return nil, err
	}
	return meta, log.Append([]raftlog.Record{{Snapshot: meta}})
}

// loadState reads the state of the snapshot, or gives the empty state of a newcomer.
func loadState(log *raftlog.Log, home datadir.Identity, meta *pb.SnapshotMetadata) (*machine.Machine, error) {
	if meta == nil {
		return machine.New(parseID(home.Cluster), 0), nil
	}
	r, err := log.OpenSnapshot(meta.GetIndex())
	if err != nil {
		return nil, err
	}
	defer r.Close()
	m, err := machine.Load(r)
	if err != nil {
		return nil, err
	}
	if rest, err := io.Copy(io.Discard, r); err != nil || rest > 0 {
		return nil, fmt.Errorf("the snapshot at %d has %d bytes too many: %w", meta.GetIndex(), rest, err)
	}
	return m, nil
}
