package work

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/caucus-project/caucus/bench/loop"
	"github.com/caucus-project/caucus/bench/outcome"
	"github.com/caucus-project/caucus/bench/servers"
)

const (
	joined  = 10_000 // members of the group when a run is over
	joiners = 64     // connections, each of which makes a member at a time
)

// joins is how fast a group fills.
func joins() Work {
	return Work{Row: outcome.Row{Work: "joins into one group until it has 10,000 members",
		Against: "etcd lease grants and puts", Unit: outcome.PerSecond, Wanted: outcome.Wanted{Least: 3}},
		ours: joinCaucus, theirs: joinEtcd}
}

// filling is an ensemble in which each run fills a group of its own. Members of former runs stay.
type filling struct {
	*servers.Ensemble
	runs    *atomic.Int64
	members int // that each run makes
	callers func(run int64, left *atomic.Int64) loop.Callers
}

// run implements side.
func (f filling) run(ctx context.Context, _ time.Duration, m meter) (outcome.Sample, error) {
	var left atomic.Int64
	left.Store(int64(f.members))
	callers := f.callers(f.runs.Add(1), &left)
	return m.take(func() (outcome.Sample, error) {
		r, err := callers.Run(ctx, time.Hour)
		return outcome.Sample{Value: r.PerSecond(), Operations: r.Operations, Half: millis(r.Latency(50)),
			Most: millis(r.Latency(99))}, err
	})
}

func joinCaucus(ctx context.Context, house servers.House) (side, error) {
	e, err := house.OpenCaucus(ctx, 3)
	if err != nil {
		return nil, err
	}
	list, err := lines(e, joiners)
	if err != nil {
		return nil, errors.Join(err, e.Stop())
	}
	f := filling{e, new(atomic.Int64), house.Few(joined), nil}
	f.callers = func(run int64, left *atomic.Int64) (callers loop.Callers) {
		group := fmt.Sprint("joins-", run)
		for _, line := range list {
			callers = append(callers, joining{left, func() error { return enter(line, group) }})
		}
		return callers
	}
	return f, nil
}

func joinEtcd(ctx context.Context, house servers.House) (side, error) {
	e, err := house.OpenEtcd(ctx, 3)
	if err != nil {
		return nil, err
	}
	clients, err := e.EtcdClients(joiners / perClient)
	if err != nil {
		return nil, errors.Join(err, e.Stop())
	}
	var names atomic.Int64
	f := filling{e, new(atomic.Int64), house.Few(joined), nil}
	f.callers = func(run int64, left *atomic.Int64) (callers loop.Callers) {
		for i := range joiners {
			callers = append(callers, joining{left, func() error {
				key := fmt.Sprintf("joins-%d/%d", run, names.Add(1))
				_, err := put(ctx, clients[i%len(clients)], key)
				return err
			}})
		}
		return callers
	}
	return withEtcd(f, clients), nil
}
