package feed

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/caucus-project/caucus/internal/resp"
	"github.com/caucus-project/caucus/internal/waist"
)

// overhead is what a waiting message costs beside its channel and its text, which all its readers share. It
// is counted, so that a flood of empty messages ends too.
const overhead = 64

// subscriber is one reader. Its locks are held for moments only: own guards its lists of names and is taken
// before the hub's; mu guards the backlog and is taken last.
type subscriber struct {
	hub  *Hub
	wake chan struct{} // holds one token when Next has something to look at

	own      sync.Mutex
	channels map[string]struct{}
	patterns map[string]struct{}
	closed   bool

	mu      sync.Mutex
	backlog []waist.Message
	bytes   int
	since   time.Time // when the backlog went over the soft limit; zero when it is under it
	over    bool      // cut off or closed: it takes nothing more
	ready   func()    // what to call in place of waking Next, nil for that
	awaits  bool      // ready is to be called for the next message

	// What counts in the budget of all, beyond what each has for nothing.
	loads   []*load // of the messages of the backlog that count, at the same place
	lent    int     // bytes of what the reader has taken last, which he holds until he takes again
	lentOf  []*load // and the loads of it
	counted int     // bytes that his messages count, beside their texts
}

// portion is about how many bytes a reader takes at once. What he has taken he has for as long as he likes;
// only what waits can be taken from him.
const portion = 256 << 10

// Subscribe begins to listen to channels.
func (s *subscriber) Subscribe(channels ...string) { s.listen(s.channels, s.hub.channels, channels) }

// PSubscribe begins to listen to patterns.
func (s *subscriber) PSubscribe(patterns ...string) { s.listen(s.patterns, s.hub.patterns, patterns) }

// Unsubscribe stops listening to channels. What came before still waits to be read.
func (s *subscriber) Unsubscribe(channels ...string) { s.ignore(s.channels, s.hub.channels, channels) }

// PUnsubscribe stops listening to patterns. What came before still waits to be read.
func (s *subscriber) PUnsubscribe(patterns ...string) { s.ignore(s.patterns, s.hub.patterns, patterns) }

func (s *subscriber) listen(mine map[string]struct{}, rooms map[string]*audience, names []string) {
	s.own.Lock()
	defer s.own.Unlock()
	if s.closed {
		return
	}
	for _, name := range names {
		if _, ok := mine[name]; !ok {
			mine[name] = struct{}{}
			s.hub.enter(rooms, name, s)
		}
	}
}

func (s *subscriber) ignore(mine map[string]struct{}, rooms map[string]*audience, names []string) {
	s.own.Lock()
	defer s.own.Unlock()
	for _, name := range names {
		if _, ok := mine[name]; ok {
			delete(mine, name)
			s.hub.leave(rooms, name, s)
		}
	}
}

// take adds a message to the backlog, or cuts the reader off, and says whether it was added. Where all
// readers together hold too much, those who hold most are cut.
func (s *subscriber) take(m waist.Message, text *said) bool {
	for last := text.vain; ; last = !s.hub.relieve(s, text) {
		if added, done := s.try(m, text, last); done {
			return added
		}
	}
}

// try adds a message to the backlog, or cuts the reader off where he has too much himself. Where all have too
// much it is not done, unless it is tried for the last time.
func (s *subscriber) try(m waist.Message, text *said, last bool) (added, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return false, true
	}
	before := s.bytes
	s.bytes += size(&m)
	switch {
	case s.tooSlow():
		s.cut()
	case s.lent+s.bytes <= resp.FreeBytes || s.count(text):
		s.backlog = append(s.backlog, m)
	case !last:
		s.bytes = before
		return false, false
	default:
		s.cut()
	}
	s.signal()
	return !s.over, true
}

// cut ends the subscription for its reader, who has what he has taken until he asks for more, or has gone.
func (s *subscriber) cut() {
	s.over, s.backlog, s.bytes = true, nil, 0
	s.release(s.loads)
	s.loads = nil
}

// behind is how many bytes wait for the reader, 0 where nothing of it counts.
func (s *subscriber) behind() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.loads) == 0 {
		return 0
	}
	return s.bytes
}

// cutOff ends the subscription for a reader who is so far behind, for others to have room. By now he may have
// read.
func (s *subscriber) cutOff(behind int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bytes >= behind {
		s.cut()
		s.signal()
	}
}

// done says that the reader asks for more, and so holds no more what he was given before.
func (s *subscriber) done() {
	s.release(s.lentOf)
	s.lent, s.lentOf = 0, nil
}

// lend gives the reader a portion of the backlog, and leaves room for what comes next.
func (s *subscriber) lend(room []waist.Message) []waist.Message {
	n := 0
	for n < len(s.backlog) && s.lent < portion {
		s.lent += size(&s.backlog[n])
		n++
	}
	messages := s.backlog
	s.lentOf = s.loads
	if n < len(s.backlog) { // what stays is copied to the front, so that no memory waits with it
		messages, s.backlog = slices.Clone(s.backlog[:n]), slices.Delete(s.backlog, 0, n)
		n = min(n, len(s.loads))
		s.lentOf, s.loads = slices.Clone(s.loads[:n]), slices.Delete(s.loads, 0, n)
	} else {
		s.backlog, s.loads = room, nil
	}
	if s.bytes -= s.lent; s.bytes <= s.hub.limits.Soft {
		s.since = time.Time{}
	}
	return messages
}

// size is what a message counts in a backlog.
func size(m *waist.Message) int { return len(m.Channel) + len(m.Payload) + overhead }

// tooSlow judges the backlog, which has just grown.
func (s *subscriber) tooSlow() bool {
	l := s.hub.limits
	if s.bytes <= l.Soft {
		return false
	}
	now := s.hub.now()
	if s.since.IsZero() {
		s.since = now
	}
	return s.bytes > l.Hard || now.Sub(s.since) >= l.Patience
}

// signal tells the reader that there is something to look at.
func (s *subscriber) signal() {
	if s.ready != nil {
		if s.awaits || s.over {
			s.awaits = false
			s.ready()
		}
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Next waits for messages and returns a portion of those that are there, which are then the caller's. It
// fails with waist.ErrSlow when the reader was cut off or the subscription was closed, and with the
// context's error.
func (s *subscriber) Next(ctx context.Context) ([]waist.Message, error) {
	for {
		messages, over := s.grab()
		switch {
		case over:
			s.signal() // for another caller of Next, and for the next call
			return nil, waist.ErrSlow
		case len(messages) > 0:
			return messages, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.wake:
		}
	}
}

func (s *subscriber) grab() (messages []waist.Message, over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done()
	return s.lend(nil), s.over
}

// Tell has ready called in place of waking Next.
func (s *subscriber) Tell(ready func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready, s.awaits = ready, true
}

// Take is Next for those who do not wait.
func (s *subscriber) Take(room []waist.Message) ([]waist.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done()
	switch {
	case s.over:
		return nil, waist.ErrSlow
	case len(s.backlog) == 0:
		s.awaits = true
		return nil, nil
	}
	return s.lend(room), nil
}

// Close ends the subscription.
func (s *subscriber) Close() {
	s.own.Lock()
	defer s.own.Unlock()
	for name := range s.channels {
		s.hub.leave(s.hub.channels, name, s)
	}
	for name := range s.patterns {
		s.hub.leave(s.hub.patterns, name, s)
	}
	clear(s.channels)
	clear(s.patterns)
	s.hub.forget(s)
	s.closed = true
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut()
	s.done()
	s.ready = nil
	s.signal()
}
