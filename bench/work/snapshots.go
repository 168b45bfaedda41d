package work

import (
	"context"
	"errors"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/bench/loop"
	"github.com/caucus-project/caucus/bench/outcome"
	"github.com/caucus-project/caucus/bench/servers"
)

// stored is how many keys a snapshot has, and writers how many connections meanwhile write.
const (
	stored  = 100_000
	writers = 64
)

// snapshots is how long writes take while the nodes in turn write snapshots. It has no peer, but an
// ensemble that writes none.
func snapshots() Work {
	return Work{Row: outcome.Row{Work: "SET, 64 connections, 99 of 100 within, while snapshots are written",
		Against: "caucus, no snapshots", Unit: outcome.Millis, Wanted: outcome.Wanted{Most: 2}},
		ours: openStored(true), theirs: openStored(false)}
}

// most is the value of rows that are about the slowest of a hundred.
func most(r loop.Report) float64 { return millis(r.Latency(99)) }

func openStored(snapshots bool) open {
	return func(ctx context.Context, house servers.House) (side, error) {
		e, err := house.OpenCaucus(ctx, 3)
		if err != nil {
			return nil, err
		}
		g := growing{Ensemble: e, step: house.Few(stored)}
		if g.lines, err = lines(e, adders); err == nil {
			err = keysOfCaucus(ctx, &g, 0)
		}
		closeLines(g.lines)
		if err != nil {
			return nil, errors.Join(err, e.Stop())
		}
		connect := func(context.Context) (generator, error) { return loop.RESP(e.Addrs, writers, 1, false) }
		l := loaded{e, connect, most}
		if !snapshots {
			return l, nil
		}
		return snapping{l}, nil
	}
}

// snapping is an ensemble whose nodes write snapshots, in turn, during runs.
type snapping struct{ loaded }

// run implements side.
func (s snapping) run(ctx context.Context, long time.Duration, m meter) (outcome.Sample, error) {
	list, err := lines(s.Ensemble, len(s.Addrs))
	defer closeLines(list)
	if err != nil {
		return outcome.Sample{}, err
	}
	writing, enough := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- checkpoints(writing, list) }()
	sample, err := s.loaded.run(ctx, long, m)
	enough()
	return sample, errors.Join(err, <-ended)
}

// checkpoints has one node after another write a snapshot, until ctx ends, so that always one is being
// written. All nodes at once would need more processors than a machine that they share may have.
func checkpoints(ctx context.Context, list []*loop.Line) error {
	for i := 0; ctx.Err() == nil; i++ {
		if _, err := list[i%len(list)].Do(caucus.Command{"CHECKPOINT"}); err != nil {
			return err
		}
	}
	return nil
}
