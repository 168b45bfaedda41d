package sealed

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
// little endian, and begins at a multiple of 8, so that no sector boundary cuts the length: it is
// there or it is zero. Checksums start from a seed that the incarnation gives, so bytes of another
// directory, or those that a client stores, are no frames here. The mask is 0 unless some sector of
// the frame would hold fewer than two bytes that are not zero: so an all-zero sector never belongs
// to an intact frame, and no damage to a single byte makes one.
const (
	HeadSize   = 24
	SectorSize = 512
	MaxPayload = 1 << 30
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// What can be wrong with a frame.
var (
	ErrCut   = errors.New("the file ends within a frame")
	ErrHead  = errors.New("the length of a frame is wrong")
	ErrBody  = errors.New("the checksum of a frame is wrong")
	ErrChain = errors.New("a frame does not follow the one before it")
)

// Size gives the bytes that a frame of so much payload takes.
func Size(payload int) int64 { return HeadSize + int64(payload+7)&^7 }

// Seal makes buf, HeadSize free bytes and a payload, a frame that will stand at offset off.
func Seal(buf []byte, off int64, prev, seed uint32) ([]byte, uint32) {
	clear(buf[:HeadSize])
	binary.LittleEndian.PutUint32(buf, uint32(len(buf)-HeadSize))
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

func crcOf(frame []byte) uint32 { return binary.LittleEndian.Uint32(frame[8:]) }

// Prev gives the crc that the frame names as that of the one before it.
func Prev(frame []byte) uint32 { return binary.LittleEndian.Uint32(frame[12:]) }

func whiten(frame []byte, mask uint64) {
	if mask == 0 {
		return
	}
	for p := frame[HeadSize:]; len(p) >= 8; p = p[8:] {
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^mask)
	}
}

// Parse checks the frame at the start of b and gives its payload, unmasked in place, its size and
// its crc.
func Parse(b []byte, prev, seed uint32) (payload []byte, size int64, crc uint32, err error) {
	size, err = Measure(b, seed)
	if err != nil {
		return nil, 0, 0, err
	}
	if size > int64(len(b)) {
		return nil, size, 0, ErrCut
	}
	frame := b[:size]
	crc = crcOf(frame)
	if frameSum(frame, seed) != crc {
		return nil, size, 0, ErrBody
	}
	if Prev(frame) != prev {
		return nil, size, 0, ErrChain
	}
	whiten(frame, binary.LittleEndian.Uint64(frame[16:]))
	return frame[HeadSize:][:binary.LittleEndian.Uint32(frame)], size, crc, nil
}

// Measure gives the size of the frame that begins with b.
func Measure(b []byte, seed uint32) (int64, error) {
	if len(b) < HeadSize {
		return 0, ErrCut
	}
	n := binary.LittleEndian.Uint32(b)
	check := binary.LittleEndian.Uint32(b[4:])
	if n == 0 || n > MaxPayload || check != crc32.Update(seed, castagnoli, b[:4]) {
		return 0, ErrHead
	}
	return Size(int(n)), nil
}

// Whole says whether b begins with an intact frame, whatever came before it.
func Whole(b []byte, seed uint32) bool {
	size, err := Measure(b, seed)
	return err == nil && size <= int64(len(b)) && frameSum(b[:size], seed) == crcOf(b)
}

// sectors cuts b, which stands at offset off of its file, where sectors end.
func sectors(b []byte, off int64) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(b) > 0 {
			n := min(len(b), int(SectorSize-off%SectorSize))
			if !yield(b[:n]) {
				return
			}
			b, off = b[n:], off+int64(n)
		}
	}
}

// weak says whether a sector of the frame could be taken for one that was never written, even after
// one of its bytes changed. The first sector holds the length, which tells.
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

// Torn says whether a sector of b, which stands at offset off, was never written.
func Torn(b []byte, off int64) bool {
	for sector := range sectors(b, off) {
		if nonZero(sector) == 0 {
			return true
		}
	}
	return false
}

// TrimZeros gives the length of b without the zeros at its end.
func TrimZeros(b []byte) int {
	for len(b) >= SectorSize && [SectorSize]byte(b[len(b)-SectorSize:]) == [SectorSize]byte{} {
		b = b[:len(b)-SectorSize]
	}
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return len(b)
}
