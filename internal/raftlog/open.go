package raftlog

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caucus-project/caucus/internal/raftlog/record"
	"github.com/caucus-project/caucus/internal/raftlog/sealed"
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

// Open reads the log in dir, repairs what a crash may have left (doc.go) and refuses all other
// damage with a *sealed.DamageError. The caller holds the lock (Acquire).
func Open(fsys vfs.FS, dir string, opt Options) (*Log, Recovered, error) {
	origin := sealed.Origin{Cluster: opt.Cluster, Incarnation: opt.Incarnation}
	if err := origin.Check(); err != nil {
		return nil, Recovered{}, err
	}
	size := cmp.Or(opt.SegmentSize, 64<<20)
	l := &Log{fs: fsys, dir: dir, segmentSize: size, origin: origin, seed: origin.Seed()}
	o := opening{Log: l, mustExist: opt.MustExist}
	if err := o.run(); err != nil {
		if l.file != nil {
			err = sealed.CloseAfter(l.file, err)
		}
		return nil, Recovered{}, err
	}
	return l, o.recovered(), nil
}

// opening is a log while it is read.
type opening struct {
	*Log
	record.Replay
	mustExist bool
	bad       []*sealed.DamageError // snapshots; an older one, or the log alone, may do
	notes     []string
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

// prepare makes the directory, deletes what was never finished, and syncs the names: the process may
// have died, and the disk may not know yet what is seen here.
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
			path, sealed.ErrForeign)
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
		if o.mustExist || len(o.snapshots) > 0 || len(o.bad) > 0 {
			return sealed.Damaged(dir, -1, "all of its segments are missing")
		}
		return o.roll(0)
	}
	for i, name := range names {
		s := segment{path: filepath.Join(dir, name)}
		if s.seq, _, err = parseName(s.path, ".log"); err != nil {
			return err
		}
		if i > 0 && s.seq != o.segments[i-1].seq+1 {
			return sealed.Damaged(dir, -1, "segment %d is missing", o.segments[i-1].seq+1)
		}
		if err := o.readSegment(s, i == len(names)-1); err != nil {
			return err
		}
	}
	return nil
}

func (o *opening) readSegment(s segment, newest bool) error {
	b, err := sealed.ReadFile(o.fs, s.path)
	if err != nil {
		return err
	}
	if err := sealed.CheckPreamble(s.path, b, sealed.SegmentMagic, o.origin); err != nil {
		return err
	}
	end, last, err := o.scan(s, b, newest)
	if err == nil {
		err = o.conclusion(s, b, newest)
	}
	if err != nil {
		return err
	}
	s.highest = o.Highest
	if !newest {
		s.size = int64(len(b))
		o.add(s)
		return nil
	}
	o.Log.place = o.Replay.Place
	if err := o.activate(s, end, o.crc); err != nil {
		return err
	}
	return o.secure(last, int64(sealed.TrimZeros(b)))
}

// scan replays the frames of a segment and gives the end and the beginning of the last one.
func (o *opening) scan(s segment, b []byte, newest bool) (end, last int64, err error) {
	end, last = sealed.PreambleSize, sealed.PreambleSize
	if len(o.segments) == 0 && len(b) >= sealed.PreambleSize+sealed.HeadSize {
		o.crc = sealed.Prev(b[end:]) // those before are deleted, so the chain begins anywhere
	}
	used := int64(0)
	for head := true; head || end < used; head = false {
		payload, size, crc, err := sealed.Parse(b[end:], o.crc, o.seed)
		if err != nil && newest && !head && o.interrupted(b, end, size, err) {
			o.notes = append(o.notes,
				fmt.Sprintf("%s: the append at byte %d was interrupted and is undone", s.path, end))
			break
		}
		switch {
		case err != nil:
		case head:
			if err = o.Segment(payload, s.seq, len(o.segments) == 0); err == nil {
				b, err = o.body(b)
			}
			used = int64(sealed.TrimZeros(b)) // once: the zeros behind it may be all of 64 MiB
		default:
			err = o.Frame(payload)
		}
		if err != nil {
			return 0, 0, sealed.Damaged(s.path, end, "%v", err)
		}
		last, end, o.crc = end, end+size, crc
	}
	return end, last, nil
}

// body gives the part of a segment's file that holds frames: all but the last sector.
func (o *opening) body(b []byte) ([]byte, error) {
	if o.Size != int64(len(b)) || o.Size < sealed.SectorSize {
		return nil, fmt.Errorf("the file has %d bytes, and was made with %d", len(b), o.Size)
	}
	return b[:o.Size-sealed.SectorSize], nil
}

// conclusion reads the last sector of a segment: whether another follows.
func (o *opening) conclusion(s segment, b []byte, newest bool) error {
	at := o.Size - sealed.SectorSize
	if sealed.TrimZeros(b[at:]) == 0 {
		return nil // the newest, or the process died when it had made the next
	}
	payload, size, _, err := sealed.Parse(b[at:], o.crc, o.seed)
	next, ok := record.Next(payload)
	switch {
	case err != nil:
		return sealed.Damaged(s.path, at, "%v", err)
	case !ok || next != s.seq+1 || sealed.TrimZeros(b[at+size:]) > 0:
		return sealed.Damaged(s.path, at, "it does not end as segment %d", s.seq)
	case newest:
		return sealed.Damaged(filepath.Dir(s.path), -1, "segment %d is missing", next)
	}
	return nil
}

// interrupted says whether the damage at off is an append that power failure cut short, and so one
// that nobody was told of: a sector of it was never written, and nothing was appended after it.
func (o *opening) interrupted(b []byte, off, size int64, err error) bool {
	if errors.Is(err, sealed.ErrBody) {
		return sealed.Torn(b[off:off+size], off) && sealed.TrimZeros(b[off+size:]) == 0
	}
	if !errors.Is(err, sealed.ErrHead) {
		return false
	}
	// The length is wrong. If its sector was never written, all of that sector from here on is zero,
	// and what is behind it is the rest of one frame: no whole frame may be there.
	next := min(int64(len(b)), (off/sealed.SectorSize+1)*sealed.SectorSize)
	if sealed.TrimZeros(b[off:next]) != 0 {
		return false
	}
	for rest := b[next:]; len(rest) >= sealed.HeadSize; rest = rest[8:] {
		if sealed.Whole(rest, o.seed) {
			return false
		}
	}
	return true
}

// secure makes durable what was read of the last segment: zeros from the end of the last frame up to
// byte dirty, and that frame itself, since the process may have died before its sync. The frame is
// written again as it stands, because a sync that failed once has marked its pages clean.
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
	if o.Base > index {
		return o.lacking("entries %d to %d are neither in a snapshot nor in the log", index+1, o.Base)
	}
	continues := index <= o.Last &&
		(index == o.Base || o.Entries[index-o.Base-1].GetTerm() == snap.GetTerm())
	if continues {
		o.Entries = slices.Clone(o.Entries[index-o.Base:])
	} else {
		o.Entries, o.Last = nil, index
	}
	o.Commit = max(o.Commit, index) // SAFETY B3
	if t := snap.GetTerm(); t > o.Term {
		o.Term, o.Vote = t, 0 // no vote of that term was durable, so none was given
	}
	if o.Commit > o.Last {
		return o.lacking("entry %d was committed and the log ends with %d", o.Commit, o.Last)
	}
	if err := o.setAside(); err != nil {
		return err
	}
	if continues {
		snap = nil
	}
	return o.Append([]Record{{Snapshot: snap, HardState: o.recovered().HardState}})
}

// lacking is the damage of a log that does not reach back to a snapshot. A damaged snapshot is the
// better reason, if there is one.
func (o *opening) lacking(format string, args ...any) error {
	if len(o.bad) > 0 {
		return o.bad[0]
	}
	return sealed.Damaged(filepath.Join(o.dir, "log"), -1, format, args...)
}

func (o *opening) recovered() Recovered {
	term, vote, commit := o.Term, o.Vote, o.Commit
	return Recovered{
		HardState: &raftpb.HardState{Term: &term, Vote: &vote, Commit: &commit},
		Snapshot:  o.newest(),
		Entries:   o.Entries,
		Repaired:  strings.Join(o.notes, "; "),
	}
}
