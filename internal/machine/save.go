package machine

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"io"

	"github.com/caucus-project/caucus/internal/fields"
)

// A snapshot is a header and then sections, each with a checksum of its own:
//
//	header:  "CAUCSNAP", format (1 byte), feature level (2), CRC-32C of these (4)
//	section: name (length and bytes), version (1 byte), rows, 0, CRC-32C of all of it (4)
//	row:     length (varint, more than 0) and bytes
//
// Rows come in the order of their keys, so that one state has one snapshot, byte for byte. What follows from
// the rows (the queue of deadlines, the sums) is not written.
const (
	snapshotMagic  = "CAUCSNAP"
	snapshotFormat = 1
)

// section is one part of the state in a snapshot.
type section struct {
	name    string
	version byte
	from    uint16 // the feature level from which it is written so
	rows    int    // how many it must have, -1 for any number
	save    func(*saver, *state)
	load    func(*fields.Reader, *state) error // takes one row
}

// formats lists the parts in the order in which they are written, and of one name the older version first.
// What changes a section adds a row that counts from a new feature level; the row before it stays until no
// version of the level below need be read any more (SAFETY B20).
func formats() []section {
	return []section{
		{"meta", 8, 0, 1, saveMeta, loadMeta},
		{"meta", 9, Next, 1, saveNextMeta, loadNextMeta},
		{"nodes", 1, 0, -1, saveNodes, loadNode},
		{"origins", 1, 0, -1, saveOrigins, loadOrigin},
		{"keys", 2, 0, -1, saveKeys, loadKey},
		{"pops", 1, 0, -1, savePops, loadPop},
		{"removals", 1, 0, -1, saveRemovals, loadRemoval},
		{"history", 1, 0, -1, saveHistory, loadChange},
		{"users", 1, 0, -1, saveUsers, loadUser},
		{"sessions", 4, 0, -1, saveSessions, loadSessionRow},
		{"groups", 6, 0, -1, saveGroups, loadGroupRow},
		{"digests", 1, 0, 1, saveDigests, loadDigests},
		{"leaving", 1, 0, -1, saveLeaving, loadLeaving},
		{"reserved", 1, 0, -1, saveReserved, loadReserved},
		{"end", 1, 0, 0, func(*saver, *state) {}, nil},
	}
}

// sections lists the parts as they are written at a level: each in the newest version that the level allows.
func sections(level uint16) (list []section) {
	for _, f := range formats() {
		last := len(list) - 1
		switch {
		case f.from > level:
		case last >= 0 && list[last].name == f.name:
			list[last] = f
		default:
			list = append(list, f)
		}
	}
	return list
}

// Save writes the view as a snapshot. It may run in any goroutine while the machine goes on, and holds no
// more memory than a buffer and the longest session or group.
func (v *View) Save(w io.Writer) error {
	s := &saver{w: w, table: crc32.MakeTable(crc32.Castagnoli)}
	s.header(v.state.level)
	for _, part := range sections(v.state.level) {
		s.begin(part.name, part.version)
		part.save(s, v.state)
		s.end()
	}
	return s.err
}

// Digest gives the SHA-256 of the canonical state, which is what Save writes. Two nodes that applied the same
// entries have the same one.
func (v *View) Digest() (sum [32]byte, err error) {
	h := sha256.New()
	err = v.Save(h)
	return [32]byte(h.Sum(nil)), err
}

// saver writes a snapshot. After its first error it writes no more.
type saver struct {
	w       io.Writer
	table   *crc32.Table
	sum     uint32 // of the section, as far as it was flushed
	pending []byte
	head    []byte // room for the row that is being made
	err     error
}

// saveBuffer is how much is written at once.
const saveBuffer = 64 << 10

func (s *saver) header(level uint16) {
	s.pending = append(s.pending, snapshotMagic...)
	s.pending = append(s.pending, snapshotFormat)
	s.pending = binary.LittleEndian.AppendUint16(s.pending, level)
	s.seal()
}

func (s *saver) begin(name string, version byte) {
	s.pending = append(fields.String(s.pending, name), version)
}

func (s *saver) end() {
	s.pending = append(s.pending, 0)
	s.seal()
}

// row writes one row: head, and then tail, which may be long.
func (s *saver) row(head []byte, tail string) {
	s.head = head[:0]
	s.pending = fields.Uvarint(s.pending, uint64(len(head)+len(tail)))
	s.pending = append(s.pending, head...)
	for len(tail) > saveBuffer {
		s.pending = append(s.pending, tail[:saveBuffer]...)
		tail = tail[saveBuffer:]
		s.flush()
	}
	s.pending = append(s.pending, tail...)
	if len(s.pending) >= saveBuffer {
		s.flush()
	}
}

// seal writes the checksum of what was written since the last.
func (s *saver) seal() {
	s.flush()
	s.pending = binary.LittleEndian.AppendUint32(s.pending, s.sum)
	s.flush()
	s.sum = 0
}

func (s *saver) flush() {
	s.sum = crc32.Update(s.sum, s.table, s.pending)
	if s.err == nil {
		_, s.err = s.w.Write(s.pending)
	}
	s.pending = s.pending[:0]
}
