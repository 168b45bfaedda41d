package node

import (
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

// While there are pipelines of usual size too, what is shared takes about as long as one write of the log: so
// who waits for one waits little longer for giants before him, and these have half of the time. The time of a
// command is that of a SET in a pipeline (docs/performance.md).
const (
	commandTime = 3 * time.Microsecond
	leastShared = sharedCommands / 8
	leastPiece  = 8
	besides     = 10 * time.Millisecond // pipelines of usual size are there so long after the last one
	forgotten   = time.Second           // and giants, of one conversation
)

// shares says how much of what goes at once is whose. Its methods are safe for concurrent use, but for wrote.
type shares struct {
	underway atomic.Int64 // pipelines, those of goroutines of their own too
	usual    atomic.Int64 // when one of usual size last came, unix nanoseconds
	writing  atomic.Int64 // how long a write of the log takes lately, nanoseconds
}

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

// of gives how many commands may go at once of a pipeline that has so many left.
func (s *shares) of(commands int, now time.Time) int {
	if commands <= usualCommands {
		return commands
	}
	shared, least := int64(sharedCommands), usualCommands
	if now.UnixNano()-s.usual.Load() < int64(besides) {
		shared = min(max(leastShared, s.writing.Load()/int64(commandTime)), sharedCommands)
		least = leastPiece
	}
	return max(least, int(shared/(1+s.underway.Load())))
}
