package raftlog

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/caucus-project/caucus/internal/raftlog/datadir"
	"github.com/caucus-project/caucus/internal/raftlog/sealed"
	"github.com/caucus-project/caucus/internal/raftlog/snapfile"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// SnapshotWriter writes one snapshot, of this node or received from the leader, beside the appends:
// Write the data, then Commit or Abort. It belongs to one goroutine.
type SnapshotWriter struct {
	log  *Log
	file *snapfile.Writer
	tmp  string
	meta *raftpb.SnapshotMetadata
}

// SaveSnapshot makes what write writes a snapshot: all of it, durable, or nothing.
func (l *Log) SaveSnapshot(meta *raftpb.SnapshotMetadata, write func(io.Writer) error) error {
	w, err := l.CreateSnapshot(meta)
	if err != nil {
		return err
	}
	if err := write(w); err != nil {
		return errors.Join(err, w.Abort())
	}
	return w.Commit()
}

// CreateSnapshot begins a snapshot; it does not exist before Commit. The log keeps a copy of meta.
func (l *Log) CreateSnapshot(meta *raftpb.SnapshotMetadata) (*SnapshotWriter, error) {
	meta = raftpb.EnsureSnapshotMetadata(proto.CloneOf(meta))
	if meta.GetIndex() == 0 {
		return nil, errors.New("a snapshot needs an index")
	}
	tmp := filepath.Join(l.dir, "snap", fmt.Sprintf("%d.tmp", l.temps.Add(1)))
	w, err := snapfile.Create(l.fs, tmp, l.origin, meta)
	if err != nil {
		return nil, err
	}
	return &SnapshotWriter{log: l, file: w, tmp: tmp, meta: meta}, nil
}

// Write implements io.Writer. After an error only Abort is of use.
func (w *SnapshotWriter) Write(p []byte) (int, error) { return w.file.Write(p) }

// Abort forgets the snapshot. After Commit or another Abort it does nothing.
func (w *SnapshotWriter) Abort() error { return w.file.Abort() }

// Commit makes the snapshot durable and live, and deletes all but the newest two. After an error it
// is as if Abort had been called, or, if only old ones could not be deleted, the snapshot is live.
func (w *SnapshotWriter) Commit() error {
	if err := w.file.Finish(); err != nil {
		return err
	}
	w.log.syncs.Add(1)
	w.log.bytes.Add(w.file.Size())
	return w.log.publishSnapshot(w.tmp, w.meta)
}

func (l *Log) snapshotPath(m *raftpb.SnapshotMetadata) string {
	return filepath.Join(l.dir, "snap", fmt.Sprintf("%016x-%016x.snap", m.GetIndex(), m.GetTerm()))
}

// OpenSnapshot opens the durable snapshot at index (fs.ErrNotExist: there is none). What is deleted
// meanwhile can still be read to its end.
func (l *Log) OpenSnapshot(index uint64) (*snapfile.Reader, error) {
	for _, m := range l.Snapshots() {
		if m.GetIndex() == index {
			return snapfile.Open(l.fs, l.snapshotPath(m), l.origin)
		}
	}
	return nil, fmt.Errorf("snapshot %d: %w", index, fs.ErrNotExist)
}

func (l *Log) publishSnapshot(tmp string, meta *raftpb.SnapshotMetadata) error {
	l.snapMu.Lock()
	defer l.snapMu.Unlock()
	if err := sealed.Publish(l.fs, tmp, l.snapshotPath(meta)); err != nil {
		return err
	}
	l.snapshots = slices.DeleteFunc(l.snapshots, func(m *raftpb.SnapshotMetadata) bool {
		return newestFirst(m, meta) == 0
	})
	l.snapshots = append(l.snapshots, meta)
	slices.SortFunc(l.snapshots, newestFirst)
	for len(l.snapshots) > 2 {
		if err := l.fs.Remove(l.snapshotPath(l.snapshots[2])); err != nil {
			return err
		}
		l.snapshots = slices.Delete(l.snapshots, 2, 3)
	}
	return nil
}

func newestFirst(a, b *raftpb.SnapshotMetadata) int {
	return cmp.Or(cmp.Compare(b.GetIndex(), a.GetIndex()), cmp.Compare(b.GetTerm(), a.GetTerm()))
}

// SnapshotSize gives the bytes of the newest snapshot, 0 when there is none.
func (l *Log) SnapshotSize() (int64, error) {
	m := l.newest()
	if m == nil {
		return 0, nil
	}
	f, err := l.fs.Open(l.snapshotPath(m))
	if err != nil {
		return 0, err
	}
	size, err := f.Size()
	return size, sealed.CloseAfter(f, err)
}

// Snapshots lists the durable ones, newest first: at most two.
func (l *Log) Snapshots() []*raftpb.SnapshotMetadata {
	l.snapMu.Lock()
	defer l.snapMu.Unlock()
	return slices.Clone(l.snapshots)
}

func (l *Log) newest() *raftpb.SnapshotMetadata {
	if s := l.Snapshots(); len(s) > 0 {
		return s[0]
	}
	return nil
}

// committed says whether that snapshot, or a newer one, is durable.
func (l *Log) committed(meta *raftpb.SnapshotMetadata) bool {
	newest := l.newest()
	return newest != nil && newestFirst(newest, meta) <= 0
}

// readSnapshots lists the intact snapshots, newest first, and remembers the damaged ones. Only the
// first that is intact is read to its end: it is the one that counts.
func (o *opening) readSnapshots() error {
	dir := filepath.Join(o.dir, "snap")
	names, err := o.fs.ReadDir(dir)
	if err != nil {
		return err
	}
	slices.Reverse(names) // the names sort by index, then term
	for _, name := range names {
		meta, err := o.verify(filepath.Join(dir, name), len(o.snapshots) == 0)
		var bad *sealed.DamageError
		switch {
		case errors.As(err, &bad):
			o.bad = append(o.bad, bad)
		case err != nil:
			return err
		default:
			o.snapshots = append(o.snapshots, meta)
		}
	}
	return nil
}

func (o *opening) verify(path string, whole bool) (*raftpb.SnapshotMetadata, error) {
	index, term, err := parseName(path, ".snap")
	if err != nil {
		return nil, err
	}
	r, err := snapfile.Open(o.fs, path, o.origin)
	if err != nil {
		return nil, err
	}
	if whole {
		_, err = io.Copy(io.Discard, r)
	}
	if err == nil && (r.Meta.GetIndex() != index || r.Meta.GetTerm() != term) {
		err = sealed.Damaged(path, -1, "its name is not that of its content")
	}
	return r.Meta, sealed.CloseAfter(r, err)
}

// setAside moves damaged snapshots to quarantine, once it is clear that the node can do without.
func (o *opening) setAside() error {
	for _, bad := range o.bad {
		aside, err := datadir.Aside(o.fs, o.dir)
		if err != nil {
			return err
		}
		if err := o.fs.Rename(bad.File, filepath.Join(aside, filepath.Base(bad.File))); err != nil {
			return err
		}
		o.notes = append(o.notes, fmt.Sprintf("%v; it was moved to %s, the rest suffices", bad, aside))
	}
	return nil
}
