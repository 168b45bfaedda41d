package raftlog

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Every file of the log begins with these 80 bytes, which keep their meaning in all formats:
// magic (8), format uint32, CRC32C of the other 76 uint32, cluster (32), incarnation (32).
const (
	preambleSize  = 80
	segmentMagic  = "caucus/l"
	snapshotMagic = "caucus/s"
)

func preamble(magic string, o Options) []byte {
	b := make([]byte, preambleSize)
	copy(b, magic)
	binary.LittleEndian.PutUint32(b[8:], format)
	copy(b[16:], o.Cluster)
	copy(b[48:], o.Incarnation)
	binary.LittleEndian.PutUint32(b[12:], preambleSum(b))
	return b
}

func preambleSum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:12], castagnoli), castagnoli, b[16:preambleSize])
}

func checkPreamble(path string, b []byte, magic string, o Options) error {
	if len(b) < preambleSize || string(b[:8]) != magic ||
		binary.LittleEndian.Uint32(b[12:]) != preambleSum(b) {
		return damaged(path, 0, "its first %d bytes are not right", preambleSize)
	}
	if found := binary.LittleEndian.Uint32(b[8:]); found != format {
		return newer(path, int(found))
	}
	if cluster, incarnation := string(b[16:48]), string(b[48:80]); cluster != o.Cluster ||
		incarnation != o.Incarnation {
		return fmt.Errorf("%s: %w: it was written by incarnation %s of cluster %s, the directory is %s of %s; "+
			"put the right file back, or set the log aside (quarantine)",
			path, ErrForeign, incarnation, cluster, o.Incarnation, o.Cluster)
	}
	return nil
}

// seedOf makes frames of one incarnation meaningless in another.
func seedOf(o Options) uint32 {
	return crc32.Checksum([]byte(o.Cluster+o.Incarnation), castagnoli)
}
