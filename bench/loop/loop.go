package loop

import (
	"context"
	"errors"
	"fmt"
	"math"
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

// Callers make a load together.
type Callers []Caller

// Report is what a run came to.
type Report struct {
	Operations  uint64
	Least, Most uint64 // of them, by one caller
	Elapsed     time.Duration
	latency     *hdrhistogram.Histogram
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

func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(shortest, longest, digits) }

// record keeps how long a flight took. Held within the histogram's range, it is never refused.
func record(in *hdrhistogram.Histogram, took time.Duration) {
	_ = in.RecordValue(min(max(took.Microseconds(), shortest), longest))
}

func newReport(elapsed time.Duration) Report {
	return Report{Elapsed: elapsed, Least: math.MaxUint64, latency: newHistogram()}
}

// add counts what one caller has done.
func (r *Report) add(operations uint64) {
	r.Operations += operations
	r.Least, r.Most = min(r.Least, operations), max(r.Most, operations)
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
func (callers Callers) Run(ctx context.Context, long time.Duration) (Report, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	seats := make([]seat, len(callers))
	begun := time.Now()
	until := begun.Add(long)
	var all sync.WaitGroup
	for i, c := range callers {
		seats[i] = seat{caller: c, latency: newHistogram()}
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
		record(s.latency, now.Sub(begun))
		begun = now
	}
	return nil
}

// sum adds up all seats. Callers that were interrupted because of another's error say so, which is not
// the reason.
func sum(seats []seat, elapsed time.Duration) (Report, error) {
	r := newReport(elapsed)
	var reason error
	for i, s := range seats {
		if s.err != nil && (reason == nil || interrupted(reason) && !interrupted(s.err)) {
			reason = fmt.Errorf("caller %d of %d: %w", i+1, len(seats), s.err)
		}
		r.add(s.operations)
		r.latency.Merge(s.latency)
	}
	return r, reason
}

// Close closes all. What they say of it tells nobody anything.
func (callers Callers) Close() {
	for _, c := range callers {
		_ = c.Close()
	}
}
