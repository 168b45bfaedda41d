package work

import (
	"context"
	"errors"
	"time"

	"github.com/caucus-project/caucus/bench/limits"
	"github.com/caucus-project/caucus/bench/loop"
	"github.com/caucus-project/caucus/bench/outcome"
	"github.com/caucus-project/caucus/bench/servers"
)

// single is how long a SET of the only client takes, beside what the machine needs for it at least.
func single() Work {
	return Work{Row: outcome.Row{Work: "SET of a single client at the leading node, half within",
		Against: "fdatasync + 2 round trips", Unit: outcome.Millis, Wanted: outcome.Wanted{Most: 1.7}},
		ours: alone, theirs: bare}
}

// alone opens three nodes and one connection to the one that leads.
func alone(ctx context.Context, house servers.House) (side, error) {
	e, err := house.OpenCaucus(ctx, 3)
	if err != nil {
		return nil, err
	}
	leader, err := e.Leading(ctx)
	if err == nil {
		err = loop.FillRESP(e.Addrs[leader])
	}
	if err != nil {
		return nil, errors.Join(err, e.Stop())
	}
	connect := func(context.Context) (generator, error) {
		return loop.RESP(e.Addrs[leader:leader+1], 1, 1, false)
	}
	return loaded{e, connect, half}, nil
}

// machine is what a write costs without a system: a sync while two other processes sync as well, and two
// round trips, the client's and that to the other nodes.
type machine struct {
	nobody
	house servers.House
}

func bare(_ context.Context, house servers.House) (side, error) { return machine{house: house}, nil }

// run implements side.
func (b machine) run(ctx context.Context, long time.Duration, m meter) (outcome.Sample, error) {
	sync, err := limits.Sync(ctx, b.house.Self, b.house.Dir, 3, long/2)
	if err != nil {
		return outcome.Sample{}, err
	}
	trip, err := limits.Loopback(ctx, b.house.Self, long/2)
	return outcome.Sample{Value: sync.Half + 2*trip.Half}, err
}
