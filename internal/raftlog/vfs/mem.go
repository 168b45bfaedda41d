package vfs

import (
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Mem is a disk in memory. It behaves well until it is told not to: Crash forgets and tears what was
// not synced, Corrupt flips bits, the Fail hooks make calls fail. The same seed and calls give the
// same bytes. Directories and moves between directories are durable at once, as on a journalled
// disk; the names of files within a directory are durable after SyncDir.
type Mem struct {
	// FailWrite and FailSync, if set, may fail a write or a sync (of a file or directory) by
	// returning an error. A write that fails has written half its sectors; what a failed sync
	// covered stays unsynced even if a later one succeeds, as on Linux. Set them while nothing else
	// uses the disk.
	FailWrite, FailSync func(path string) error

	mu    sync.Mutex
	rng   *rand.Rand
	dirs  map[string]*memDir
	locks map[string]*memLock
	boot  int // handles of an earlier boot are dead
}

// NewMem makes an empty disk whose faults follow from seed.
func NewMem(seed uint64) *Mem {
	return &Mem{
		rng:   rand.New(rand.NewPCG(seed, 0x6361756375730a)),
		dirs:  map[string]*memDir{},
		locks: map[string]*memLock{},
	}
}

// Crash is a power failure. Of what was not synced any subset of 512-byte sectors survives, and of
// the names made, moved or removed since SyncDir those up to some moment. All handles and locks are
// dead.
func (m *Mem) Crash() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stop()
	for _, dir := range sortedKeys(m.dirs) {
		m.dirs[dir].crash(m.rng)
	}
}

// Kill is the death of the process alone: handles and locks are dead, every byte it wrote is still
// there, and what was not synced still is not.
func (m *Mem) Kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stop()
}

func (m *Mem) stop() {
	m.boot++
	clear(m.locks)
}

// Corrupt flips one bit of the byte at offset, on the disk itself.
func (m *Mem) Corrupt(path string, offset int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, err := m.find(path)
	if err != nil {
		return err
	}
	if offset < 0 || offset >= f.size {
		return fmt.Errorf("corrupt %s: no byte %d in a file of %d", path, offset, f.size)
	}
	f.page(offset)[offset%pageSize] ^= 1 << m.rng.IntN(8)
	return nil
}

// MkdirAll implements FS.
func (m *Mem) MkdirAll(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for dir = filepath.Clean(dir); m.dirs[dir] == nil; dir = filepath.Dir(dir) {
		m.dirs[dir] = newMemDir()
	}
	return nil
}

// Create implements FS.
func (m *Mem) Create(path string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, name, err := m.split("create", path)
	if err != nil {
		return nil, err
	}
	f := &memFile{unsynced: map[int64]*oldSector{}}
	if dir.durable[name] != nil {
		dir.durable[name] = f // the old bytes are gone, crash or not
	}
	dir.change(nameChange{add: name, file: f})
	return &memHandle{mem: m, file: f, path: path, boot: m.boot}, nil
}

// Open implements FS.
func (m *Mem) Open(path string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, err := m.find(path)
	if err != nil {
		return nil, err
	}
	return &memHandle{mem: m, file: f, path: path, boot: m.boot}, nil
}

// ReadDir implements FS.
func (m *Mem) ReadDir(dir string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir = filepath.Clean(dir)
	d := m.dirs[dir]
	if d == nil {
		return nil, missing("readdir", dir)
	}
	names := sortedKeys(d.files)
	for sub := range m.dirs {
		if filepath.Dir(sub) == dir && sub != dir {
			names = append(names, filepath.Base(sub))
		}
	}
	slices.Sort(names)
	return names, nil
}

// Rename implements FS.
func (m *Mem) Rename(oldpath, newpath string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	oldpath, newpath = filepath.Clean(oldpath), filepath.Clean(newpath)
	if m.dirs[oldpath] != nil {
		return m.renameDir(oldpath, newpath)
	}
	file, err := m.find(oldpath)
	if err != nil {
		return err
	}
	from, oldname, _ := m.split("rename", oldpath)
	to, newname, err := m.split("rename", newpath)
	if err != nil {
		return err
	}
	if from == to {
		from.change(nameChange{remove: oldname, add: newname, file: file})
		return nil
	}
	from.change(nameChange{remove: oldname})
	to.change(nameChange{add: newname, file: file})
	from.sync()
	to.sync()
	return nil
}

func (m *Mem) renameDir(oldpath, newpath string) error {
	if m.dirs[filepath.Dir(newpath)] == nil || m.dirs[newpath] != nil {
		return &fs.PathError{Op: "rename", Path: newpath, Err: fs.ErrInvalid}
	}
	for _, dir := range sortedKeys(m.dirs) {
		if rest, ok := strings.CutPrefix(dir, oldpath); ok && (rest == "" || rest[0] == filepath.Separator) {
			m.dirs[newpath+rest] = m.dirs[dir]
			delete(m.dirs, dir)
		}
	}
	return nil
}

// Remove implements FS.
func (m *Mem) Remove(path string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.find(path); err != nil {
		return err
	}
	dir, name, _ := m.split("remove", path)
	dir.change(nameChange{remove: name})
	return nil
}

// SyncDir implements FS.
func (m *Mem) SyncDir(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := m.dirs[filepath.Clean(dir)]
	if d == nil {
		return missing("syncdir", dir)
	}
	if m.FailSync != nil {
		if err := m.FailSync(dir); err != nil {
			return err
		}
	}
	d.sync()
	return nil
}

// Lock implements FS. Crash and Kill end it.
func (m *Mem) Lock(path string) (io.Closer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	path = filepath.Clean(path)
	if m.locks[path] != nil {
		return nil, &LockedError{Path: path}
	}
	lock := &memLock{mem: m, path: path}
	m.locks[path] = lock
	return lock, nil
}

type memLock struct {
	mem  *Mem
	path string
}

func (l *memLock) Close() error {
	l.mem.mu.Lock()
	defer l.mem.mu.Unlock()
	if l.mem.locks[l.path] == l {
		delete(l.mem.locks, l.path)
	}
	return nil
}

func (m *Mem) split(op, path string) (*memDir, string, error) {
	dir, name := filepath.Split(filepath.Clean(path))
	d := m.dirs[filepath.Clean(dir)]
	if d == nil || name == "" {
		return nil, "", missing(op, path)
	}
	return d, name, nil
}

func (m *Mem) find(path string) (*memFile, error) {
	dir, name, err := m.split("open", path)
	if err != nil {
		return nil, err
	}
	if f := dir.files[name]; f != nil {
		return f, nil
	}
	return nil, missing("open", path)
}

func missing(op, path string) error {
	return &fs.PathError{Op: op, Path: path, Err: fs.ErrNotExist}
}
