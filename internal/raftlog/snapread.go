package raftlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/caucus-project/caucus/internal/raftlog/vfs"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// SnapshotReader reads the data of a snapshot and checks it as it goes: io.EOF comes only after the whole was
// right. A snapshot that is deleted meanwhile can still be read to its end.
type SnapshotReader struct {
	Meta *raftpb.SnapshotMetadata

	path string
	file vfs.File
	seed uint32
	size int64 // of the file
	off  int64
	crc  uint32
	sum  uint64 // bytes of data seen
	buf  []byte
	data []byte // of buf, not read yet
	err  error
}

// OpenSnapshot opens the durable snapshot at index (fs.ErrNotExist: there is none).
func (l *Log) OpenSnapshot(index uint64) (*SnapshotReader, error) {
	for _, m := range l.Snapshots() {
		if m.GetIndex() == index {
			return l.readSnapshot(l.snapshotPath(m))
		}
	}
	return l.readSnapshot(filepath.Join(l.dir, "snap", fmt.Sprintf("%016x", index)))
}

func (l *Log) readSnapshot(path string) (*SnapshotReader, error) {
	f, err := l.fs.Open(path)
	if err != nil {
		return nil, err
	}
	r := &SnapshotReader{path: path, file: f, seed: l.seed, off: preambleSize}
	if err := r.begin(l.opt); err != nil {
		return nil, closeAfter(f, err)
	}
	return r, nil
}

func (r *SnapshotReader) begin(o Options) (err error) {
	if r.size, err = r.file.Size(); err != nil {
		return err
	}
	head := make([]byte, min(r.size, preambleSize))
	if n, err := r.file.ReadAt(head, 0); n < len(head) {
		return err
	}
	if err := checkPreamble(r.path, head, snapshotMagic, o); err != nil {
		return err
	}
	kind, payload, err := r.next()
	if err != nil {
		return err
	}
	r.Meta = &raftpb.SnapshotMetadata{}
	if kind != snapMeta || proto.Unmarshal(payload, r.Meta) != nil {
		return damaged(r.path, preambleSize, "it does not say what it is a snapshot of")
	}
	r.Meta = raftpb.EnsureSnapshotMetadata(r.Meta)
	return nil
}

// next reads one frame.
func (r *SnapshotReader) next() (kind byte, payload []byte, err error) {
	r.buf = append(r.buf[:0], make([]byte, min(headSize, r.size-r.off))...)
	if n, err := r.file.ReadAt(r.buf, r.off); n < len(r.buf) {
		return 0, nil, err
	}
	size, err := measure(r.buf, r.seed)
	if err == nil && size > r.size-r.off {
		err = errCut
	}
	if err != nil {
		return 0, nil, damaged(r.path, r.off, "%v", err)
	}
	r.buf = slices.Grow(r.buf, int(size))[:size]
	if n, err := r.file.ReadAt(r.buf, r.off); n < len(r.buf) {
		return 0, nil, err
	}
	payload, _, crc, err := parse(r.buf, r.crc, r.seed)
	if err != nil {
		return 0, nil, damaged(r.path, r.off, "%v", err)
	}
	r.off, r.crc = r.off+size, crc
	return payload[0], payload[1:], nil
}

// Read implements io.Reader.
func (r *SnapshotReader) Read(p []byte) (int, error) {
	for len(r.data) == 0 && r.err == nil {
		r.err = r.advance()
	}
	if len(r.data) == 0 {
		return 0, r.err
	}
	n := copy(p, r.data)
	r.data = r.data[n:]
	return n, nil
}

func (r *SnapshotReader) advance() error {
	at := r.off
	kind, payload, err := r.next()
	if err != nil {
		return err
	}
	switch kind {
	case snapData:
		r.data = payload
		r.sum += uint64(len(payload))
		return nil
	case snapEnd:
		if total, n := binary.Uvarint(payload); n == len(payload) && total == r.sum && r.off == r.size {
			return io.EOF
		}
	}
	return damaged(r.path, at, "it does not end as it should")
}

// Close implements io.Closer.
func (r *SnapshotReader) Close() error { return r.file.Close() }

// readSnapshots lists the intact snapshots, newest first, and remembers the damaged ones. Only the first that
// is intact is read to its end: it is the one that counts.
func (o *opening) readSnapshots() error {
	dir := filepath.Join(o.dir, "snap")
	names, err := o.fs.ReadDir(dir)
	if err != nil {
		return err
	}
	slices.Reverse(names) // the names sort by index, then term
	for _, name := range names {
		meta, err := o.verify(filepath.Join(dir, name), len(o.snapshots) == 0)
		var bad *DamageError
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
	r, err := o.readSnapshot(path)
	if err != nil {
		return nil, err
	}
	if whole {
		_, err = io.Copy(io.Discard, r)
	}
	if err == nil && (r.Meta.GetIndex() != index || r.Meta.GetTerm() != term) {
		err = damaged(path, -1, "its name is not that of its content")
	}
	return r.Meta, closeAfter(r, err)
}

// setAside moves damaged snapshots to quarantine, once it is clear that the node can do without.
func (o *opening) setAside() error {
	for _, bad := range o.bad {
		aside, err := freshDir(o.fs, filepath.Join(o.dir, "quarantine"))
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
