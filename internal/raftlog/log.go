package raftlog

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/caucus-project/caucus/internal/raftlog/record"
	"github.com/caucus-project/caucus/internal/raftlog/sealed"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
	"go.etcd.io/raft/v3/raftpb"
)

// Options of a log. Cluster and Incarnation are those of the Identity, and each segment and snapshot
// says them.
type Options struct {
	Cluster, Incarnation string // 32 hexadecimal digits each
	SegmentSize          int64  // bytes reserved at a time; 0 means 64 MiB
	// MustExist says that the node has had a log, so that an empty directory is a lost one: set it
	// when Identity.Boots is not 0, and count the boot only after Open.
	MustExist bool
}

// Record is one thing to remember.
type Record = record.Record

// ErrClosed is what a closed log says.
var ErrClosed = errors.New("the log is closed")

// ErrNoSpace is what Append says when the disk has no room for a new segment. Nothing was written, so the log
// is as it was, and the same records may be appended again when there is room.
var ErrNoSpace = errors.New("the disk is full")

// Log is the open log of one node. All methods may be called from any goroutine; appends are one at
// a time.
type Log struct {
	fs          vfs.FS
	dir         string
	segmentSize int64
	origin      sealed.Origin
	seed        uint32
	syncs       atomic.Uint64
	bytes       atomic.Uint64
	held        atomic.Int64  // bytes of all segments
	temps       atomic.Uint64 // names of unfinished snapshots

	mu       sync.Mutex // guards what follows; held while an append is written and synced
	err      error      // the first failure: a failed sync is never tried again
	segments []segment  // oldest first; the last one is the active file
	file     vfs.File
	size     int64  // where frames must end, and the last sector begins
	off      int64  // where the next frame goes
	crc      uint32 // of the last frame
	place    record.Place
	written  record.Place // as the frames on disk have it; place may know a later commit index
	buf      []byte

	snapMu    sync.Mutex
	snapshots []*raftpb.SnapshotMetadata // durable, newest first
}

type segment struct {
	path    string
	seq     uint64
	highest uint64 // index of any entry that it holds
	size    int64  // bytes, those reserved among them
}

// Stats counts what went to disk since Open, and says what the log takes there.
type Stats struct {
	Syncs uint64 // of files; directories not counted
	Bytes uint64 // of frames and snapshots
	Held  int64  // bytes of all segments now, those reserved for what is to come among them
}

// Stats never waits.
func (l *Log) Stats() Stats {
	return Stats{Syncs: l.syncs.Load(), Bytes: l.bytes.Load(), Held: l.held.Load()}
}

// add takes a segment into the list.
func (l *Log) add(s segment) {
	l.segments = append(l.segments, s)
	l.held.Add(s.size)
}

// Append makes the records durable, all or none, with one write and one sync. After an error of the
// disk every further Append returns that error: the pages that a failed sync covered may be gone
// although a later one succeeds, so only Open knows what is there.
func (l *Log) Append(batch []Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	next, err := l.encode(batch)
	if err != nil {
		return err
	}
	if len(l.buf) == sealed.HeadSize && next.Term == l.written.Term && next.Vote == l.written.Vote {
		l.place = next // at most the commit index moved
		return nil
	}
	return l.write(next)
}

// encode puts the records behind room for the frame's head.
func (l *Log) encode(batch []Record) (next record.Place, err error) {
	if cap(l.buf) > 1<<20 {
		l.buf = nil // one large batch does not hold its memory for ever
	}
	next, l.buf = l.place, append(l.buf[:0], make([]byte, sealed.HeadSize)...)
	for _, r := range batch {
		if r.Snapshot != nil && !l.committed(r.Snapshot) {
			return next, fmt.Errorf("snapshot %d is to be committed before it is appended",
				r.Snapshot.GetIndex())
		}
		if l.buf, err = record.Append(l.buf, &next, r); err != nil {
			return next, err
		}
	}
	if len(l.buf)+64 > sealed.MaxPayload { // 64: room for the hard state
		return next, fmt.Errorf("append of %d bytes: the limit is %d", len(l.buf), sealed.MaxPayload)
	}
	return next, nil
}

// write completes the frame in buf with the hard state, if that changed, and makes it durable.
func (l *Log) write(next record.Place) error {
	if next.Term != l.written.Term || next.Vote != l.written.Vote || next.Commit != l.written.Commit {
		l.buf = record.AppendHard(l.buf, next)
	}
	if l.off+sealed.Size(len(l.buf)-sealed.HeadSize) > l.size {
		if err := l.roll(sealed.Size(len(l.buf) - sealed.HeadSize)); err != nil {
			if !errors.Is(err, ErrNoSpace) {
				l.err = err
			}
			return err
		}
	}
	frame, crc := sealed.Seal(l.buf, l.off, l.crc, l.seed)
	l.buf = frame
	if l.err = l.put(frame); l.err != nil {
		return l.err
	}
	l.crc, l.place, l.written = crc, next, next
	active := &l.segments[len(l.segments)-1]
	active.highest = max(active.highest, next.Last)
	return nil
}

func (l *Log) put(frame []byte) error {
	active := &l.segments[len(l.segments)-1]
	if _, err := l.file.WriteAt(frame, l.off); err != nil {
		return fmt.Errorf("append to %s: %w", active.path, err)
	}
	if err := l.file.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", active.path, err)
	}
	l.syncs.Add(1)
	l.bytes.Add(uint64(len(frame)))
	l.off += int64(len(frame))
	return nil
}

// roll begins a new segment with room for a frame of that size. It is durable under its name before
// it is used, and begins with all that a reader needs of the older ones, so that Compact may delete
// them. Before it is used the one before it says that there is another, so that its loss is noticed.
func (l *Log) roll(room int64) error {
	seq := uint64(1)
	if n := len(l.segments); n > 0 {
		seq = l.segments[n-1].seq + 1
	}
	path := filepath.Join(l.dir, "log", segmentName(seq, l.place.Last+1))
	off, crc, err := l.create(path, seq, room)
	if err == nil {
		err = l.conclude(seq)
	}
	if err != nil {
		return err
	}
	return l.activate(segment{path: path, seq: seq}, off, crc)
}

// headRoom is the most that the first frame of a segment takes.
const headRoom = 64

// create makes the file of a segment and says where its first frame ends. When the disk has no room for a
// whole one, a smaller one will do, as long as it holds what is to be appended.
func (l *Log) create(path string, seq uint64, room int64) (off int64, crc uint32, err error) {
	least := sealed.PreambleSize + sealed.Size(headRoom) + room + sealed.SectorSize
	for size := max(l.segmentSize, least); ; size = max(size/4, least) {
		head := record.AppendSegment(make([]byte, sealed.HeadSize), seq, size, l.place)
		frame, crc := sealed.Seal(head, sealed.PreambleSize, l.crc, l.seed)
		data := append(sealed.Preamble(sealed.SegmentMagic, l.origin), frame...)
		err := sealed.WriteFile(l.fs, path, data, size)
		switch {
		case err == nil:
			l.syncs.Add(1)
			return int64(len(data)), crc, nil
		case !errors.Is(err, syscall.ENOSPC):
			return 0, 0, fmt.Errorf("new segment %s: %w", path, err)
		case size == least:
			return 0, 0, fmt.Errorf("new segment %s: %w: %w", path, ErrNoSpace, err)
		}
	}
}

// conclude has the active segment say, in its last sector, that segment next follows. A sector is written
// whole or not at all.
func (l *Log) conclude(next uint64) error {
	if len(l.segments) == 0 {
		return nil
	}
	frame, _ := sealed.Seal(record.AppendNext(make([]byte, sealed.HeadSize), next), l.size, l.crc, l.seed)
	_, err := l.file.WriteAt(frame, l.size)
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("the end of %s: %w", l.segments[len(l.segments)-1].path, err)
	}
	l.syncs.Add(1)
	return nil
}

func (l *Log) activate(s segment, off int64, crc uint32) error {
	f, err := l.fs.Open(s.path)
	if err != nil {
		return err
	}
	size, err := f.Size()
	if err != nil {
		return sealed.CloseAfter(f, err)
	}
	old := l.file
	s.size = size
	l.add(s)
	l.file, l.size, l.off, l.crc, l.written = f, size-sealed.SectorSize, off, crc, l.place
	if old != nil {
		return old.Close()
	}
	return nil
}

// Compact deletes the segments that hold only entries up to index, as far as a durable snapshot
// covers them.
func (l *Log) Compact(index uint64) error {
	snaps := l.Snapshots()
	if len(snaps) == 0 {
		return nil
	}
	index = min(index, snaps[0].GetIndex())
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.segments) > 1 && l.segments[0].highest <= index {
		if err := l.fs.Remove(l.segments[0].path); err != nil {
			return err
		}
		l.held.Add(-l.segments[0].size)
		l.segments = l.segments[1:]
		// One at a time: a crash must not bring back an older segment without those that follow it.
		if err := l.fs.SyncDir(filepath.Join(l.dir, "log")); err != nil {
			return err
		}
	}
	return nil
}

// Close writes a commit index that still waits, and closes the log. It returns the error that
// stopped the log.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if errors.Is(l.err, ErrClosed) {
		return nil
	}
	err := l.err
	if err == nil && l.place != l.written {
		l.buf = l.buf[:sealed.HeadSize]
		err = l.write(l.place)
	}
	l.err = ErrClosed
	return sealed.CloseAfter(l.file, err)
}
