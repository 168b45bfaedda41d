package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/caucus-project/caucus/internal/raftlog/sealed"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
)

// heirs is the folder in which the heir of a directory is prepared.
const heirs = "heir"

// Heir makes the folder in which somebody new, who is to take the directory over, is prepared: its log and
// its snapshots. What an earlier try left is set aside.
func Heir(fsys vfs.FS, dir string) (string, error) {
	heir := filepath.Join(dir, heirs)
	if err := discard(fsys, dir); err != nil {
		return "", err
	}
	return heir, fsys.MkdirAll(heir)
}

// Succeed makes the heir, which is next, the owner of the directory, and sets log, snapshots, address book
// and identity of the former owner aside. It says where. It has happened once the new identity is written: a
// crash before leaves the former owner, and after a crash behind it Finish does the rest.
func Succeed(fsys vfs.FS, dir string, next Identity) (aside string, err error) {
	old, err := sealed.ReadFile(fsys, filepath.Join(dir, "identity"))
	if err != nil {
		return "", err
	}
	aside = estate(dir, next)
	if err := fsys.MkdirAll(aside); err != nil {
		return "", err
	}
	if err := sealed.WriteFile(fsys, filepath.Join(aside, "identity"), old, 0); err != nil {
		return "", err
	}
	if err := Write(fsys, filepath.Join(dir, heirs), next); err != nil {
		return "", err
	}
	if err := Write(fsys, dir, next); err != nil {
		return "", err
	}
	return aside, Finish(fsys, dir, next)
}

// estate is where the belongings go of whoever owned the directory before.
func estate(dir string, next Identity) string {
	return filepath.Join(dir, "quarantine", fmt.Sprintf("before-%.8s", next.Incarnation))
}

// Finish ends a succession that a crash interrupted: id, the directory's identity, says whether it had
// happened. It is called at every start, before the log is opened, and does nothing without a heir.
func Finish(fsys vfs.FS, dir string, id Identity) error {
	heir := filepath.Join(dir, heirs)
	if ready, err := there(fsys, heir); err != nil || !ready {
		return err
	}
	if next, err := Read(fsys, heir); err != nil || next.Incarnation != id.Incarnation {
		return discard(fsys, dir) // it was not ready, or its time had not come
	}
	for _, name := range []string{"log", "snap"} {
		waits, err := there(fsys, filepath.Join(heir, name))
		if err != nil {
			return err
		}
		if !waits {
			continue // it has moved already
		}
		if err := move(fsys, dir, estate(dir, id), name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := move(fsys, heir, dir, name); err != nil {
			return err
		}
	}
	// Who the former owner knew is of no use to the next, who would refuse the book as another's at every start.
	if err := move(fsys, dir, estate(dir, id), "book"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return discard(fsys, dir)
}

// move takes a file or a folder to another place, durably.
func move(fsys vfs.FS, from, to, name string) error {
	if err := fsys.Rename(filepath.Join(from, name), filepath.Join(to, name)); err != nil {
		return err
	}
	return errors.Join(fsys.SyncDir(to), fsys.SyncDir(from))
}

// discard sets what is left of a heir aside.
func discard(fsys vfs.FS, dir string) error {
	if left, err := there(fsys, filepath.Join(dir, heirs)); err != nil || !left {
		return err
	}
	aside, err := Aside(fsys, dir)
	if err != nil {
		return err
	}
	return move(fsys, dir, aside, heirs)
}

// there says whether a folder is there.
func there(fsys vfs.FS, dir string) (bool, error) {
	_, err := fsys.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
