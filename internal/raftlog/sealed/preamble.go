package sealed

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
)

// Format is the version of everything in the directory.
const Format = 1

// Origin says which node wrote a file: both are 32 hexadecimal digits.
type Origin struct{ Cluster, Incarnation string }

// Check says whether the ids have that form.
func (o Origin) Check() error {
	for _, id := range []string{o.Cluster, o.Incarnation} {
		if b, err := hex.DecodeString(id); err != nil || len(b) != 16 {
			return fmt.Errorf("%q is not 32 hexadecimal digits", id)
		}
	}
	return nil
}

// Every file of the log begins with these 80 bytes, which keep their meaning in all formats:
// magic (8), format uint32, CRC32C of the other 76 uint32, cluster (32), incarnation (32).
const (
	PreambleSize  = 80
	SegmentMagic  = "caucus/l"
	SnapshotMagic = "caucus/s"
)

// Preamble gives the first bytes of a file.
func Preamble(magic string, o Origin) []byte {
	b := make([]byte, PreambleSize)
	copy(b, magic)
	binary.LittleEndian.PutUint32(b[8:], Format)
	copy(b[16:], o.Cluster)
	copy(b[48:], o.Incarnation)
	binary.LittleEndian.PutUint32(b[12:], preambleSum(b))
	return b
}

func preambleSum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:12], castagnoli), castagnoli, b[16:PreambleSize])
}

// CheckPreamble says whether b begins a file of this origin that this version can read.
func CheckPreamble(path string, b []byte, magic string, o Origin) error {
	if len(b) < PreambleSize || string(b[:8]) != magic ||
		binary.LittleEndian.Uint32(b[12:]) != preambleSum(b) {
		return Damaged(path, 0, "its first %d bytes are not right", PreambleSize)
	}
	if found := binary.LittleEndian.Uint32(b[8:]); found != Format {
		return Newer(path, int(found))
	}
	if cluster, incarnation := string(b[16:48]), string(b[48:80]); cluster != o.Cluster ||
		incarnation != o.Incarnation {
		return fmt.Errorf("%s: %w: it was written by incarnation %s of cluster %s, the directory is %s of %s; "+
			"put the right file back, or move the directory aside and start the node with --join",
			path, ErrForeign, incarnation, cluster, o.Incarnation, o.Cluster)
	}
	return nil
}

// Seed makes frames of one incarnation meaningless in another.
func (o Origin) Seed() uint32 {
	return crc32.Checksum([]byte(o.Cluster+o.Incarnation), castagnoli)
}
