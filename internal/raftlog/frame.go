package raftlog

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"iter"
)

// A frame is
//
//	length  uint32  of the payload, never 0
//	check   uint32  CRC32C of length
//	crc     uint32  CRC32C of all else, padding included
//	prev    uint32  crc of the frame before
//	mask    uint64  the payload is XORed with it
//	payload         padded with zeros to 8 bytes
//
// little endian, and begins at a multiple of 8, so that no sector boundary cuts the length: it is there or it
// is zero. Checksums start from a seed that the incarnation gives, so bytes of another directory, or those
// that a client stores, are no frames here. The mask is 0 unless some sector of the frame would hold fewer than
// two bytes that are not zero: so an all-zero sector never belongs to an intact frame, and no damage to a
// single byte makes one.
const (
	headSize   = 24
	sectorSize = 512
	maxPayload = 1 << 30
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	errCut   = errors.New("the file ends within a frame")
	errHead  = errors.New("the length of a frame is wrong")
	errBody  = errors.New("the checksum of a frame is wrong")
	errChain = errors.New("a frame does not follow the one before it")
)

func frameSize(payload int) int64 { return headSize + int64(payload+7)&^7 }

// seal makes buf, headSize free bytes and a payload, a frame that will stand at offset off.
func seal(buf []byte, off int64, prev, seed uint32) ([]byte, uint32) {
	clear(buf[:headSize])
	binary.LittleEndian.PutUint32(buf, uint32(len(buf)-headSize))
	binary.LittleEndian.PutUint32(buf[4:], crc32.Update(seed, castagnoli, buf[:4]))
	binary.LittleEndian.PutUint32(buf[12:], prev)
	for len(buf)%8 != 0 {
		buf = append(buf, 0)
	}
	for try := uint64(0); ; try++ {
		mask := try * (0x9e3779b97f4a7c15 + 2*uint64(prev)) // an odd factor: no mask comes twice
		binary.LittleEndian.PutUint64(buf[16:], mask)
		whiten(buf, mask)
		if !weak(buf, off) {
			break
		}
		whiten(buf, mask)
	}
	crc := frameSum(buf, seed)
	binary.LittleEndian.PutUint32(buf[8:], crc)
	return buf, crc
}

func frameSum(frame []byte, seed uint32) uint32 {
	return crc32.Update(crc32.Update(seed, castagnoli, frame[:8]), castagnoli, frame[12:])
}

func crcOf(frame []byte) uint32  { return binary.LittleEndian.Uint32(frame[8:]) }
func prevOf(frame []byte) uint32 { return binary.LittleEndian.Uint32(frame[12:]) }

func whiten(frame []byte, mask uint64) {
	if mask == 0 {
		return
	}
	for p := frame[headSize:]; len(p) >= 8; p = p[8:] {
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^mask)
	}
}

// parse checks the frame at the start of b and gives its payload, unmasked in place, its size and its crc.
func parse(b []byte, prev, seed uint32) (payload []byte, size int64, crc uint32, err error) {
	size, err = measure(b, seed)
	if err != nil {
		return nil, 0, 0, err
	}
	if size > int64(len(b)) {
		return nil, size, 0, errCut
	}
	frame := b[:size]
	crc = crcOf(frame)
	if frameSum(frame, seed) != crc {
		return nil, size, 0, errBody
	}
	if prevOf(frame) != prev {
		return nil, size, 0, errChain
	}
	whiten(frame, binary.LittleEndian.Uint64(frame[16:]))
	return frame[headSize:][:binary.LittleEndian.Uint32(frame)], size, crc, nil
}

// measure gives the size of the frame that begins with b.
func measure(b []byte, seed uint32) (int64, error) {
	if len(b) < headSize {
		return 0, errCut
	}
	n := binary.LittleEndian.Uint32(b)
	check := binary.LittleEndian.Uint32(b[4:])
	if n == 0 || n > maxPayload || check != crc32.Update(seed, castagnoli, b[:4]) {
		return 0, errHead
	}
	return frameSize(int(n)), nil
}

// sectors cuts b, which stands at offset off of its file, where sectors end.
func sectors(b []byte, off int64) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(b) > 0 {
			n := min(len(b), int(sectorSize-off%sectorSize))
			if !yield(b[:n]) {
				return
			}
			b, off = b[n:], off+int64(n)
		}
	}
}

// weak says whether a sector of the frame could be taken for one that was never written, even after one of
// its bytes changed. The first sector holds the length, which tells.
func weak(frame []byte, off int64) bool {
	first := true
	for sector := range sectors(frame, off) {
		if !first && nonZero(sector) < 2 {
			return true
		}
		first = false
	}
	return false
}

// nonZero counts the bytes that are not zero, up to two.
func nonZero(b []byte) (n int) {
	for _, c := range b {
		if c != 0 {
			if n++; n == 2 {
				return n
			}
		}
	}
	return n
}

// torn says whether a sector of b, which stands at offset off, was never written.
func torn(b []byte, off int64) bool {
	for sector := range sectors(b, off) {
		if nonZero(sector) == 0 {
			return true
		}
	}
	return false
}

// trimZeros gives the length of b without the zeros at its end.
func trimZeros(b []byte) int {
	for len(b) >= sectorSize && [sectorSize]byte(b[len(b)-sectorSize:]) == [sectorSize]byte{} {
		b = b[:len(b)-sectorSize]
	}
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return len(b)
}
