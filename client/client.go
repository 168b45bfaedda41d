package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
)

// Client is a way to an ensemble through any of its nodes. It is safe for concurrent use: calls that are
// made meanwhile share one connection as a pipeline. When the node goes away the next call finds another.
type Client struct {
	Store

	cfg    Config
	book   *book
	table  *command.Table
	custom sync.Map // name of a command that is not in table -> whether it writes

	line   chan *link // holds the one connection, nil while there is none; who takes it puts it back
	closed chan struct{}
	once   sync.Once
	asides sync.WaitGroup // questions about addresses under way
}

// Client is a caucus.Doer.
var _ caucus.Doer = (*Client)(nil)

// Dial reaches one node of the ensemble and returns a client. It tries the addresses in turn until ctx
// ends, or for Config.Timeout when ctx has no deadline; a wrong password or Config ends it at once.
func Dial(ctx context.Context, cfg Config) (*Client, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	c := &Client{
		cfg: cfg, book: newBook(cfg.Addrs), table: command.New(),
		line: make(chan *link, 1), closed: make(chan struct{}),
	}
	c.Store = Store{c}
	c.line <- nil
	ctx, cancel := cfg.bounded(ctx)
	defer cancel()
	if _, err := c.link(ctx, nil); err != nil {
		return nil, err
	}
	return c, nil
}

// Close ends the client's connection. Its sessions are their own: close them first, since one whose
// connection breaks later is over. Calls under way and later ones fail.
func (c *Client) Close() error {
	c.once.Do(func() {
		close(c.closed)
		l := <-c.line
		c.line <- nil
		if l != nil {
			l.close()
		}
		c.asides.Wait()
	})
	return nil
}

// Addrs gives the addresses of nodes that the client knows: those given, then those that nodes told it.
func (c *Client) Addrs() []string { return c.book.all("") }

var errClientClosed = fmt.Errorf("client: the client is closed: %w", net.ErrClosed)

// Do carries out one command on any node. What is tried again, when the outcome is unknown, and that it may
// take a moment longer than ctx lasts stands in the package's documentation. A subscription, and what else
// belongs to one connection or may wait, is refused, because this connection is shared; for transactions,
// sessions and groups there are Transact, Session and Join.
func (c *Client) Do(ctx context.Context, cmd caucus.Command) (caucus.Reply, error) {
	if err := c.refuseAlone(cmd); err != nil {
		return caucus.Reply{}, err
	}
	replies, err := c.exchange(ctx, c.repeatable(cmd), cmd)
	if err != nil {
		return caucus.Reply{}, err
	}
	return replies[0], replies[0].Err()
}

// exchange has a pipeline answered, which goes out as one, by any node. The last answer counts: when it says
// that nothing was carried out, the pipeline is sent again, and when again is set also if the connection
// broke.
func (c *Client) exchange(ctx context.Context, again bool, cmds ...caucus.Command) ([]caucus.Reply, error) {
	ctx, cancel := c.cfg.bounded(ctx)
	defer cancel()
	var wait pause
	var bad *link  // the one that just failed or could not serve
	var last error // that says more than that the time is up
	for {
		l, err := c.link(ctx, bad)
		if err != nil {
			return nil, because(ctx, err, last)
		}
		begun := time.Now()
		replies, err := l.patient(ctx, again, cmds...)
		var lost *lostError
		switch {
		case err == nil:
			last = replies[len(replies)-1].Err()
			if c.cfg.Once || !caucus.SafeToRetry(last) || !again && hopeless(ctx, time.Since(begun)) {
				return replies, nil
			}
		case errors.As(err, &lost) && lost.sent && !again:
			return nil, uncertain(told(err, last), err)
		default:
			last = reason(ctx, last, err)
		}
		bad = l
		if waited := wait.wait(ctx); waited != nil {
			return nil, notApplied(last, waited)
		}
	}
}

// hopeless says that a write which a node has just taken so long to refuse is better not sent again: the time
// that is left would be over before the next answer, and the outcome unknown.
func hopeless(ctx context.Context, took time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline)+moment < took
}

// because gives why a connection could not be had. A reason heard earlier is worth more than that the time
// is up.
func because(ctx context.Context, err, last error) error {
	if last == nil || !over(ctx) {
		return err
	}
	return notApplied(last, cmp.Or(context.Cause(ctx), context.DeadlineExceeded))
}

// reason gives which of two errors to tell: the newer, unless it may say no more than that the time is up.
func reason(ctx context.Context, last, err error) error {
	if last != nil && over(ctx) {
		return last
	}
	return err
}

// over says whether the time of ctx has passed, which a connection may know before ctx does: whatever
// failed by then may only have been cut off.
func over(ctx context.Context) bool {
	at, limited := ctx.Deadline()
	return ctx.Err() != nil || limited && !time.Now().Before(at)
}

// told adds to the error of the last attempt what an earlier one was answered.
func told(err, earlier error) error {
	if earlier == nil {
		return err
	}
	return fmt.Errorf("%w; the attempt before it: %v", err, earlier)
}

// uncertain makes the error of a write whose answer did not come. What the last attempt ended with is told,
// but it is not one of the errors that this is: it may say that nothing was applied, of that attempt.
func uncertain(last, cause error) error {
	return &caucusError{
		word:  caucus.Errorf(caucus.ErrUncertain, "it may have been applied: %v", last),
		cause: cause,
	}
}

// notApplied makes the error of a call that the context ended between two tries: nothing happened.
func notApplied(last, ended error) error {
	if last == nil {
		last = ended
	}
	return &caucusError{
		word:  caucus.Errorf(caucus.ErrTryAgain, "not carried out in time: %v", last),
		cause: ended,
	}
}

// caucusError is an error with a word whose cause errors.Is can find as well.
type caucusError struct {
	word  *caucus.Error
	cause error
}

func (e *caucusError) Error() string   { return e.word.Error() }
func (e *caucusError) Unwrap() []error { return []error{e.word, e.cause} }

// link gives a living connection, another than bad. One caller at a time makes a new one.
func (c *Client) link(ctx context.Context, bad *link) (*link, error) {
	select {
	case l := <-c.line:
		next, err := c.renew(ctx, l, bad)
		c.line <- next
		if err != nil {
			return nil, err
		}
		return next, nil
	case <-ctx.Done():
		return nil, notApplied(nil, context.Cause(ctx))
	}
}

// renew gives l when it will do, else a new connection.
func (c *Client) renew(ctx context.Context, l, bad *link) (*link, error) {
	if err := c.open(); err != nil {
		return l, err
	}
	if l != nil && l != bad && l.alive() {
		return l, nil
	}
	after := ""
	if l != nil {
		after = l.addr
	}
	next, err := c.dialAny(ctx, after)
	if err != nil {
		return l, err
	}
	if l != nil {
		c.asides.Go(func() { c.retire(l) })
	}
	if !c.cfg.AddrsOnly {
		c.asides.Go(func() { c.learn(next) })
	}
	return next, nil
}

// retire closes a connection once nobody can be waiting for an answer on it any more: to close it at once
// would make the outcome of others' writes unknown.
func (c *Client) retire(l *link) {
	timer := time.NewTimer(c.cfg.Timeout)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.dead:
	case <-c.closed:
	}
	l.close()
}

// dialAny tries all addresses, round after round, until one greets, ctx ends, or the answer is final.
func (c *Client) dialAny(ctx context.Context, after string) (*link, error) {
	var wait pause
	var last error // that says more than that the time is up
	for {
		for _, addr := range c.book.all(after) {
			l, err := c.cfg.connect(ctx, addr)
			if err == nil {
				return l, nil
			}
			if final(err) {
				return nil, err
			}
			last = reason(ctx, last, err)
		}
		if err := c.open(); err != nil {
			return nil, err
		}
		if err := wait.wait(ctx); err != nil {
			return nil, notApplied(last, err)
		}
	}
}

// open fails when the client was closed.
func (c *Client) open() error {
	select {
	case <-c.closed:
		return errClientClosed
	default:
		return nil
	}
}

// final says whether a greeting was refused for a reason that trying again does not change.
func final(err error) bool {
	for _, word := range []error{caucus.ErrWrongPass, caucus.ErrNoAuth, caucus.ErrNoProto, caucus.ErrDenied,
		caucus.ErrNoPerm} {
		if errors.Is(err, word) {
			return true
		}
	}
	return false
}

// learn asks a node for the addresses of all. Without an answer those known will have to do.
func (c *Client) learn(l *link) {
	ctx, cancel := context.WithTimeout(context.Background(), c.cfg.Timeout)
	defer cancel()
	replies, err := l.do(ctx, caucus.Command{"ENSEMBLE", "NODES"})
	if err == nil && replies[0].Err() == nil {
		c.book.learn(replies[0])
	}
}
