package httpd

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/caucus-project/caucus"
)

// seats remember clients between their requests: the last so many, for a while. Who is forgotten is met as
// if for the first time, which is always safe.
type seats[Who comparable, Seat interface{ at() *seat }] struct {
	room  int
	keep  time.Duration         // for how long who is not heard from is remembered
	fresh func(Who) (Who, Seat) // makes a seat, and a name that may be kept
	mu    sync.Mutex
	byWho map[Who]Seat
	order *list.List // of taken, the one used last in front
}

// taken is a seat and whose it is.
type taken[Who comparable, Seat any] struct {
	who  Who
	seat Seat
}

func newSeats[Who comparable, Seat interface{ at() *seat }](room int, keep time.Duration,
	fresh func(Who) (Who, Seat)) *seats[Who, Seat] {
	return &seats[Who, Seat]{room: room, keep: keep, fresh: fresh, byWho: make(map[Who]Seat), order: list.New()}
}

// sit waits for the client's turn, since its requests are answered one after the other. It says whether
// nobody else was at the seat when it came. The seat must be given up with rise once the answer has been
// written.
func (ss *seats[Who, Seat]) sit(ctx context.Context, who Who) (s Seat, alone bool, err *caucus.Error) {
	s, alone, old := ss.take(who)
	for _, former := range old {
		former.hangUp()
	}
	select {
	case s.at().turn <- struct{}{}:
		return s, alone, nil
	case <-ctx.Done():
		ss.leave(s.at())
		return s, false, caucus.Errorf(caucus.ErrTryAgain, "an earlier request of the same client is "+
			"still under way")
	}
}

// rise gives a seat up.
func (ss *seats[Who, Seat]) rise(s Seat) {
	<-s.at().turn
	ss.leave(s.at())
}

// take finds or makes a client's seat, and says whether nobody else is at it. It gives the seats that
// have to go.
func (ss *seats[Who, Seat]) take(who Who) (s Seat, alone bool, old []*seat) {
	now := time.Now()
	ss.mu.Lock()
	defer ss.mu.Unlock()
	s, ok := ss.byWho[who]
	if !ok {
		who, s = ss.fresh(who)
		ss.byWho[who] = s
		s.at().place = ss.order.PushFront(taken[Who, Seat]{who, s})
	}
	at := s.at()
	ss.order.MoveToFront(at.place)
	at.users++
	at.used, at.leaving = now, false
	return s, at.users == 1, ss.expire(now)
}

// expire takes out who was not heard from for long, a few at a time, and who is too many. Nobody is sent
// away whose request is being answered, so that there is never a second seat for one client.
func (ss *seats[Who, Seat]) expire(now time.Time) (old []*seat) {
	const atOnce = 4
	for range atOnce {
		s := ss.order.Back().Value.(taken[Who, Seat]).seat.at()
		if ss.order.Len() <= ss.room && now.Sub(s.used) < ss.keep {
			break
		}
		if s.users > 0 {
			ss.order.MoveToFront(s.place)
			continue
		}
		ss.remove(s)
		old = append(old, s)
	}
	return old
}

func (ss *seats[Who, Seat]) remove(s *seat) {
	delete(ss.byWho, s.place.Value.(taken[Who, Seat]).who)
	ss.order.Remove(s.place)
}

func (ss *seats[Who, Seat]) leave(s *seat) {
	ss.mu.Lock()
	s.users--
	last := s.leaving && s.users == 0
	if last {
		ss.remove(s)
	}
	ss.mu.Unlock()
	if last {
		s.hangUp()
	}
}

// forget says that a seat need not be kept once nobody is at it: its client has said goodbye.
func (ss *seats[Who, Seat]) forget(s Seat) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	s.at().leaving = true
}

// dismiss forgets a client.
func (ss *seats[Who, Seat]) dismiss(who Who) {
	s, _, old := ss.take(who)
	for _, former := range old {
		former.hangUp()
	}
	ss.forget(s)
	ss.leave(s.at())
}

// close ends all conversations. Nobody may be at a seat any more.
func (ss *seats[Who, Seat]) close() {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	for _, s := range ss.byWho {
		s.at().hangUp()
	}
	ss.order.Init()
	clear(ss.byWho)
}
