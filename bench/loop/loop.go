package loop

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Caller is one client. It is used by one goroutine.
type Caller interface {
	// Fly sends one flight and waits for its answers. It gives the number of operations in it. An
	// operation that was refused is an error. ErrEnough says that this caller has nothing more to send.
	Fly(ctx context.Context) (operations int, err error)
	Close() error
}

// ErrEnough ends the part of one caller in a run.
var ErrEnough = errors.New("nothing more to send")

// Report is what a run came to.
type Report struct {
	Operations uint64
	Elapsed    time.Duration
	latency    *hdrhistogram.Histogram
}

// Latencies are kept from a microsecond to a minute, to a hundredth of their value.
const (
	shortest = 1
	longest  = 60_000_000
	digits   = 2
)

// PerSecond gives the operations in a second.
func (r Report) PerSecond() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.Operations) / r.Elapsed.Seconds()
}

// Latency gives the time within which so many of a hundred flights were answered.
func (r Report) Latency(percent float64) time.Duration {
	return time.Duration(r.latency.ValueAtQuantile(percent)) * time.Microsecond
}

// seat is where one caller sits.
type seat struct {
	caller     Caller
	operations uint64
	latency    *hdrhistogram.Histogram
	err        error
}

// Run lets all callers fly for a while. A flight that has begun is finished. The first error of any
// caller ends the run and is its result.
func Run(ctx context.Context, callers []Caller, long time.Duration) (Report, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	seats := make([]seat, len(callers))
	begun := time.Now()
	until := begun.Add(long)
	var all sync.WaitGroup
	for i, c := range callers {
		seats[i] = seat{caller: c, latency: hdrhistogram.New(shortest, longest, digits)}
		all.Go(func() {
			if seats[i].err = seats[i].fly(ctx, until); seats[i].err != nil {
				cancel()
			}
		})
	}
	all.Wait()
	return sum(seats, time.Since(begun))
}

func (s *seat) fly(ctx context.Context, until time.Time) error {
	for begun := time.Now(); begun.Before(until); {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := s.caller.Fly(ctx)
		if err == ErrEnough {
			return nil
		}
		if err != nil {
			return err
		}
		now := time.Now()
		s.operations += uint64(n)
		// Held within the histogram's range, a value is never refused.
		_ = s.latency.RecordValue(min(max(now.Sub(begun).Microseconds(), shortest), longest))
		begun = now
	}
	return nil
}

// sum adds up all seats. Callers that were interrupted because of another's error say so, which is not
// the reason.
func sum(seats []seat, elapsed time.Duration) (Report, error) {
	r := Report{Elapsed: elapsed, latency: hdrhistogram.New(shortest, longest, digits)}
	var reason error
	for i, s := range seats {
		if s.err != nil && (reason == nil || interrupted(reason) && !interrupted(s.err)) {
			reason = fmt.Errorf("caller %d of %d: %w", i+1, len(seats), s.err)
		}
		r.Operations += s.operations
		r.latency.Merge(s.latency)
	}
	return r, reason
}

// CloseAll closes callers. What they say of it tells nobody anything.
func CloseAll(callers []Caller) {
	for _, c := range callers {
		_ = c.Close()
	}
}
