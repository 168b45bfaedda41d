package work

import (
	"context"
	"errors"
	"syscall"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/bench/loop"
	"github.com/caucus-project/caucus/bench/outcome"
	"github.com/caucus-project/caucus/bench/servers"
)

// recovery is how long a killed node with many keys is away. It has no peer, but a time that is wanted.
func recovery() Work {
	return Work{Row: outcome.Row{Work: "restart of a killed node with 1,000,000 keys in its snapshot",
		Against: "3 s", Unit: outcome.Millis, Wanted: outcome.Wanted{Most: 1}}, ours: openRecovering,
		theirs: func(context.Context, servers.House) (side, error) { return wish{value: 3000}, nil }}
}

// wish stands where a peer does, with what is wanted.
type wish struct {
	nobody
	value float64
}

// run implements side.
func (w wish) run(context.Context, time.Duration, meter) (outcome.Sample, error) {
	return outcome.Sample{Value: w.value}, nil
}

// recovering is a node that is killed and started again.
type recovering struct{ *servers.Ensemble }

func openRecovering(ctx context.Context, house servers.House) (side, error) {
	e, err := house.OpenCaucus(ctx, 1)
	if err != nil {
		return nil, err
	}
	g := growing{Ensemble: e, step: house.Few(1_000_000)}
	if g.lines, err = lines(e, adders); err == nil {
		err = keysOfCaucus(ctx, &g, 0)
	}
	if err == nil {
		_, err = g.lines[0].Do(caucus.Command{"CHECKPOINT"})
	}
	closeLines(g.lines)
	if err != nil {
		return nil, errors.Join(err, e.Stop())
	}
	return recovering{e}, nil
}

// run implements side: from the kill until a key is read.
func (r recovering) run(ctx context.Context, _ time.Duration, _ meter) (outcome.Sample, error) {
	begun := time.Now()
	if err := r.Signal(0, syscall.SIGKILL); err != nil {
		return outcome.Sample{}, err
	}
	if err := r.Restart(ctx, 0); err != nil {
		return outcome.Sample{}, err
	}
	line, err := loop.DialRESP(r.Addrs[0])
	if err != nil {
		return outcome.Sample{}, err
	}
	defer line.Close()
	reply, err := line.Do(caucus.Command{"GET", loop.Key(0)})
	if err == nil && reply.Text() != loop.Value {
		err = errors.New("a key was lost")
	}
	return outcome.Sample{Value: millis(time.Since(begun))}, err
}
