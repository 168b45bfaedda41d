package node

import (
	"errors"
	"fmt"
	"slices"

	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/raftlog"
	"github.com/caucus-project/caucus/internal/raftlog/datadir"
	"github.com/caucus-project/caucus/internal/raftlog/sealed"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
	"github.com/caucus-project/caucus/internal/replica"
)

// Recovery is what a data directory has of its ensemble, and what Recover makes of it.
type Recovery struct {
	Name        string   // of the node
	Ensemble    string   // the ensemble that it belonged to
	Index, Term uint64   // of the last entry that it has, committed or not
	Others      []string // the nodes that are given up, by name
	Keys        int
	Groups      int
	Sessions    int
	NewEnsemble string // the one that it is alone
	Aside       string // where log, snapshots and identity of before are, once it is done
}

// ErrDeclined is what Recover fails with when it was not agreed to. Nothing is changed.
var ErrDeclined = errors.New("not agreed to; nothing was changed")

// Recover makes a new ensemble of one from a stopped node's directory, when so many other nodes are lost for
// good that no majority will ever be reached again (SAFETY B4). Agree is asked once it is known what there
// is. All that the node has is kept, also what nothing shows to be acknowledged; what only the lost nodes had
// is lost. The new ensemble has another id, so that nodes of the former one and this one turn each other
// away, and gives no token that the former one may have given (SAFETY A16). After a crash in the middle the
// directory is the one or the other.
//
// Custom are the commands of the program whose node it was, without which its log cannot be read.
func Recover(dir string, agree func(Recovery) bool, custom ...Command) (r Recovery, err error) {
	known, err := withCommands(custom)
	if err != nil {
		return r, err
	}
	lock, err := datadir.Acquire(vfs.OS{}, dir)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	old, err := datadir.Read(vfs.OS{}, dir)
	if err == nil {
		err = datadir.Finish(vfs.OS{}, dir, old)
	}
	if err == nil && old.RaftID == 0 {
		err = nothingToRecover(dir, "it has not joined an ensemble yet")
	}
	if err != nil {
		return r, err
	}
	m, term, err := lastState(dir, old, known)
	if err != nil {
		return r, err
	}
	survivor, ok := m.Node(old.RaftID)
	switch r = surveyed(m, old); {
	case !ok:
		return r, nothingToRecover(dir, "it has not received anything of its ensemble, or was removed from it")
	case len(r.Others) == 0:
		return r, nothingToRecover(dir, "it is the only node of its ensemble; start it with caucus serve")
	}
	r.NewEnsemble = formatID(randomID())
	if !agree(r) {
		return r, ErrDeclined
	}
	next := datadir.Identity{Cluster: r.NewEnsemble, Node: old.Node, Incarnation: formatID(randomID()), Boots: 1,
		Heartbeat: old.Heartbeat, Election: old.Election}
	survivor.Incarnation = parseID(next.Incarnation)
	next.RaftID = m.Refound(parseID(next.Cluster), survivor)
	if err := bequeath(dir, next, m, term+1); err != nil {
		return r, fmt.Errorf("data directory %s is as it was: %w", dir, err)
	}
	r.Aside, err = datadir.Succeed(vfs.OS{}, dir, next)
	return r, err
}

func nothingToRecover(dir, why string) error {
	return fmt.Errorf("data directory %s: there is nothing to recover: %s", dir, why)
}

// surveyed counts what there is.
func surveyed(m *machine.Machine, id datadir.Identity) Recovery {
	r := Recovery{Name: id.Node, Ensemble: id.Cluster, Index: m.Index(), Term: m.Term(),
		Groups: m.GroupCount(), Sessions: m.SessionCount()}
	r.Keys, _ = m.KeyCount()
	for _, n := range m.Nodes() {
		if n.ID != id.RaftID {
			r.Others = append(r.Others, n.Name)
		}
	}
	slices.Sort(r.Others)
	return r
}

// lastState gives the state after the last entry of a directory, and the highest term that it knows.
func lastState(dir string, id datadir.Identity, known commands) (m *machine.Machine, term uint64, err error) {
	log, found, err := raftlog.Open(vfs.OS{}, dir, raftlog.Options{Cluster: id.Cluster,
		Incarnation: id.Incarnation, MustExist: true})
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = sealed.CloseAfter(log, err) }()
	if m, err = loadState(log, id, found.Snapshot); err == nil {
		known.teach(m)
		err = replica.Replay(m, found.Entries)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("data directory %s: %w", dir, err)
	}
	return m, max(found.HardState.GetTerm(), m.Term()), nil
}

// bequeath prepares the heir of a directory: a snapshot of the state, and a log that begins behind it.
func bequeath(dir string, next datadir.Identity, m *machine.Machine, term uint64) error {
	heir, err := datadir.Heir(vfs.OS{}, dir)
	if err != nil {
		return err
	}
	log, _, err := raftlog.Open(vfs.OS{}, heir, raftlog.Options{Cluster: next.Cluster,
		Incarnation: next.Incarnation})
	if err != nil {
		return err
	}
	index := m.Index()
	m.Skip(index, term)
	_, err = writeFirst(log, m, index, term, next.RaftID)
	return sealed.CloseAfter(log, err)
}
