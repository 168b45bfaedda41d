package node

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/raftlog"
	"github.com/caucus-project/caucus/internal/raftlog/datadir"
	"github.com/caucus-project/caucus/internal/raftlog/sealed"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
)

// Restored is what Restore has made, and of what.
type Restored struct {
	Name        string // of the node
	NewEnsemble string // the id of the ensemble, of which it is the only node
	Keys        int
	Groups      int // those made by GROUP CREATE

	Ensemble     string    // the one that the backup is of
	Index, Term  uint64    // of the last entry that is in the backup
	Taken        time.Time // when that was, by the ensemble's clock
	Sealed       bool      // it had a checksum, and that was right; without one it was taken as it is
	Over         int       // keys left out, because their end has come since
	GroupsLeft   int       // groups left out: they were made by joining, and end with their members
	SessionsLeft int       // sessions are always left out: their clients believe in the old ensemble
}

// Restore makes the data directory of a node that is a new ensemble of one, with the keys and the made groups
// of a backup: what caucus backup, GETDUMP or CHECKPOINT NAME wrote. All of the backup is read and checked
// before anything is written. The directory must be empty or not there yet; it belongs to the new node once
// all is on disk, and if the process dies before, both Open and Restore refuse it with a word.
//
// The ensemble has a new id, so that nodes of the old one and this one turn each other away, and gives no
// term, epoch or revision that the old one may have given (SAFETY A16). Its rhythm is the usual one.
func Restore(backup io.Reader, dir, name string) (r Restored, err error) {
	if !caucus.ValidMember(name) {
		return r, fmt.Errorf("the name %q is not 1 to 255 letters, digits and ._-:/@", name)
	}
	dump, err := machine.ReadDump(backup)
	if err != nil {
		return r, fmt.Errorf("the backup is refused: %w", err)
	}
	lock, err := datadir.Acquire(vfs.OS{}, dir)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := vacancy(dir); err != nil {
		return r, err
	}
	id := datadir.Identity{Cluster: formatID(randomID()), Node: name, RaftID: 1,
		Incarnation: formatID(randomID()), Boots: 1}
	usual.keep(&id)
	was := dump.Contents
	m := dump.Found(parseID(id.Cluster), clockTimes().Wall)
	m.Admit(1, 1, machine.Node{ID: 1, Name: name, Incarnation: parseID(id.Incarnation)})
	if err := settle(dir, id, m); err != nil {
		return r, fmt.Errorf("nothing is restored: %w", err)
	}
	keys, _ := m.KeyCount()
	return Restored{Name: name, NewEnsemble: id.Cluster, Keys: keys, Groups: was.Made, Ensemble: was.Cluster,
		Index: was.Index, Term: was.Term, Taken: time.UnixMicro(was.Stamp), Over: was.Keys - keys,
		GroupsLeft: was.Groups - was.Made, SessionsLeft: was.Sessions, Sealed: dump.Sealed}, nil
}

// vacancy refuses a directory in which somebody lives, or something is.
func vacancy(dir string) error {
	home, err := datadir.Read(vfs.OS{}, dir)
	var damage *sealed.DamageError
	switch {
	case err == nil:
		return fmt.Errorf("data directory %s: it belongs to node %q of ensemble %s, and a restore makes "+
			"a new one: give it an empty directory", dir, home.Node, home.Cluster)
	case errors.Is(err, datadir.ErrNoIdentity):
		return nil
	case errors.As(err, &damage):
		return fmt.Errorf("%w; if it is what a restore has left that was cut short, remove it and restore again",
			err)
	}
	return err
}

// settle writes the state of an ensemble of one into a vacant directory. The identity comes last: without it
// nobody takes the rest for a node. A failure leaves nothing behind.
func settle(dir string, id datadir.Identity, m *machine.Machine) error {
	log, _, err := raftlog.Open(vfs.OS{}, dir, raftlog.Options{Cluster: id.Cluster,
		Incarnation: id.Incarnation})
	if err == nil {
		_, err = writeFirst(log, m, 1, 1, id.RaftID)
		err = sealed.CloseAfter(log, err)
	}
	if err == nil {
		err = datadir.Write(vfs.OS{}, dir, id)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(filepath.Join(dir, "log")),
			os.RemoveAll(filepath.Join(dir, "snap")))
	}
	return nil
}
