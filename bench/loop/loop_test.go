package loop

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// acting is a caller that does what a function does.
type acting func(ctx context.Context, flight int) (int, error)

type actor struct {
	acting
	flights int
}

func (a *actor) Fly(ctx context.Context) (int, error) {
	a.flights++
	return a.acting(ctx, a.flights)
}

func (a *actor) Close() error { return nil }

func actors(list ...acting) (callers Callers) {
	for _, a := range list {
		callers = append(callers, &actor{acting: a})
	}
	return callers
}

// few says three times that it did something, and then that it has nothing more.
func few(operations int) acting {
	return func(_ context.Context, flight int) (int, error) {
		if flight > 3 {
			return 0, ErrEnough
		}
		return operations, nil
	}
}

func TestOperationsOfAllAreAddedUp(t *testing.T) {
	r, err := actors(few(1), few(50)).Run(t.Context(), time.Hour)
	if err != nil || r.Operations != 153 || r.Least != 3 || r.Most != 150 || r.PerSecond() <= 0 ||
		r.Latency(50) <= 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestARunEndsByTime(t *testing.T) {
	r, err := actors(func(context.Context, int) (int, error) {
		time.Sleep(time.Millisecond)
		return 1, nil
	}).Run(t.Context(), time.Millisecond)
	if err != nil || r.Operations == 0 || r.Latency(100) < time.Millisecond/2 {
		t.Errorf("%+v, %v", r, err)
	}
}

// The first error ends the run for all, and it is what is told, not the interruptions that follow from it.
func TestAnErrorEndsTheRun(t *testing.T) {
	waits := func(ctx context.Context, _ int) (int, error) {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	reason := errors.New("refused")
	_, err := actors(waits, few(1), func(context.Context, int) (int, error) {
		return 0, reason
	}, waits).Run(t.Context(), time.Hour)
	if !errors.Is(err, reason) || !strings.Contains(err.Error(), "caller 3 of 4") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := actors(waits).Run(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestKeysAndValuesHaveTheirSizes(t *testing.T) {
	if len(Key(0)) != 16 || len(Key(1_000_000)) != 16 || Key(1) == Key(10) || len(Value) != 64 {
		t.Errorf("%q, %q, %q", Key(0), Key(1_000_000), Value)
	}
}
