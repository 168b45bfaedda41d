package datadir

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/caucus-project/caucus/internal/raftlog/sealed"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
)

// Reasons not to use a directory, besides those of package sealed. The errors that wrap them name
// the path, what is wrong and what to do.
var (
	ErrNoIdentity = errors.New("the data directory is new")
	ErrLocked     = errors.New("the data directory is in use")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Identity is who a data directory is. A node is its directory, not its address (P12, P13): a wiped
// one gets a new incarnation and may not pass for the old.
type Identity struct {
	Format      int    `json:"format"` // set by Write
	Cluster     string `json:"cluster"`
	Node        string `json:"node"`
	RaftID      uint64 `json:"raft_id"`
	Incarnation string `json:"incarnation"`
	Boots       uint64 `json:"boots"`
	Quorum      uint64 `json:"quorum,omitempty"` // of a founder: so many must vote before anybody is served

	// The rhythm of the ensemble that it belongs to, in microseconds.
	Heartbeat int64 `json:"heartbeat,omitempty"`
	Election  int64 `json:"election,omitempty"`

	Check string `json:"check"` // CRC32C of the above, set by Write
}

// sum covers the fields, not the layout, so that a reformatted file is still right.
func (id Identity) sum() string {
	s := fmt.Sprintf("%d %s %q %d %s %d %d %d %d", id.Format, id.Cluster, id.Node, id.RaftID, id.Incarnation,
		id.Boots, id.Quorum, id.Heartbeat, id.Election)
	return fmt.Sprintf("%08x", crc32.Checksum([]byte(s), castagnoli))
}

// Acquire makes the directory if need be and keeps other processes off it until the result is closed.
// Call it before anything else here.
func Acquire(fsys vfs.FS, dir string) (io.Closer, error) {
	if err := fsys.MkdirAll(dir); err != nil {
		return nil, err
	}
	lock, err := fsys.Lock(filepath.Join(dir, "LOCK"))
	var held *vfs.LockedError
	if errors.As(err, &held) {
		return nil, fmt.Errorf("%s: %w (%w); stop that process or choose another directory",
			dir, ErrLocked, held)
	}
	return lock, err
}

// Read reads who the directory is. ErrNoIdentity means that it is empty and may be founded.
func Read(fsys vfs.FS, dir string) (Identity, error) {
	path := filepath.Join(dir, "identity")
	b, err := sealed.ReadFile(fsys, path)
	if errors.Is(err, fs.ErrNotExist) {
		return Identity{}, vacant(fsys, dir)
	}
	if err != nil {
		return Identity{}, err
	}
	var id Identity
	if err := json.Unmarshal(b, &id); err != nil {
		return Identity{}, sealed.Damaged(path, -1, "not readable as JSON (%v)", err)
	}
	if id.Format > sealed.Format {
		return Identity{}, sealed.Newer(path, id.Format)
	}
	if id.Format < 1 || id.Check != id.sum() {
		return Identity{}, sealed.Damaged(path, -1, "its checksum is wrong")
	}
	return id, nil
}

// vacant tells a directory that may be founded from one that lost its identity and from somebody
// else's.
func vacant(fsys vfs.FS, dir string) error {
	names, err := fsys.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, name := range names {
		switch name {
		case "LOCK", "identity.tmp", "quarantine", "lost+found":
		case "log", "snap", "book":
			return sealed.Damaged(dir, -1, "it has %s but no identity", name)
		default:
			return fmt.Errorf("%s: %w: it holds %q and no identity; choose an empty directory",
				dir, sealed.ErrForeign, name)
		}
	}
	return fmt.Errorf("%s: %w", dir, ErrNoIdentity)
}

// Write replaces the identity, atomically and durably.
func Write(fsys vfs.FS, dir string, id Identity) error {
	if err := (sealed.Origin{Cluster: id.Cluster, Incarnation: id.Incarnation}).Check(); err != nil {
		return err
	}
	id.Format = sealed.Format
	id.Check = id.sum()
	b, err := json.MarshalIndent(id, "", "  ")
	if err != nil {
		return err
	}
	return sealed.WriteFile(fsys, filepath.Join(dir, "identity"), append(b, '\n'), 0)
}

// Quarantine moves log and snapshots aside and makes the directory next, which must be a new
// incarnation, so that the node can come back as a learner. It says where the old files are. If it
// is interrupted, Open refuses what is left and it can be called again.
func Quarantine(fsys vfs.FS, dir string, next Identity) (string, error) {
	old, err := sealed.ReadFile(fsys, filepath.Join(dir, "identity"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	var was Identity
	if json.Unmarshal(old, &was) == nil && was.Incarnation == next.Incarnation {
		return "", fmt.Errorf("quarantine of %s: the new incarnation must not be the old one", dir)
	}
	aside, err := Aside(fsys, dir)
	if err != nil {
		return "", err
	}
	if err := sealed.WriteFile(fsys, filepath.Join(aside, "identity"), old, 0); err != nil {
		return "", err
	}
	if err := Write(fsys, dir, next); err != nil {
		return "", err
	}
	for _, name := range []string{"log", "snap"} {
		err := fsys.Rename(filepath.Join(dir, name), filepath.Join(aside, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return aside, errors.Join(fsys.SyncDir(aside), fsys.SyncDir(dir))
}

// Aside makes a new folder in quarantine/ for what is moved out of the way.
func Aside(fsys vfs.FS, dir string) (string, error) {
	parent := filepath.Join(dir, "quarantine")
	if err := fsys.MkdirAll(parent); err != nil {
		return "", err
	}
	names, err := fsys.ReadDir(parent)
	if err != nil {
		return "", err
	}
	n := len(names) + 1
	for slices.Contains(names, fmt.Sprint(n)) {
		n++
	}
	aside := filepath.Join(parent, fmt.Sprint(n))
	return aside, fsys.MkdirAll(aside)
}
