package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/lease"
)

// SessionOptions are a session's own; the ensemble keeps them for its life.
type SessionOptions struct {
	// TTL is how long the ensemble waits for a sign of life before the session ends. Zero means 10 s.
	TTL time.Duration
	// Grace is how long the session lives on after a node saw its connection closed from this side. Zero means
	// 1 s. Immediately is for those who vouch that nothing but this process can close the connection
	// (loopback, no proxy between): then a crash is noticed at once.
	Grace time.Duration
}

// Immediately stands for no wait at all where zero means the default.
const Immediately time.Duration = -1

func (o SessionOptions) command() caucus.Command {
	ttl, grace := cmp.Or(o.TTL, 10*time.Second), cmp.Or(o.Grace, time.Second)
	return caucus.Command{"SESSION", "OPEN", "TTL", millis(ttl), "GRACE", millis(grace)}
}

// millis writes a duration for the wire; Immediately, like every negative one, is 0.
func millis(d time.Duration) string { return strconv.FormatInt(max(0, d.Milliseconds()), 10) }

// Session is a claim to be alive, kept up by heartbeats on a connection of its own. When the connection
// breaks or the node hangs, it is resumed on another node. It is safe for concurrent use.
type Session struct {
	Store

	c    *Client
	id   string
	ttl  time.Duration
	hang time.Duration // a node that answers nothing for so long is given up

	// line holds the connection. Who takes it has it alone: the ensemble takes whatever comes on it after a
	// promise was answered for proof that the promise was read (SAFETY A3), so nothing may be under way
	// together with a heartbeat.
	line chan *link
	wake chan struct{} // something happened that makes a heartbeat worth while now
	lost chan struct{}
	once sync.Once

	life   context.Context // ends with the session
	cancel context.CancelFunc
	served sync.WaitGroup // the keeper and the members' listeners

	numbers chan uint64 // holds the last number of a write, for who has the turn to write; see inTurn

	mu       sync.Mutex // guards what follows; never held while anything waits
	lease    lease.Lease
	ensemble estimate      // of its clock
	heard    lease.Reading // when the last request that was answered was sent
	beats    uint64
	members  map[string]*Member
	turns    map[string]*turn // at locks, by group
	lapses   bool             // watchLapse runs
	over     error            // why the session is over, nil while it lives
}

// Session opens a session. Ctx is for the opening only. The session must be closed, also when it was lost.
func (c *Client) Session(ctx context.Context, opts SessionOptions) (*Session, error) {
	if err := c.firm(); err != nil {
		return nil, err
	}
	ctx, cancel := c.cfg.bounded(ctx)
	defer cancel()
	l, id, heard, err := c.openSession(ctx, opts)
	if err != nil {
		return nil, err
	}
	ttl := cmp.Or(opts.TTL, 10*time.Second)
	life, stop := context.WithCancel(context.Background())
	s := &Session{
		c: c, id: id, ttl: ttl, hang: min(max(ttl/3, 200*time.Millisecond), 5*time.Second),
		line: make(chan *link, 1), wake: make(chan struct{}, 1), lost: make(chan struct{}),
		life: life, cancel: stop, heard: heard, members: map[string]*Member{},
		turns: map[string]*turn{}, numbers: make(chan uint64, 1),
	}
	s.Store = Store{s}
	s.numbers <- 0
	s.line <- l
	s.served.Go(s.keep)
	return s, nil
}

// openSession makes a connection and opens a session on it. A session whose opening was not answered is left
// to end by itself.
func (c *Client) openSession(ctx context.Context, opts SessionOptions) (*link, string, lease.Reading, error) {
	var wait pause
	after := ""
	for {
		if err := c.open(); err != nil {
			return nil, "", lease.Reading{}, err
		}
		l, err := c.dialAny(ctx, after)
		if err != nil {
			return nil, "", lease.Reading{}, err
		}
		sent := c.cfg.clock()
		replies, err := l.do(ctx, opts.command(), whichEnsemble)
		if err == nil {
			err = replies[0].Err()
		}
		if err == nil {
			l.ensemble = ensembleOf(replies[1])
			return l, replies[0].Text(), sent, nil
		}
		after = l.addr
		l.close()
		if !passing(err) {
			return nil, "", lease.Reading{}, err
		}
		if ended := wait.wait(ctx); ended != nil {
			return nil, "", lease.Reading{}, notApplied(err, ended)
		}
	}
}

// passing says whether an error may be gone at the next try, given that trying twice does no harm.
func passing(err error) bool {
	var lost *lostError
	return errors.As(err, &lost) || errors.Is(err, caucus.ErrTryAgain) || errors.Is(err, caucus.ErrLoading) ||
		errors.Is(err, caucus.ErrUncertain)
}

// ID gives the session's id. Who knows it can take the session over.
func (s *Session) ID() string { return s.id }

// Lost gives a channel that is closed when the session is over: closed, ended by the ensemble, or unheard of
// for so long that it must be taken to have ended. Err then says why.
func (s *Session) Lost() <-chan struct{} { return s.lost }

// Left gives for how long from now the ensemble surely keeps the session, by the newest promise and this
// process's own clocks, if no further one comes; 0 when there is none to rely on, as when no majority can be
// reached. It never waits.
func (s *Session) Left() time.Duration {
	now := s.c.cfg.clock()
	s.mu.Lock()
	defer s.mu.Unlock()
	return micros(s.lease.LeftOfSlots(now))
}

// Err says why the session is over, nil while it is not.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over
}

var errSessionClosed = fmt.Errorf("client: the session is closed: %w", net.ErrClosed)

// Close ends the session: nothing is believed from here on, and the ensemble is told when OnRevoke, OnRelease
// and what Lead runs have stopped. An error means that it could not be told, and that the session ends by
// itself.
func (s *Session) Close() error {
	s.end(errSessionClosed)
	s.served.Wait()
	l := <-s.line
	s.line <- l
	if !l.alive() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.hang)
	defer cancel()
	replies, err := l.do(ctx, caucus.Command{"SESSION", "CLOSE"})
	l.close()
	if err == nil {
		err = replies[0].Err()
	}
	if errors.Is(err, caucus.ErrNoSession) {
		return nil
	}
	return err
}

// end makes the session be over, once.
func (s *Session) end(why error) {
	s.once.Do(func() {
		s.mu.Lock()
		s.over = why
		s.lease.End()
		s.announce()
		s.mu.Unlock()
		close(s.lost)
		s.cancel()
	})
}

// nudge makes the keeper send a heartbeat now.
func (s *Session) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// do carries out a command on the session's connection, which must be one that may be repeated within the
// session.
func (s *Session) do(ctx context.Context, cmd caucus.Command) (caucus.Reply, error) {
	replies, err := s.exchange(ctx, cmd)
	if err != nil {
		return caucus.Reply{}, err
	}
	return replies[0], replies[0].Err()
}

// exchange has a pipeline answered, which goes out as one on the session's connection, until its last answer
// says what came of it, ctx ends or the session is over. An attempt that may have been heard is not
// forgotten when a later one was not.
func (s *Session) exchange(ctx context.Context, cmds ...caucus.Command) ([]caucus.Reply, error) {
	ctx, cancel := s.c.cfg.bounded(ctx)
	defer cancel()
	var wait pause
	doubt := false
	for {
		replies, err := s.try(ctx, cmds...)
		over := s.Err()
		if err == nil || !passing(err) && !errors.Is(err, caucus.ErrNoSession) && err != over {
			return replies, err
		}
		doubt = doubt || inDoubt(err)
		if over != nil || wait.wait(ctx) != nil {
			return nil, s.unanswered(ctx, err, doubt)
		}
	}
}

// inDoubt says whether a call that ended so may have been carried out.
func inDoubt(err error) bool {
	var lost *lostError
	return errors.As(err, &lost) && lost.sent || errors.Is(err, caucus.ErrUncertain)
}

// unanswered makes the error of a call that is not tried again, of the one that its last attempt ended with.
func (s *Session) unanswered(ctx context.Context, last error, doubt bool) error {
	over, cause := s.Err(), cmp.Or(context.Cause(ctx), last)
	if over != nil {
		last, cause = over, over
	}
	switch {
	case doubt:
		return uncertain(last, cause)
	case over != nil, caucus.SafeToRetry(last) && errors.Is(last, cause):
		return last
	}
	return notApplied(last, cause)
}

// try makes one attempt. Its error is also that of a last answer which leaves open what will come of it.
// Whether the session has ended only RESUME tells, which the next attempt begins with when this one was
// told so.
func (s *Session) try(ctx context.Context, cmds ...caucus.Command) ([]caucus.Reply, error) {
	l, err := s.take(ctx)
	if err != nil {
		return nil, err
	}
	l, replies, err := s.ask(ctx, l, cmds...)
	if err == nil {
		answer := replies[len(replies)-1].Err()
		l.doubtful = errors.Is(answer, caucus.ErrNoSession)
		if l.doubtful || passing(answer) {
			err = answer
		}
	}
	s.line <- l
	return replies, err
}

// take waits for the connection.
func (s *Session) take(ctx context.Context) (*link, error) {
	select {
	case l := <-s.line:
		if err := s.Err(); err != nil {
			s.line <- l
			return nil, err
		}
		return l, nil
	case <-ctx.Done():
		return nil, notApplied(nil, context.Cause(ctx))
	}
}

// ask sends a pipeline on the session's connection, which the caller has taken, after resuming the session
// elsewhere if that is no longer fit. It gives back the connection to go on with.
func (s *Session) ask(ctx context.Context, l *link, cmds ...caucus.Command) (*link, []caucus.Reply, error) {
	l, err := s.mend(ctx, l)
	if err != nil {
		return l, nil, err
	}
	longer, end := outlive(ctx, false)
	defer end()
	within, cancel := context.WithTimeout(longer, s.hang)
	defer cancel()
	replies, err := l.carry(within, cmds...)
	// What is still under way on a connection must not be followed by anything (SAFETY A3).
	l.doubtful = err != nil
	return l, replies, err
}

// mend gives l when it is fit, else a connection on which the session was resumed. When that fails l stays.
func (s *Session) mend(ctx context.Context, l *link) (*link, error) {
	if l.fit() {
		return l, nil
	}
	next, err := s.resume(ctx, l)
	if err != nil {
		return l, err
	}
	return next, nil
}
