package snapfile

import (
	"encoding/binary"
	"errors"

	"github.com/caucus-project/caucus/internal/raftlog/sealed"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// A snapshot file is a preamble and a chain of frames: meta, data ..., end. Only a file with its end
// is whole.
const (
	kindMeta = 'm' // SnapshotMetadata
	kindData = 'd'
	kindEnd  = 't' // uvarint: bytes of data
	chunk    = 128 << 10
	unsynced = 4 << 20 // bytes that wait for a sync at most, so that no sync of the log waits for all of it
	full     = sealed.HeadSize + 1 + chunk
)

// Writer writes one snapshot. It belongs to one goroutine and must be ended with Finish or Abort.
type Writer struct {
	fs     vfs.FS
	path   string
	file   vfs.File // nil once it is ended
	seed   uint32
	off    int64
	synced int64 // up to where
	crc    uint32
	total  uint64
	buf    []byte // room for the head, the kind, and data that waits
	err    error
}

// Create begins a file for a snapshot that is what meta says.
func Create(fsys vfs.FS, path string, origin sealed.Origin, meta *raftpb.SnapshotMetadata) (*Writer, error) {
	encoded, err := proto.Marshal(meta)
	if err != nil {
		return nil, err
	}
	f, err := fsys.Create(path)
	if err != nil {
		return nil, err
	}
	w := &Writer{fs: fsys, path: path, file: f, seed: origin.Seed(), off: sealed.PreambleSize}
	_, w.err = f.WriteAt(sealed.Preamble(sealed.SnapshotMagic, origin), 0)
	w.begin(kindMeta)
	w.buf = append(w.buf, encoded...)
	w.flush()
	if w.err != nil {
		return nil, errors.Join(w.err, w.Abort())
	}
	return w, nil
}

func (w *Writer) begin(kind byte) {
	w.buf = append(append(w.buf[:0], make([]byte, sealed.HeadSize)...), kind)
}

// flush writes the frame in buf and begins one for data.
func (w *Writer) flush() {
	if w.err != nil {
		return
	}
	w.buf, w.crc = sealed.Seal(w.buf, w.off, w.crc, w.seed)
	if _, w.err = w.file.WriteAt(w.buf, w.off); w.err == nil {
		w.off += int64(len(w.buf))
	}
	if w.err == nil && w.off-w.synced >= unsynced {
		w.synced, w.err = w.off, w.file.Sync()
	}
	w.begin(kindData)
}

// Write implements io.Writer. After an error only Abort is of use.
func (w *Writer) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0 && w.err == nil; {
		n := min(len(rest), full-len(w.buf))
		w.buf, rest = append(w.buf, rest[:n]...), rest[n:]
		if len(w.buf) == full {
			w.flush()
		}
	}
	if w.err != nil {
		return 0, w.err
	}
	w.total += uint64(len(p))
	return len(p), nil
}

// Finish ends and syncs the file; it is whole then, and keeps its name. After an error it is gone,
// as after Abort.
func (w *Writer) Finish() error {
	if w.file == nil {
		return errors.New("the snapshot was ended before")
	}
	if len(w.buf) > sealed.HeadSize+1 {
		w.flush()
	}
	w.begin(kindEnd)
	w.buf = binary.AppendUvarint(w.buf, w.total)
	w.flush()
	if w.err == nil {
		w.err = w.file.Sync()
	}
	if w.err != nil {
		return errors.Join(w.err, w.Abort())
	}
	f := w.file
	w.file = nil
	return f.Close()
}

// Size gives the length of the file so far.
func (w *Writer) Size() uint64 { return uint64(w.off) }

// Abort forgets the snapshot. After Finish or another Abort it does nothing.
func (w *Writer) Abort() error {
	if w.file == nil {
		return nil
	}
	err := w.file.Close()
	w.file = nil
	return errors.Join(err, w.fs.Remove(w.path))
}
