package vfs

import (
	"cmp"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
)

const (
	sectorSize = 512 // what a disk writes whole or not at all
	pageSize   = 4096
)

// memDir keeps the names as they are and as they would be after a power failure.
type memDir struct {
	files, durable map[string]*memFile
	pending        []nameChange // what turns durable into files
}

// nameChange is one step of a directory: a rename within it takes one name and gives another at once.
type nameChange struct {
	remove, add string
	file        *memFile
}

func newMemDir() *memDir {
	return &memDir{files: map[string]*memFile{}, durable: map[string]*memFile{}}
}

func (d *memDir) change(c nameChange) {
	c.apply(d.files)
	d.pending = append(d.pending, c)
}

func (c nameChange) apply(names map[string]*memFile) {
	if c.remove != "" {
		delete(names, c.remove)
	}
	if c.add != "" {
		names[c.add] = c.file
	}
}

func (d *memDir) sync() {
	for _, c := range d.pending {
		c.apply(d.durable)
	}
	d.pending = d.pending[:0]
}

func (d *memDir) crash(rng *rand.Rand) {
	d.pending = d.pending[:rng.IntN(len(d.pending)+1)]
	d.sync()
	d.files = maps.Clone(d.durable)
	for _, name := range sortedKeys(d.files) {
		d.files[name].crash(rng)
	}
}

// memFile holds its present bytes in sparse pages, and for each sector that is not synced what the
// disk had before: so a sync forgets a few sectors, and preallocating costs nothing.
type memFile struct {
	size, syncedSize int64
	pages            []*[pageSize]byte
	unsynced         map[int64]*oldSector
}

type oldSector struct {
	data [sectorSize]byte
	lost bool // a sync of it failed, and no later one will write it unless it is written again
}

func (f *memFile) page(off int64) *[pageSize]byte {
	i := int(off / pageSize)
	for len(f.pages) <= i {
		f.pages = append(f.pages, nil)
	}
	if f.pages[i] == nil {
		f.pages[i] = new([pageSize]byte)
	}
	return f.pages[i]
}

func (f *memFile) sector(s int64) []byte {
	off := s * sectorSize
	return f.page(off)[off%pageSize:][:sectorSize]
}

func (f *memFile) write(p []byte, off int64) {
	f.size = max(f.size, off+int64(len(p)))
	for len(p) > 0 {
		s := off / sectorSize
		now := f.sector(s)
		if old := f.unsynced[s]; old != nil {
			old.lost = false
		} else {
			f.unsynced[s] = &oldSector{data: [sectorSize]byte(now)}
		}
		n := copy(now[off%sectorSize:], p)
		p, off = p[n:], off+int64(n)
	}
}

func (f *memFile) read(p []byte, off int64) int {
	p = p[:max(0, min(int64(len(p)), f.size-off))]
	for rest := p; len(rest) > 0; {
		n := min(len(rest), int(pageSize-off%pageSize))
		if i := int(off / pageSize); i < len(f.pages) && f.pages[i] != nil {
			copy(rest[:n], f.pages[i][off%pageSize:])
		} else {
			clear(rest[:n])
		}
		rest, off = rest[n:], off+int64(n)
	}
	return len(p)
}

func (f *memFile) sync() {
	maps.DeleteFunc(f.unsynced, func(_ int64, old *oldSector) bool { return !old.lost })
	f.syncedSize = f.size
}

func (f *memFile) loseSync() {
	for _, old := range f.unsynced {
		old.lost = true
	}
}

// crash keeps all, none or some of the sectors, so that the plain cases are as likely as the torn
// ones.
func (f *memFile) crash(rng *rand.Rand) {
	kind := rng.IntN(4)
	for _, s := range sortedKeys(f.unsynced) {
		if kind == 0 || kind > 1 && rng.IntN(2) == 0 {
			copy(f.sector(s), f.unsynced[s].data[:])
		}
	}
	clear(f.unsynced)
	if f.size != f.syncedSize && rng.IntN(2) == 0 {
		f.cut(f.syncedSize)
	}
	f.syncedSize = f.size
}

func (f *memFile) cut(size int64) {
	f.size = size
	keep := int((size + pageSize - 1) / pageSize)
	if keep < len(f.pages) {
		f.pages = f.pages[:keep]
	}
	if in := size % pageSize; in != 0 && keep == len(f.pages) && f.pages[keep-1] != nil {
		clear(f.pages[keep-1][in:])
	}
}

// memHandle is an open file of one boot.
type memHandle struct {
	mem    *Mem
	file   *memFile
	path   string
	boot   int
	closed bool
}

func (h *memHandle) check(op string, off int64) error {
	if h.closed || h.boot != h.mem.boot {
		return &fs.PathError{Op: op, Path: h.path, Err: fs.ErrClosed}
	}
	if off < 0 {
		return &fs.PathError{Op: op, Path: h.path, Err: fs.ErrInvalid}
	}
	return nil
}

func (h *memHandle) ReadAt(p []byte, off int64) (int, error) {
	h.mem.mu.Lock()
	defer h.mem.mu.Unlock()
	if err := h.check("read", off); err != nil {
		return 0, err
	}
	n := h.file.read(p, off)
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (h *memHandle) WriteAt(p []byte, off int64) (int, error) {
	h.mem.mu.Lock()
	defer h.mem.mu.Unlock()
	if err := h.check("write", off); err != nil {
		return 0, err
	}
	if h.mem.FailWrite != nil {
		if err := h.mem.FailWrite(h.path); err != nil {
			n := max(0, (off+int64(len(p)/2))/sectorSize*sectorSize-off)
			h.file.write(p[:n], off)
			return int(n), err
		}
	}
	h.file.write(p, off)
	return len(p), nil
}

func (h *memHandle) Sync() error {
	h.mem.mu.Lock()
	defer h.mem.mu.Unlock()
	if err := h.check("sync", 0); err != nil {
		return err
	}
	if h.mem.FailSync != nil {
		if err := h.mem.FailSync(h.path); err != nil {
			h.file.loseSync()
			return err
		}
	}
	h.file.sync()
	return nil
}

func (h *memHandle) Preallocate(size int64) error {
	h.mem.mu.Lock()
	defer h.mem.mu.Unlock()
	if err := h.check("preallocate", size); err != nil {
		return err
	}
	if h.mem.FailWrite != nil {
		if err := h.mem.FailWrite(h.path); err != nil {
			return err
		}
	}
	h.file.size = max(h.file.size, size)
	return nil
}

func (h *memHandle) Size() (int64, error) {
	h.mem.mu.Lock()
	defer h.mem.mu.Unlock()
	if err := h.check("size", 0); err != nil {
		return 0, err
	}
	return h.file.size, nil
}

func (h *memHandle) Close() error {
	h.mem.mu.Lock()
	defer h.mem.mu.Unlock()
	if err := h.check("close", 0); err != nil {
		return err
	}
	h.closed = true
	return nil
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}
