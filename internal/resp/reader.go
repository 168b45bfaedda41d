package resp

import (
	"errors"
	"io"
	"os"

	"github.com/caucus-project/caucus"
)

// smallBuffer is how large a Reader's buffer is at first, because most of many thousand clients are idle. It
// grows for those who pipeline, and beyond FreeBytes only for a single command that needs it.
const smallBuffer = 4 << 10

// maxEmptyReads is how often in a row a source may give nothing without an error.
const maxEmptyReads = 100

// maxRequests is how many requests a batch has at most, so that whoever sends many small ones does not have
// others wait for longer than who sends large ones.
const maxRequests = 1024

// Reader reads the requests of one client. For a command that is coming it holds at most twice the bytes
// that came, and 16 bytes per argument; idle at most FreeBytes. It is used by one goroutine at a time.
type Reader struct {
	src      io.Reader
	parser   parser
	buf      []byte
	from, to int           // buf[from:to] came and was not taken yet
	filled   bool          // the last read used all the room there was: more is likely to come
	reqs     []Request     // the last batch
	ioErr    error         // came with the last bytes; to be told once those are used up
	broken   *caucus.Error // protocol error, or no room, for good
	holding  Holding
}

// NewReader makes a reader of the requests that come from src, a client's connection.
func NewReader(src io.Reader, lim Limits) *Reader {
	return &Reader{src: src, parser: newParser(lim), holding: lim.Budget.Holding()}
}

// Release gives back what is held of the budget. The Reader is of no use afterwards.
func (r *Reader) Release() {
	r.buf, r.from, r.to = nil, 0, 0
	r.holding.Release()
}

// SetStranger says whether the client must still prove who it is. From a stranger the reader takes one
// request at a time, and no more than Redis does, 10 arguments of 16 KiB each. A new Reader's is none.
func (r *Reader) SetStranger(yes bool) { r.parser.stranger = yes }

// Buffered says how many bytes came that ReadBatch has not returned yet: unfinished commands, and what a
// stranger sent after its first.
func (r *Reader) Buffered() int { return r.to - r.from }

// More says whether more may be there to be read, so that whoever was told that something had come, and would
// not be told again, calls ReadBatch once more.
func (r *Reader) More() bool { return r.Buffered() > 0 || r.filled }

// ReadBatch waits until at least one request is complete and returns it with all others that came with
// it: what is read at once is a pipeline. A batch has at most 1,024 requests and 64 KiB, or twice the bytes
// of its largest request. The slice belongs to the reader and is good until the next call, its Args for ever.
//
// An error of type *caucus.Error is a protocol error: answer the requests that came with it, then the
// error, and close. Any other error is the source's own, io.EOF also in the middle of a command; then
// there are no requests, and one may call again when the error was a passed deadline.
func (r *Reader) ReadBatch() ([]Request, error) {
	clear(r.reqs)
	for r.broken == nil {
		reqs, n, err := r.parser.parse(r.buf[r.from:r.to], r.reqs[:0])
		r.reqs, r.broken = reqs, err
		r.from += n
		if err != nil {
			return reqs, err
		}
		if len(reqs) > 0 {
			return reqs, nil
		}
		if err := r.ioErr; err != nil {
			r.ioErr = nil
			return nil, err
		}
		r.fill()
	}
	return nil, r.broken
}

// Watch reads ahead while nobody calls ReadBatch, and returns when the source ends or fails, with its
// error, or with none when so much has come that it is not worth holding more. What came, and the end, are
// ReadBatch's to return later; a passed deadline is not. So whoever is busy with a request for long learns
// that its client is gone.
func (r *Reader) Watch() error {
	for r.broken == nil && r.ioErr == nil && r.Buffered() < FreeBytes {
		r.fill()
	}
	err := r.ioErr
	if errors.Is(err, os.ErrDeadlineExceeded) {
		r.ioErr = nil
	}
	return err
}

// fill reads once, into all the room there is.
func (r *Reader) fill() {
	if r.broken = r.makeRoom(); r.broken != nil {
		return
	}
	for range maxEmptyReads {
		n, err := r.src.Read(r.buf[r.to:])
		r.to += n
		r.ioErr = err
		if n > 0 || err != nil {
			r.filled = r.to == len(r.buf)
			return
		}
	}
	r.ioErr = io.ErrNoProgress
}

// makeRoom makes sure that something can be read. Reading may take for ever, so an empty buffer that is
// larger than it was good for is given back first. It fails when all readers together hold too much.
func (r *Reader) makeRoom() *caucus.Error {
	held := r.to - r.from
	size := len(r.buf)
	switch {
	case size == 0:
		size = smallBuffer
	case held == size, r.filled && size < FreeBytes:
		size *= 2
	case held == 0 && size > FreeBytes:
		size = smallBuffer
	case held == 0 && size > smallBuffer && r.to < size/4:
		size /= 2
	}
	if r.from == 0 && size == len(r.buf) {
		return nil // nothing to move; to move a large value onto itself with every read would be slow
	}
	// Who announces more than there is room for is refused before it comes, and not when much of it is there.
	if size > FreeBytes && !r.holding.Fits(r.parser.size) || !r.holding.Resize(size) {
		return caucus.Errorf(caucus.ErrOutOfMemory, "too much is under way on all connections together; a command "+
			"of %d bytes or more finds no room (max-client-memory)", held)
	}
	old := r.buf[r.from:r.to]
	if size != len(r.buf) {
		r.buf = make([]byte, size)
	}
	copy(r.buf, old)
	r.from, r.to = 0, held
	return nil
}
