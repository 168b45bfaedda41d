package raftlog

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caucus-project/caucus/internal/raftlog/vfs"
	"go.etcd.io/raft/v3/raftpb"
)

// Recovered is what Open found, ready for Raft's storage.
type Recovered struct {
	HardState *raftpb.HardState        // never nil; zero if the log is new
	Snapshot  *raftpb.SnapshotMetadata // nil if there is none; OpenSnapshot reads its data
	Entries   []*raftpb.Entry          // those behind the snapshot, without a gap
	Repaired  string                   // what was repaired, for the operator; empty if nothing was
}

// Open reads the log in dir, repairs what a crash may have left (doc.go) and refuses all other damage with a
// *DamageError. The caller holds the lock (Acquire).
func Open(fsys vfs.FS, dir string, opt Options) (*Log, Recovered, error) {
	if err := checkIDs(opt.Cluster, opt.Incarnation); err != nil {
		return nil, Recovered{}, err
	}
	opt = opt.withDefaults()
	l := &Log{fs: fsys, dir: dir, opt: opt, seed: seedOf(opt)}
	o := opening{Log: l}
	if err := o.run(); err != nil {
		if l.file != nil {
			err = closeAfter(l.file, err)
		}
		return nil, Recovered{}, err
	}
	return l, o.recovered(), nil
}

// opening is a log while it is read.
type opening struct {
	*Log
	replay
	bad   []*DamageError // snapshots; an older one, or the log alone, may do
	notes []string
}

func (o *opening) run() error {
	for _, dir := range []string{"log", "snap"} {
		if err := o.prepare(filepath.Join(o.dir, dir)); err != nil {
			return err
		}
	}
	if err := o.readSnapshots(); err != nil {
		return err
	}
	if err := o.readSegments(); err != nil {
		return err
	}
	return o.reconcile()
}

// prepare makes the directory, deletes what was never finished, and syncs the names: the process may have
// died, and the disk may not know yet what is seen here.
func (o *opening) prepare(dir string) error {
	if err := o.fs.MkdirAll(dir); err != nil {
		return err
	}
	names, err := o.fs.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".tmp") {
			if err := o.fs.Remove(filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	return o.fs.SyncDir(dir)
}

func segmentName(seq, index uint64) string { return fmt.Sprintf("%016x-%016x.log", seq, index) }

// parseName reads the two numbers of a file name and takes no other spelling of them.
func parseName(path, ext string) (a, b uint64, err error) {
	name := filepath.Base(path)
	_, err = fmt.Sscanf(name, "%016x-%016x"+ext, &a, &b)
	if err != nil || fmt.Sprintf("%016x-%016x%s", a, b, ext) != name {
		return 0, 0, fmt.Errorf("%s: %w: not a name that is used here; move the file elsewhere",
			path, ErrForeign)
	}
	return a, b, nil
}

func (o *opening) readSegments() error {
	dir := filepath.Join(o.dir, "log")
	names, err := o.fs.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		if o.opt.MustExist || len(o.snapshots) > 0 || len(o.bad) > 0 {
			return damaged(dir, -1, "all of its segments are missing")
		}
		return o.roll(0)
	}
	for i, name := range names {
		s := segment{path: filepath.Join(dir, name)}
		if s.seq, _, err = parseName(s.path, ".log"); err != nil {
			return err
		}
		if i > 0 && s.seq != o.segments[i-1].seq+1 {
			return damaged(dir, -1, "segment %d is missing", o.segments[i-1].seq+1)
		}
		if err := o.readSegment(s, i == len(names)-1); err != nil {
			return err
		}
	}
	return nil
}

func (o *opening) readSegment(s segment, newest bool) error {
	b, err := readFile(o.fs, s.path)
	if err != nil {
		return err
	}
	if err := checkPreamble(s.path, b, segmentMagic, o.opt); err != nil {
		return err
	}
	end, last, err := o.scan(s, b, newest)
	if err != nil {
		return err
	}
	s.highest = o.highest
	if !newest {
		o.segments = append(o.segments, s)
		return nil
	}
	o.Log.place = o.replay.place
	if err := o.activate(s, end, o.crc); err != nil {
		return err
	}
	return o.secure(last, int64(trimZeros(b)))
}

// scan replays the frames of a segment and gives the end and the beginning of the last one.
func (o *opening) scan(s segment, b []byte, newest bool) (end, last int64, err error) {
	end, last = preambleSize, preambleSize
	if len(o.segments) == 0 && len(b) >= preambleSize+headSize {
		o.crc = prevOf(b[end:]) // those before are deleted, so the chain begins anywhere
	}
	for head := true; head || trimZeros(b[end:]) > 0; head = false {
		payload, size, crc, err := parse(b[end:], o.crc, o.seed)
		if err != nil && newest && !head && o.interrupted(b, end, size, err) {
			o.notes = append(o.notes,
				fmt.Sprintf("%s: the append at byte %d was interrupted and is undone", s.path, end))
			break
		}
		switch {
		case err != nil:
		case head:
			err = o.segment(payload, s.seq, len(o.segments) == 0)
		default:
			err = o.frame(payload)
		}
		if err != nil {
			return 0, 0, damaged(s.path, end, "%v", err)
		}
		last, end, o.crc = end, end+size, crc
	}
	return end, last, nil
}

// interrupted says whether the damage at off is an append that power failure cut short, and so one that nobody
// was told of: a sector of it was never written, and nothing was appended after it.
func (o *opening) interrupted(b []byte, off, size int64, err error) bool {
	if errors.Is(err, errBody) {
		return torn(b[off:off+size], off) && trimZeros(b[off+size:]) == 0
	}
	if !errors.Is(err, errHead) {
		return false
	}
	// The length is wrong. If its sector was never written, all of that sector from here on is zero, and what
	// is behind it is the rest of one frame: no whole frame may be there.
	next := min(int64(len(b)), (off/sectorSize+1)*sectorSize)
	if trimZeros(b[off:next]) != 0 {
		return false
	}
	for rest := b[next:]; len(rest) >= headSize; rest = rest[8:] {
		size, err := measure(rest, o.seed)
		if err == nil && size <= int64(len(rest)) && frameSum(rest[:size], o.seed) == crcOf(rest) {
			return false
		}
	}
	return true
}

// secure makes durable what was read of the last segment: zeros from the end of the last frame up to
// byte dirty, and that frame itself, since the process may have died before its sync. The frame is written
// again as it stands, because a sync that failed once has marked its pages clean.
func (o *opening) secure(last, dirty int64) error {
	b := make([]byte, max(o.off, dirty)-last)
	if _, err := o.file.ReadAt(b[:o.off-last], last); err != nil {
		return err
	}
	if _, err := o.file.WriteAt(b, last); err != nil {
		return err
	}
	o.syncs.Add(1)
	return o.file.Sync()
}

// reconcile decides what counts when snapshot and log are put together (doc.go, "Snapshots").
func (o *opening) reconcile() error {
	snap := o.newest()
	index := snap.GetIndex()
	if o.base > index {
		return o.lacking("entries %d to %d are neither in a snapshot nor in the log", index+1, o.base)
	}
	continues := index <= o.last &&
		(index == o.base || o.entries[index-o.base-1].GetTerm() == snap.GetTerm())
	if continues {
		o.entries = slices.Clone(o.entries[index-o.base:])
	} else {
		o.entries, o.last = nil, index
	}
	o.commit = max(o.commit, index) // SAFETY B3
	if t := snap.GetTerm(); t > o.term {
		o.term, o.vote = t, 0 // no vote of that term was durable, so none was given
	}
	if o.commit > o.last {
		return o.lacking("entry %d was committed and the log ends with %d", o.commit, o.last)
	}
	if err := o.setAside(); err != nil {
		return err
	}
	if continues {
		snap = nil
	}
	return o.Append([]Record{{Snapshot: snap, HardState: o.recovered().HardState}})
}

// lacking is the damage of a log that does not reach back to a snapshot. A damaged snapshot is the better
// reason, if there is one.
func (o *opening) lacking(format string, args ...any) error {
	if len(o.bad) > 0 {
		return o.bad[0]
	}
	return damaged(filepath.Join(o.dir, "log"), -1, format, args...)
}

func (o *opening) recovered() Recovered {
	term, vote, commit := o.term, o.vote, o.commit
	return Recovered{
		HardState: &raftpb.HardState{Term: &term, Vote: &vote, Commit: &commit},
		Snapshot:  o.newest(),
		Entries:   o.entries,
		Repaired:  strings.Join(o.notes, "; "),
	}
}
