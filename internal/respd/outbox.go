package respd

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/resp"
	"github.com/caucus-project/caucus/internal/sockets"
)

const (
	chunk     = 256 << 10      // bytes of replies that wait before they are written, one large reply aside
	piece     = 1 << 20        // bytes for which the client has WriteTimeout
	heardOut  = 256 << 10      // bytes that are read of who is turned away; more would invite to send them
	keepBytes = resp.FreeBytes // a buffer up to this size is kept for the next replies
)

// outbox is the way out of a connection, shared by whoever answers and whoever tells what was published. Each
// adds whole replies and then flushes, or streams one; whoever flushes first writes for both, with no lock
// held.
type outbox struct {
	conn    net.Conn
	timeout time.Duration
	sent    *atomic.Uint64 // counts the bytes written, of all connections

	mu       sync.Mutex
	progress sync.Cond // something was written
	buf      []byte    // added and not yet being written
	spare    []byte    // room for the next buf
	added    uint64    // bytes, ever
	written  uint64    // bytes, ever
	writing  bool
	holding  resp.Holding // what waits
	err      error        // the first failure; nothing is written after it
}

func newOutbox(conn net.Conn, timeout time.Duration, sent *atomic.Uint64, budget *resp.Budget) *outbox {
	o := &outbox{conn: conn, timeout: timeout, sent: sent, holding: budget.Holding()}
	o.progress.L = &o.mu
	return o
}

// errNoRoom is the end of a connection for which more waits than all of them together may hold.
var errNoRoom = errors.New("what waits to be written on all connections together is too much " +
	"(max-client-memory)")

// count holds what waits against the budget. Who cannot hold it loses what has not begun to be written, and
// with it the connection, since a reply is missing. The lock is held.
func (o *outbox) count() {
	if !o.holding.Resize(int(o.added-o.written)) && o.err == nil {
		o.buf, o.err = nil, errNoRoom
	}
}

// release gives back what is held of the budget. Nothing is added or written afterwards.
func (o *outbox) release() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.buf = nil; o.err == nil {
		o.err = net.ErrClosed
	}
	o.holding.Release()
}

// add appends a reply and says how many bytes wait. Once nothing can be written any more, nothing is kept.
func (o *outbox) add(proto int, r caucus.Reply) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return 0
	}
	before := len(o.buf)
	o.buf = resp.Append(o.buf, proto, r)
	o.added += uint64(len(o.buf) - before)
	o.count()
	return len(o.buf)
}

// flush returns when all that was added before has been written, or cannot be.
func (o *outbox) flush() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for target := o.added; o.err == nil && o.written < target; {
		if o.writing {
			o.progress.Wait()
			continue
		}
		o.writeBuffer()
	}
	return o.err
}

// put appends text, which is whole replies, and says how many bytes wait.
func (o *outbox) put(text []byte) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return 0
	}
	o.buf = append(o.buf, text...)
	o.added += uint64(len(text))
	o.count()
	return len(o.buf)
}

// flushNow writes what was added as far as that does not have to wait, and says whether all of it is written.
func (o *outbox) flushNow(to *sockets.Socket) (all bool, err error) { return o.pass(to, nil) }

// pass is put and flushNow in one, but keeps of text only what could not be written.
func (o *outbox) pass(to *sockets.Socket, text []byte) (all bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return true, o.err
	}
	defer o.count()
	o.added += uint64(len(text))
	if o.writing || len(o.buf) > 0 {
		o.buf = append(o.buf, text...)
		text = nil
	}
	switch {
	case o.writing:
		return false, nil
	case len(o.buf) > 0:
		left, err := o.writeNow(to, o.buf)
		o.buf = o.buf[:copy(o.buf, left)]
		if len(o.buf) == 0 && cap(o.buf) > keepBytes {
			o.buf = nil
		}
		return len(left) == 0, err
	case len(text) > 0:
		left, err := o.writeNow(to, text)
		o.buf = append(o.buf, left...)
		return len(left) == 0, err
	}
	return true, nil
}

// writeNow writes as much as it need not wait for, and gives what is left.
func (o *outbox) writeNow(to *sockets.Socket, text []byte) (left []byte, err error) {
	n, err := to.Write(text)
	o.sent.Add(uint64(n))
	o.written += uint64(n)
	switch {
	case errors.Is(err, sockets.ErrAgain):
		return text[n:], nil
	case err != nil:
		o.err = err
	}
	return nil, err
}

// stream lets a function write one reply piece by piece, behind all that was added before. What others add
// meanwhile waits for its end. A reply of which a piece is missing is the last of the connection.
func (o *outbox) stream(reply func(io.Writer) error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.err == nil && (o.writing || len(o.buf) > 0) {
		if o.writing {
			o.progress.Wait()
		} else {
			o.writeBuffer()
		}
	}
	if o.err != nil {
		return o.err
	}
	o.writing = true
	o.mu.Unlock()
	err := reply(pieces{o})
	o.mu.Lock()
	if o.writing = false; o.err == nil {
		o.err = err
	}
	o.progress.Broadcast()
	return o.err
}

// pieces is where a reply goes that is written piece by piece.
type pieces struct{ o *outbox }

// Write implements io.Writer.
func (p pieces) Write(b []byte) (int, error) {
	if err := p.o.write(b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// writeBuffer writes what waits. It is called with the lock held and lets go of it while it writes.
func (o *outbox) writeBuffer() {
	buf := o.buf
	o.buf, o.spare, o.writing = o.spare[:0], nil, true
	o.mu.Unlock()
	err := o.write(buf)
	o.mu.Lock()
	if cap(buf) <= keepBytes {
		o.spare = buf[:0]
	}
	o.written += uint64(len(buf))
	if o.writing = false; o.err == nil {
		o.err = err
	}
	o.count()
	o.progress.Broadcast()
}

// write writes buf, and leaves no deadline behind: it would pass one day, and fail who writes without
// waiting.
func (o *outbox) write(buf []byte) error {
	for len(buf) > 0 {
		if err := o.conn.SetWriteDeadline(time.Now().Add(o.timeout)); err != nil {
			return err
		}
		n, err := o.conn.Write(buf[:min(len(buf), piece)])
		o.sent.Add(uint64(n))
		if err != nil {
			return err
		}
		buf = buf[n:]
	}
	// It fails only when the connection is closed, and whoever reads learns of that, and by whom it was.
	_ = o.conn.SetWriteDeadline(time.Time{})
	return nil
}

// farewell writes a last word and closes. It reads on for a moment: closing with something unread would
// reset the connection, and the client might never see the word.
func farewell(conn net.Conn, word []byte) {
	defer closeQuietly(conn)
	if conn.SetDeadline(time.Now().Add(250*time.Millisecond)) != nil {
		return
	}
	if _, err := conn.Write(word); err != nil {
		return
	}
	half, ok := conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	// The client closing, or the deadline: either ends it well.
	_, _ = io.CopyN(io.Discard, conn, heardOut)
}

// closeQuietly closes what is no longer of use to anybody, so that its error tells nobody anything.
func closeQuietly(c io.Closer) { _ = c.Close() }
