package history

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"time"

	"github.com/caucus-project/caucus"
)

// Span is a time, in nanoseconds of the clock that all records of a run share.
type Span struct{ From, To int64 }

// Before says that the span was over when the other began.
func (s Span) Before(other Span) bool { return s.To < other.From }

// forever is the end of what may still happen.
const forever = math.MaxInt64

// Fate is what its caller knows of a call.
type Fate uint8

// The fates.
const (
	Done      Fate = iota // it was carried out
	Refused               // it was not, for certain
	Uncertain             // nobody knows
)

// Call is a call of one client, from when it was made until it returned.
type Call struct {
	Span
	Fate   Fate
	Client int
}

// happened gives the time in which the call took effect, if it did.
func (c Call) happened() Span {
	if c.Fate == Uncertain {
		return Span{c.From, forever}
	}
	return c.Span
}

// FateOf reads from the error of a call what became of it. An error that says nothing of it leaves it
// uncertain; that a connection could not be made says that nothing was sent.
func FateOf(err error) Fate {
	var dialed *net.OpError
	var word *caucus.Error
	var reply interface{ RedisError() }
	switch {
	case err == nil:
		return Done
	case errors.As(err, &word):
	case errors.As(err, &reply): // of go-redis: what the server said
		word = caucus.ParseError(err.Error())
	case errors.As(err, &dialed) && dialed.Op == "dial":
		return Refused
	default:
		return Uncertain
	}
	switch {
	case word.Is(caucus.ErrUncertain):
		return Uncertain
	case word.Is(caucus.ErrGap):
		return Done
	}
	return Refused
}

// Verdict is what a checker found.
type Verdict struct {
	Wrong   []string // what must never be, each with what shows it
	Unknown []string // what could not be decided in the time that there was
	Judged  int      // records that were looked at
}

// shown is how many findings of a kind are worth reading.
const shown = 20

func (v *Verdict) wrong(format string, args ...any) {
	if len(v.Wrong) < shown {
		v.Wrong = append(v.Wrong, fmt.Sprintf(format, args...))
	}
}

func (v *Verdict) unknown(format string, args ...any) {
	if len(v.Unknown) < shown {
		v.Unknown = append(v.Unknown, fmt.Sprintf(format, args...))
	}
}

// Add takes the findings of another checker in.
func (v *Verdict) Add(other Verdict) {
	v.Wrong = append(v.Wrong, other.Wrong...)
	v.Unknown = append(v.Unknown, other.Unknown...)
	v.Judged += other.Judged
}

// Figures say how much a workload did, and for how long at most nothing of it was done.
type Figures struct {
	Done, Refused, Uncertain int
	Silence                  time.Duration
}

// String is a line of them.
func (f Figures) String() string {
	return fmt.Sprintf("%d operations: %d done, %d refused, %d uncertain; longest silence %v",
		f.Done+f.Refused+f.Uncertain, f.Done, f.Refused, f.Uncertain, f.Silence.Round(time.Millisecond))
}

// Count counts calls of a run that lasted for a span.
func Count(calls []Call, run Span) (f Figures) {
	done := []int64{run.From, run.To}
	for _, c := range calls {
		switch c.Fate {
		case Done:
			f.Done++
			done = append(done, c.To)
		case Refused:
			f.Refused++
		case Uncertain:
			f.Uncertain++
		}
	}
	slices.Sort(done)
	for i := range done[1:] {
		f.Silence = max(f.Silence, time.Duration(done[i+1]-done[i]))
	}
	return f
}

// byBeginning sorts records by when they began, the earliest first.
func byBeginning[R any](list []R, span func(R) Span) []R {
	return slices.SortedStableFunc(slices.Values(list), func(a, b R) int {
		return cmp.Compare(span(a).From, span(b).From)
	})
}
