package peer

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
)

// Frame is one message to a peer. Type 0 is kept for this package's pings, the others are the caller's.
type Frame struct {
	Type    uint8
	Payload []byte
}

// On the wire a frame is its payload's length and checksum (four bytes each, little endian), its type,
// its payload. The checksum covers length, type and payload.
const frameHead = 9

const typePing = 0

// ErrGarbled is what a connection ends with when something arrived that is no frame.
var ErrGarbled = errors.New("garbled frame")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func appendHead(b []byte, f Frame) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(f.Payload)))
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = append(b, f.Type)
	sealFrame(b[len(b)-frameHead:], f.Payload)
	return b
}

func appendFrame(b []byte, f Frame) []byte { return append(appendHead(b, f), f.Payload...) }

// sealFrame puts the checksum into a head whose length and type are set.
func sealFrame(head, payload []byte) {
	binary.LittleEndian.PutUint32(head[4:], frameSum(head, payload))
}

func frameSum(head, payload []byte) uint32 {
	sum := crc32.Update(0, castagnoli, head[:4])
	sum = crc32.Update(sum, castagnoli, head[8:frameHead])
	return crc32.Update(sum, castagnoli, payload)
}

func frameSize(head []byte, limit int) (int, error) {
	size := binary.LittleEndian.Uint32(head)
	if uint64(size) > uint64(limit) {
		return 0, fmt.Errorf("%w: %d bytes announced, %d allowed", ErrGarbled, size, limit)
	}
	return int(size), nil
}

func checkFrame(head, payload []byte) error {
	if binary.LittleEndian.Uint32(head[4:]) != frameSum(head, payload) {
		return fmt.Errorf("%w: wrong checksum", ErrGarbled)
	}
	return nil
}

// readFrame reads one frame; the payload is put into the given buffer if that is large enough.
func readFrame(r *bufio.Reader, limit int, into []byte) (Frame, error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return Frame{}, err
	}
	size, err := frameSize(head[:], limit)
	if err != nil {
		return Frame{}, err
	}
	payload, err := readGrowing(r, size, into[:0])
	if err != nil {
		return Frame{}, err
	}
	return Frame{Type: head[8], Payload: payload}, checkFrame(head[:], payload)
}

// readGrowing reads size bytes and allocates only about twice what really arrived, so that a length alone
// costs nothing.
func readGrowing(r io.Reader, size int, into []byte) ([]byte, error) {
	const step = 1 << 20
	for len(into) < size {
		had := len(into)
		into = slices.Grow(into, min(size-had, max(step, had)))
		into = into[:min(size, cap(into))]
		if _, err := io.ReadFull(r, into[had:]); err != nil {
			return nil, noEOF(err)
		}
	}
	return into, nil
}

// noEOF turns an end of file in the middle of something into what it is.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// frameReader reads frames in batches: all that have arrived whole come with one copy.
type frameReader struct {
	r      *bufio.Reader
	limit  int
	frames []Frame
}

func newFrameReader(r io.Reader, limit int) *frameReader {
	return &frameReader{r: bufio.NewReaderSize(r, 64<<10), limit: limit}
}

// next waits for a frame and returns it with all that came with it, pings left out; so it may return none.
// The slice is good until the next call.
func (f *frameReader) next() ([]Frame, error) {
	clear(f.frames)
	f.frames = f.frames[:0]
	head, err := f.r.Peek(frameHead)
	if err != nil {
		return nil, err
	}
	size, err := frameSize(head, f.limit)
	if err != nil {
		return nil, err
	}
	if frameHead+size > f.r.Size() {
		return f.nextLarge()
	}
	if _, err := f.r.Peek(frameHead + size); err != nil {
		return nil, noEOF(err)
	}
	return f.nextBatch()
}

func (f *frameReader) nextLarge() ([]Frame, error) {
	frame, err := readFrame(f.r, f.limit, nil)
	if err != nil {
		return nil, noEOF(err)
	}
	f.keep(frame)
	return f.frames, nil
}

// nextBatch takes all whole frames out of the buffer.
func (f *frameReader) nextBatch() ([]Frame, error) {
	buffered, err := f.r.Peek(f.r.Buffered())
	if err != nil {
		return nil, err
	}
	whole, err := wholeFrames(buffered, f.limit)
	if err != nil {
		return nil, err
	}
	slab := slices.Clone(buffered[:whole])
	if _, err := f.r.Discard(whole); err != nil {
		return nil, err
	}
	for len(slab) > 0 {
		end := frameHead + int(binary.LittleEndian.Uint32(slab))
		head, payload := slab[:frameHead], slab[frameHead:end:end]
		if err := checkFrame(head, payload); err != nil {
			return nil, err
		}
		f.keep(Frame{Type: head[8], Payload: payload})
		slab = slab[end:]
	}
	return f.frames, nil
}

// wholeFrames tells how many bytes at the front of b are whole frames.
func wholeFrames(b []byte, limit int) (int, error) {
	at := 0
	for len(b)-at >= frameHead {
		size, err := frameSize(b[at:], limit)
		if err != nil {
			return 0, err
		}
		if len(b)-at < frameHead+size {
			break
		}
		at += frameHead + size
	}
	return at, nil
}

func (f *frameReader) keep(frame Frame) {
	if frame.Type != typePing {
		f.frames = append(f.frames, frame)
	}
}
