package raftlog

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/caucus-project/caucus/internal/raftlog/vfs"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// A snapshot file is a preamble and a chain of frames: meta, data ..., end. Only a file with its end is whole.
const (
	snapMeta = 'm' // SnapshotMetadata
	snapData = 'd'
	snapEnd  = 't' // uvarint: bytes of data
	chunk    = 128 << 10
)

func (l *Log) snapshotPath(m *raftpb.SnapshotMetadata) string {
	return filepath.Join(l.dir, "snap", fmt.Sprintf("%016x-%016x.snap", m.GetIndex(), m.GetTerm()))
}

// SnapshotWriter writes one snapshot, of this node or received from the leader, beside the appends. It
// belongs to one goroutine and must be ended with Commit or Abort.
type SnapshotWriter struct {
	log   *Log
	meta  *raftpb.SnapshotMetadata
	tmp   string
	file  vfs.File
	off   int64
	crc   uint32
	total uint64
	buf   []byte // room for the head, the kind, and data that waits
	err   error
}

// CreateSnapshot begins a snapshot; it does not exist before Commit. The log keeps a copy of meta.
func (l *Log) CreateSnapshot(meta *raftpb.SnapshotMetadata) (*SnapshotWriter, error) {
	meta = raftpb.EnsureSnapshotMetadata(proto.CloneOf(meta))
	if meta.GetIndex() == 0 {
		return nil, errors.New("a snapshot needs an index")
	}
	encoded, err := proto.Marshal(meta)
	if err != nil {
		return nil, err
	}
	l.snapMu.Lock()
	l.temps++
	tmp := filepath.Join(l.dir, "snap", fmt.Sprintf("%d.tmp", l.temps))
	l.snapMu.Unlock()
	f, err := l.fs.Create(tmp)
	if err != nil {
		return nil, err
	}
	w := &SnapshotWriter{log: l, meta: meta, tmp: tmp, file: f, off: preambleSize}
	if _, err := f.WriteAt(preamble(snapshotMagic, l.opt), 0); err != nil {
		w.err = err
	}
	w.begin(snapMeta)
	w.buf = append(w.buf, encoded...)
	w.flush()
	if w.err != nil {
		return nil, errors.Join(w.err, w.Abort())
	}
	return w, nil
}

func (w *SnapshotWriter) begin(kind byte) {
	w.buf = append(append(w.buf[:0], make([]byte, headSize)...), kind)
}

// flush writes the frame in buf and begins one for data.
func (w *SnapshotWriter) flush() {
	if w.err != nil {
		return
	}
	w.buf, w.crc = seal(w.buf, w.off, w.crc, w.log.seed)
	if _, w.err = w.file.WriteAt(w.buf, w.off); w.err == nil {
		w.off += int64(len(w.buf))
		w.log.bytes.Add(uint64(len(w.buf)))
	}
	w.begin(snapData)
}

// Write implements io.Writer. After an error only Abort is of use.
func (w *SnapshotWriter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0 && w.err == nil; {
		n := min(len(rest), headSize+1+chunk-len(w.buf))
		w.buf, rest = append(w.buf, rest[:n]...), rest[n:]
		if len(w.buf) == headSize+1+chunk {
			w.flush()
		}
	}
	if w.err != nil {
		return 0, w.err
	}
	w.total += uint64(len(p))
	return len(p), nil
}

// Commit makes the snapshot durable and live, and deletes all but the newest two. After an error it is as if
// Abort had been called, or, if only old ones could not be deleted, the snapshot is live.
func (w *SnapshotWriter) Commit() error {
	if w.file == nil {
		return ErrClosed
	}
	if len(w.buf) > headSize+1 {
		w.flush()
	}
	w.begin(snapEnd)
	w.buf = binary.AppendUvarint(w.buf, w.total)
	w.flush()
	if w.err == nil {
		w.err = w.file.Sync()
		w.log.syncs.Add(1)
	}
	if w.err != nil {
		return errors.Join(w.err, w.Abort())
	}
	err := w.file.Close()
	w.file = nil
	if err != nil {
		return err
	}
	return w.log.publishSnapshot(w.tmp, w.meta)
}

// Abort forgets the snapshot. After Commit or another Abort it does nothing.
func (w *SnapshotWriter) Abort() error {
	if w.file == nil {
		return nil
	}
	err := w.file.Close()
	w.file = nil
	return errors.Join(err, w.log.fs.Remove(w.tmp))
}

func (l *Log) publishSnapshot(tmp string, meta *raftpb.SnapshotMetadata) error {
	l.snapMu.Lock()
	defer l.snapMu.Unlock()
	if err := publish(l.fs, tmp, l.snapshotPath(meta)); err != nil {
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
