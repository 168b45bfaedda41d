package node

import (
	"context"
	"sync/atomic"
	"time"
)

// What is under way goes into one entry or one round of reads, and whoever comes next waits for all of it. So
// that he need not wait long, those who send giant pipelines share so many commands, of which each has some:
// more than a pipeline has as a rule, and enough for one alone to go as fast as in larger pieces.
const (
	sharedCommands = 1024
	usualCommands  = 64 // of a pipeline that goes as a whole
)

// While there are pipelines of usual size too, giants go one after the other, a piece each time, and after a
// piece none of them for as long as that took: half of the time disk and processors are there for the others
// as if there were no giants. A piece takes less than one write of the log, so that who waits for one waits
// little longer for the piece before him. The time of a command is that of a SET on processors that are busy.
const (
	commandTime = 8 * time.Microsecond
	leastPiece  = sharedCommands / 4
	mostRest    = 100 * time.Millisecond
	besides     = 10 * time.Millisecond // pipelines of usual size are there so long after the last one
	forgotten   = time.Second           // and giants, of one conversation
)

// shares says how much of what goes at once is whose. Its methods are safe for concurrent use, but for wrote.
type shares struct {
	underway atomic.Int64  // pipelines, those of goroutines of their own too
	usual    atomic.Int64  // when one of usual size last came, unix nanoseconds
	writing  atomic.Int64  // how long a write of the log takes lately, nanoseconds
	piece    chan struct{} // holds one while a piece of a giant is under way beside others, or rests after it
}

func newShares() *shares { return &shares{piece: make(chan struct{}, 1)} }

// came takes note of a pipeline of so many commands. It keeps in giant when the last giant of the same
// conversation came: what comes soon after may be the rest of that.
func (s *shares) came(commands int, giant *time.Time, now time.Time) {
	switch {
	case commands > usualCommands:
		*giant = now
	case now.Sub(*giant) > forgotten:
		s.usual.Store(now.UnixNano())
	}
}

// wrote takes note of how long a write of the log took. It is called by one goroutine.
func (s *shares) wrote(took time.Duration) {
	before := s.writing.Load()
	s.writing.Store(before + (int64(took)-before)/8)
}

// crowded says whether there are pipelines of usual size.
func (s *shares) crowded(now time.Time) bool { return now.UnixNano()-s.usual.Load() < int64(besides) }

// of gives how many commands may go at once of a pipeline that has so many left.
func (s *shares) of(commands int, now time.Time) int {
	switch {
	case commands <= usualCommands:
		return commands
	case s.crowded(now):
		return int(min(max(leastPiece, s.writing.Load()/int64(commandTime)), sharedCommands))
	}
	return max(usualCommands, int(sharedCommands/(1+s.underway.Load())))
}

// waits says whether a piece of so many commands must wait for its turn.
func (s *shares) waits(commands int, now time.Time) bool {
	return commands > usualCommands && s.crowded(now)
}

// turn waits until a piece of so many commands may go, if it must, and says no when ctx or patience ends
// before. When what went is answered, over lets the next go.
func (s *shares) turn(ctx context.Context, commands int, patience time.Duration) (over func(), ok bool) {
	if !s.waits(commands, time.Now()) {
		return func() {}, true
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case s.piece <- struct{}{}:
	case <-ctx.Done():
		return nil, false
	case <-late.C:
		return nil, false
	}
	begun := time.Now()
	return func() { s.rest(time.Since(begun)) }, true
}

// rest lets the next piece go when as much time has passed as one took that is over, or at once if there is
// nobody else any more.
func (s *shares) rest(took time.Duration) {
	if !s.crowded(time.Now()) {
		<-s.piece
		return
	}
	time.AfterFunc(min(took, mostRest), func() { <-s.piece })
}
