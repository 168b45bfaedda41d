package snapfile

import (
	"encoding/binary"
	"io"
	"slices"

	"github.com/caucus-project/caucus/internal/raftlog/sealed"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// Reader reads the data of a snapshot and checks it as it goes: io.EOF comes only after the whole was
// right. A snapshot that is deleted meanwhile can still be read to its end.
type Reader struct {
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

// Open opens a snapshot and reads what it is of.
func Open(fsys vfs.FS, path string, origin sealed.Origin) (*Reader, error) {
	f, err := fsys.Open(path)
	if err != nil {
		return nil, err
	}
	r := &Reader{path: path, file: f, seed: origin.Seed(), off: sealed.PreambleSize}
	if err := r.begin(origin); err != nil {
		return nil, sealed.CloseAfter(f, err)
	}
	return r, nil
}

func (r *Reader) begin(o sealed.Origin) (err error) {
	if r.size, err = r.file.Size(); err != nil {
		return err
	}
	head := make([]byte, min(r.size, sealed.PreambleSize))
	if n, err := r.file.ReadAt(head, 0); n < len(head) {
		return err
	}
	if err := sealed.CheckPreamble(r.path, head, sealed.SnapshotMagic, o); err != nil {
		return err
	}
	kind, payload, err := r.next()
	if err != nil {
		return err
	}
	r.Meta = &raftpb.SnapshotMetadata{}
	if kind != kindMeta || proto.Unmarshal(payload, r.Meta) != nil {
		return sealed.Damaged(r.path, sealed.PreambleSize, "it does not say what it is a snapshot of")
	}
	r.Meta = raftpb.EnsureSnapshotMetadata(r.Meta)
	return nil
}

// next reads one frame.
func (r *Reader) next() (kind byte, payload []byte, err error) {
	r.buf = append(r.buf[:0], make([]byte, min(sealed.HeadSize, r.size-r.off))...)
	if n, err := r.file.ReadAt(r.buf, r.off); n < len(r.buf) {
		return 0, nil, err
	}
	size, err := sealed.Measure(r.buf, r.seed)
	if err == nil && size > r.size-r.off {
		err = sealed.ErrCut
	}
	if err != nil {
		return 0, nil, sealed.Damaged(r.path, r.off, "%v", err)
	}
	r.buf = slices.Grow(r.buf, int(size))[:size]
	if n, err := r.file.ReadAt(r.buf, r.off); n < len(r.buf) {
		return 0, nil, err
	}
	payload, _, crc, err := sealed.Parse(r.buf, r.crc, r.seed)
	if err != nil {
		return 0, nil, sealed.Damaged(r.path, r.off, "%v", err)
	}
	r.off, r.crc = r.off+size, crc
	return payload[0], payload[1:], nil
}

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
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

func (r *Reader) advance() error {
	at := r.off
	kind, payload, err := r.next()
	if err != nil {
		return err
	}
	switch kind {
	case kindData:
		r.data = payload
		r.sum += uint64(len(payload))
		return nil
	case kindEnd:
		if total, n := binary.Uvarint(payload); n == len(payload) && total == r.sum && r.off == r.size {
			return io.EOF
		}
	}
	return sealed.Damaged(r.path, at, "it does not end as it should")
}

// Close implements io.Closer.
func (r *Reader) Close() error { return r.file.Close() }
