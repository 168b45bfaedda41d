package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/resp"
)

// link is one connection to a node. Several callers may use it at once: what they ask meanwhile goes out as
// one pipeline, and the answers come back in order. Two goroutines serve it until it breaks or is closed.
type link struct {
	addr    string
	conn    net.Conn
	out     chan *call    // from callers to the writer
	pending chan *call    // from the writer to the reader, in the order sent
	dead    chan struct{} // closed when the link is broken; cause then says why
	once    sync.Once
	cause   error
	served  sync.WaitGroup
	multi   atomic.Bool // the node takes transactions on it; see carry

	// Of a session's connection, for who has taken it.
	doubtful bool   // an answer is outstanding, or the node does not know the session: resume elsewhere
	refusals int    // heartbeats in a row that the node could not serve
	ensemble string // the id of the node's ensemble, "" when it did not say
}

// call is one caller's pipeline.
type call struct {
	bytes   []byte
	want    int
	replies []caucus.Reply
	sent    atomic.Bool // some of it may have reached the node
	done    chan struct{}
}

const (
	pipelined = 1024     // calls under way on one link; more wait
	burst     = 64 << 10 // bytes that are gathered into one write
)

var (
	errClosed   = errors.New("connection closed")
	errProtocol = errors.New("the node answered what was not asked")
)

// lostError is a call's end without an answer. Sent says whether the node may have carried it out.
type lostError struct {
	addr string
	sent bool
	err  error
}

func (e *lostError) Error() string { return fmt.Sprintf("connection to %s: %v", e.addr, e.err) }
func (e *lostError) Unwrap() error { return e.err }

func newLink(addr string, conn net.Conn) *link {
	l := &link{
		addr: addr, conn: conn,
		out: make(chan *call), pending: make(chan *call, pipelined), dead: make(chan struct{}),
	}
	l.served.Go(l.write)
	l.served.Go(l.read)
	return l
}

// do sends a pipeline and waits for its replies. After ctx has ended the answer may still come; it is read
// away. The error is a *lostError.
func (l *link) do(ctx context.Context, cmds ...caucus.Command) ([]caucus.Reply, error) {
	c := &call{want: len(cmds), done: make(chan struct{})}
	for _, cmd := range cmds {
		c.bytes = resp.AppendCommand(c.bytes, cmd)
	}
	select {
	case l.out <- c:
	case <-l.dead:
		return nil, &lostError{l.addr, false, l.cause}
	case <-ctx.Done():
		return nil, &lostError{l.addr, false, context.Cause(ctx)}
	}
	err := error(nil)
	select {
	case <-c.done:
		return c.replies, nil
	case <-l.dead:
		l.served.Wait() // only then is it known what was sent, and what had come
		err = explained(l.cause, c.replies)
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	select {
	case <-c.done: // both at once: an answer is worth more
		return c.replies, nil
	default:
		return nil, &lostError{l.addr, c.sent.Load(), err}
	}
}

// explained adds to the end of a connection what the node said last, if that was an error.
func explained(cause error, replies []caucus.Reply) error {
	if n := len(replies); n > 0 && replies[n-1].Kind == caucus.KindError {
		return fmt.Errorf("%w after the node said: %s", cause, replies[n-1].Text())
	}
	return cause
}

// moment is how long an answer that is under way is waited for when nobody wants it any more: without it
// the outcome is unknown, and a session's connection of no use. A node that was given as much time as its
// client has says in it what became of the request.
const moment = 250 * time.Millisecond

// outlive gives a context that ends a moment after ctx. A read is not waited for when ctx was canceled.
func outlive(ctx context.Context, read bool) (context.Context, context.CancelFunc) {
	within, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	end := func() { cancel(context.Cause(ctx)) }
	stop := context.AfterFunc(ctx, func() {
		if read && errors.Is(ctx.Err(), context.Canceled) {
			end()
		} else {
			time.AfterFunc(moment, end)
		}
	})
	return within, func() {
		stop()
		cancel(nil)
	}
}

// patient is carry that waits for an answer a moment longer than ctx lasts.
func (l *link) patient(ctx context.Context, read bool, pipeline ...caucus.Command) ([]caucus.Reply, error) {
	if ctx.Err() != nil {
		return nil, &lostError{l.addr, false, context.Cause(ctx)}
	}
	within, end := outlive(ctx, read)
	defer end()
	return l.carry(within, pipeline...)
}

// alive says whether the link is not known to be broken.
func (l *link) alive() bool {
	select {
	case <-l.dead:
		return false
	default:
		return true
	}
}

// fit says whether a session may go on on the link.
func (l *link) fit() bool { return l.alive() && !l.doubtful && l.refusals < 2 }

// close ends the link and waits for what serves it.
func (l *link) close() {
	l.fail(errClosed)
	l.served.Wait()
}

func (l *link) fail(err error) {
	l.once.Do(func() {
		l.cause = err
		close(l.dead)
		_ = l.conn.Close() // it is given up; how its closing went changes nothing
	})
}

func (l *link) write() {
	for {
		select {
		case c := <-l.out:
			if !l.send(c) {
				return
			}
		case <-l.dead:
			return
		}
	}
}

// send writes a call and those that wait behind it.
func (l *link) send(c *call) bool {
	var bytes []byte
	var calls []*call // whose bytes these are
	for c != nil {
		c.sent.Store(true)
		select {
		case l.pending <- c:
		case <-l.dead:
			return false
		}
		bytes, calls = append(bytes, c.bytes...), append(calls, c)
		c = nil
		if len(bytes) < burst {
			select {
			case c = <-l.out:
			default:
			}
		}
		if c != nil && len(l.pending) == cap(l.pending) {
			// What is in hand must go out before anything can wait for room behind it.
			if !l.flush(bytes, calls) {
				return false
			}
			bytes, calls = bytes[:0], calls[:0]
		}
	}
	return l.flush(bytes, calls)
}

// flush writes the bytes of some calls. When it fails, those of which nothing was taken were surely not sent.
func (l *link) flush(bytes []byte, calls []*call) bool {
	taken, err := l.conn.Write(bytes)
	if err == nil {
		return true
	}
	at := 0
	for _, c := range calls {
		if at >= taken {
			c.sent.Store(false)
		}
		at += len(c.bytes)
	}
	l.fail(err)
	return false
}

// read takes replies as they come, and thereby notices at once when the node goes away.
func (l *link) read() {
	replies := resp.NewReplyReader(l.conn, resp.Limits{})
	var c *call
	for {
		r, err := replies.Read()
		if err != nil {
			l.fail(err)
			return
		}
		if r.Kind == caucus.KindPush {
			continue
		}
		if c == nil {
			select {
			case c = <-l.pending:
			default:
				l.fail(errProtocol)
				return
			}
		}
		if c.replies = append(c.replies, r); len(c.replies) == c.want {
			close(c.done)
			c = nil
		}
	}
}
