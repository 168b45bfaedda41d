package node

import (
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// What is under way goes into one entry or one round of reads, and whoever comes next waits for all of it. So
// that he need not wait long, those who send giant pipelines share so many commands, of which each has some:
// more than a pipeline has as a rule, and enough for one alone to go as fast as in larger pieces.
const (
	sharedCommands = 1024
	usualCommands  = 64 // of a pipeline that goes as a whole
)

// While there are pipelines of usual size too, giants go in small pieces, and all of them together at a pace
// that leaves most of the processors to the others (docs/performance.md).
const (
	smallPiece = sharedCommands / 8
	writePace  = 32 * time.Microsecond // of a processor, from one write to the next
	leastPace  = 8 * time.Microsecond  // since one goroutine applies them all, on whatever machine
	readParts  = 8                     // a read is so much less
	besides    = 10 * time.Millisecond // pipelines of usual size are there so long after the last one
	forgotten  = time.Second           // and giants, of one conversation
)

// To refuse costs nearly as much as to carry out: refusals for the rate of a user have a pace as well, which
// takes a tenth of a processor.
const refusePace = 30 * time.Microsecond

// mostPause is how long a part of a pipeline is held up at most. Those who are too many for that go faster.
const mostPause = 100 * time.Millisecond

// shares says how much of what goes at once is whose, and who pauses before. Its methods are safe for
// concurrent use.
type shares struct {
	underway atomic.Int64  // pipelines, those of goroutines of their own too
	usual    atomic.Int64  // when one of usual size last came, unix nanoseconds
	giants   *rate.Limiter // of commands, reads by the part
	refusals *rate.Limiter
}

func newShares(processors int) *shares {
	pace := max(leastPace, writePace/time.Duration(processors))
	return &shares{giants: rate.NewLimiter(rate.Every(pace), smallPiece),
		refusals: rate.NewLimiter(rate.Every(refusePace), sharedCommands)}
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

// crowded says whether there are pipelines of usual size.
func (s *shares) crowded(now time.Time) bool { return now.UnixNano()-s.usual.Load() < int64(besides) }

// of gives how many commands may go at once of a pipeline that has so many left.
func (s *shares) of(commands int, now time.Time) int {
	switch {
	case commands <= usualCommands:
		return commands
	case s.crowded(now):
		return smallPiece
	}
	return max(usualCommands, int(sharedCommands/(1+s.underway.Load())))
}

// part is what of a pipeline goes at once.
type part struct {
	commands int // that are carried out
	writes   bool
	refused  int // and that are not, for their rate
}

// isGiant says whether a part is one of those who go at a pace.
func (s *shares) isGiant(p part, now time.Time) bool {
	return p.commands > usualCommands && s.crowded(now)
}

// mayPause says whether pause may give something.
func (s *shares) mayPause(p part, now time.Time) bool { return p.refused > 0 || s.isGiant(p, now) }

// pause gives how long a part is to wait before it goes.
func (s *shares) pause(p part, now time.Time) (d time.Duration) {
	if s.isGiant(p, now) {
		cost := p.commands
		if !p.writes {
			cost /= readParts
		}
		d = reserve(s.giants, cost, now)
	}
	if p.refused > 0 {
		d = max(d, reserve(s.refusals, p.refused, now))
	}
	return d
}

// reserve gives how long to wait for n of what has a pace. Who would wait too long waits as long as one may,
// and takes nothing from those who come after him.
func reserve(l *rate.Limiter, n int, now time.Time) time.Duration {
	r := l.ReserveN(now, min(n, l.Burst()))
	d := r.DelayFrom(now)
	if d > mostPause {
		r.CancelAt(now)
		return mostPause
	}
	return d
}
