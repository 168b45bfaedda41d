package httpd

import (
	"container/list"
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/caucus-project/caucus"
)

// keepFor is for how many timeouts a client is remembered that is not heard from. Its session has ended
// after one.
const keepFor = 4

// seats remember the clients of bloc between their requests: the last so many, for a while. Who is
// forgotten is met as if for the first time, which is always safe: it has then shown nothing (SAFETY
// A3).
type seats struct {
	server caucus.Server
	ttl    time.Duration
	room   int

	mu    sync.Mutex
	byWho map[client]*list.Element
	order *list.List // of *seat, the one used last in front
}

func newSeats(cfg Config, server caucus.Server) *seats {
	return &seats{server: server, ttl: cfg.Timeout, room: cfg.MaxSeats,
		byWho: make(map[client]*list.Element), order: list.New()}
}

// sit waits for the client's turn, since its requests are answered one after the other. The seat must be
// given up with rise once the answer has been written.
func (ss *seats) sit(ctx context.Context, c client) (*seat, *caucus.Error) {
	s, alone, old := ss.take(c)
	closeAll(old)
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		ss.leave(s)
		return nil, caucus.Errorf(caucus.ErrTryAgain, "an earlier request of the same client is still under way")
	}
	if s.crowded = !alone; s.crowded {
		s.hangUp() // what it was told last may not have reached it
	}
	if s.conn == nil {
		conn, err := ss.server.Open(caucus.ConnInfo{Detached: c.detached()})
		if err != nil {
			ss.rise(s)
			return nil, known(err)
		}
		s.conn = conn
	}
	return s, nil
}

// known gives any error as one with a word.
func known(err error) *caucus.Error {
	var word *caucus.Error
	if errors.As(err, &word) {
		return word
	}
	return caucus.Errorf(caucus.ErrTryAgain, "%v", err)
}

// rise gives a seat up. What a client was told that does not wait for its answers is no evidence that it
// knows.
func (ss *seats) rise(s *seat) {
	if s.crowded {
		s.hangUp()
	}
	<-s.turn
	ss.leave(s)
}

// take finds or makes a client's seat, and says whether nobody else is at it. It gives the seats that
// have to go.
func (ss *seats) take(c client) (s *seat, alone bool, old []*seat) {
	now := time.Now()
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if e, ok := ss.byWho[c]; ok {
		s = e.Value.(*seat)
		ss.order.MoveToFront(e)
	} else {
		c = client{strings.Clone(c.group), strings.Clone(c.header)}
		s = newSeat(c, ss.ttl)
		ss.byWho[c] = ss.order.PushFront(s)
	}
	s.users++
	s.used, s.leaving = now, false
	return s, s.users == 1, ss.expire(now)
}

// expire takes out who was not heard from for long, a few at a time, and who is too many. Nobody is sent
// away whose request is being answered, so that there is never a second seat for one client.
func (ss *seats) expire(now time.Time) (old []*seat) {
	const atOnce = 4
	for range atOnce {
		e := ss.order.Back()
		s := e.Value.(*seat)
		if ss.order.Len() <= ss.room && now.Sub(s.used) < keepFor*ss.ttl {
			break
		}
		if s.users > 0 {
			ss.order.MoveToFront(e)
			continue
		}
		ss.remove(e)
		old = append(old, s)
	}
	return old
}

func (ss *seats) remove(e *list.Element) {
	delete(ss.byWho, e.Value.(*seat).client)
	ss.order.Remove(e)
}

func (ss *seats) leave(s *seat) {
	ss.mu.Lock()
	s.users--
	last := s.leaving && s.users == 0
	if last {
		ss.remove(ss.byWho[s.client])
	}
	ss.mu.Unlock()
	if last {
		s.hangUp()
	}
}

// forget says that a seat need not be kept once nobody is at it: its client has said goodbye.
func (ss *seats) forget(s *seat) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	s.leaving = true
}

// close ends all conversations. Nobody may be at a seat any more.
func (ss *seats) close() {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	for e := ss.order.Front(); e != nil; e = e.Next() {
		e.Value.(*seat).hangUp()
	}
	ss.order.Init()
	clear(ss.byWho)
}

func closeAll(old []*seat) {
	for _, s := range old {
		s.hangUp()
	}
}

// hangUp ends the conversation, which means nothing to the session.
func (s *seat) hangUp() {
	if s.conn != nil {
		s.conn.Close(false)
		s.conn = nil
	}
}
