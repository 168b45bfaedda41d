package work

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/caucus-project/caucus/bench/outcome"
	"github.com/caucus-project/caucus/bench/procs"
	"github.com/caucus-project/caucus/bench/servers"
)

// Work is one row to be measured.
type Work struct {
	outcome.Row
	ours, theirs open
}

// open opens a side, with all that it has before anything is measured.
type open func(ctx context.Context, house servers.House) (side, error)

// side is one of the two that are compared.
type side interface {
	// run works once, for about so long; what is measured of it is done within the meter's take.
	run(ctx context.Context, long time.Duration, m meter) (outcome.Sample, error)
	IDs() []int
	Stop() error
}

// Name says which row it is.
func (w Work) Name() string { return w.Work + ", against " + w.Against }

// Told is called when a run begins, with what is known so far.
type Told func(row outcome.Row, run int, side string)

// Measure opens both sides, lets them work in turn so many times, and stops them. A peer that is not
// installed leaves a row without it.
func (w Work) Measure(ctx context.Context, house servers.House, repeat int, long time.Duration,
	told Told) (row outcome.Row, err error) {
	row = w.Row
	ours, err := w.ours(ctx, house)
	if err != nil {
		return row, err
	}
	defer func() { err = errors.Join(err, ours.Stop()) }()
	theirs, err := w.theirs(ctx, house)
	if errors.Is(err, servers.ErrNotInstalled) {
		row.Missing, theirs, err = err.Error(), nobody{}, nil
	}
	if err != nil {
		return row, err
	}
	defer func() { err = errors.Join(err, theirs.Stop()) }()
	for n := range repeat {
		told(row, n+1, "caucus")
		if err := take(ctx, ours, theirs, long, &row.Ours); err != nil {
			return row, fmt.Errorf("caucus: %w", err)
		}
		if row.Missing != "" {
			continue
		}
		told(row, n+1, w.Against)
		if err := take(ctx, theirs, ours, long, &row.Theirs); err != nil {
			return row, fmt.Errorf("%s: %w", w.Against, err)
		}
	}
	return row, nil
}

// take lets a side work once while the other rests.
func take(ctx context.Context, works, rests side, long time.Duration, samples *[]outcome.Sample) error {
	sample, err := works.run(ctx, long, meter{works, rests})
	if err == nil {
		*samples = append(*samples, sample)
	}
	return err
}

// nobody stands for a peer that is not there.
type nobody struct{ side }

func (nobody) IDs() []int  { return nil }
func (nobody) Stop() error { return nil }

// meter measures what it costs when a side works.
type meter struct{ works, rests side }

// known are the processes of both sides, which are nobody's noise.
func (m meter) known() []int { return append(m.works.IDs(), m.rests.IDs()...) }

// take does something and adds to the sample what it cost: the CPU time of the servers and of this
// process, the memory of the servers, and the share of the machine that others had meanwhile.
func (m meter) take(do func() (outcome.Sample, error)) (outcome.Sample, error) {
	known := m.known()
	before, servers, self := procs.Now(known...), procs.CPU(m.works.IDs()...), procs.CPU(os.Getpid())
	s, err := do()
	s.CPU = (procs.CPU(m.works.IDs()...) - servers).Seconds()
	s.Generator = (procs.CPU(os.Getpid()) - self).Seconds()
	s.Memory = procs.Resident(m.works.IDs()...)
	s.Foreign = procs.Foreign(before, procs.Now(known...))
	return s, err
}
