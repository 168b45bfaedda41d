package work

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caucus-project/caucus/bench/loop"
	"github.com/caucus-project/caucus/bench/outcome"
	"github.com/caucus-project/caucus/bench/procs"
	"github.com/caucus-project/caucus/bench/servers"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// atMostHalf is what is wanted of all that is held in memory.
var atMostHalf = outcome.Wanted{Most: 0.5}

// idle is the memory of a node that has just begun.
func idle() Work {
	return Work{Row: outcome.Row{Work: "memory of an idle node", Against: "etcd", Unit: outcome.Mebibytes,
		Wanted: atMostHalf},
		ours: func(ctx context.Context, house servers.House) (side, error) {
			e, err := house.OpenCaucus(ctx, 3)
			return resting{e}, err
		}, theirs: func(ctx context.Context, house servers.House) (side, error) {
			e, err := house.OpenEtcd(ctx, 3)
			return resting{e}, err
		}}
}

// resting is an ensemble that has nothing to do.
type resting struct{ *servers.Ensemble }

// run implements side.
func (r resting) run(ctx context.Context, long time.Duration, m meter) (outcome.Sample, error) {
	return m.take(func() (outcome.Sample, error) {
		err := pause(ctx, long)
		held := float64(procs.Resident(r.IDs()...)) / float64(len(r.Addrs))
		return outcome.Sample{Value: held / (1 << 20)}, err
	})
}

// perKey is the memory that each key takes on each node.
func perKey() Work {
	return Work{Row: outcome.Row{Work: "memory of a node for each key (16 and 64 bytes)", Against: "etcd",
		Unit: outcome.Bytes, Wanted: atMostHalf}, ours: growing{step: 100_000, add: keysOfCaucus}.caucus,
		theirs: growing{step: 100_000, add: keysOfEtcd}.etcd}
}

// perMember is the memory that each member takes on each node that does nothing but be there.
func perMember() Work {
	return Work{Row: outcome.Row{Work: "memory of a node for each idle member of a group",
		Against: "etcd, a lease and a key", Unit: outcome.Bytes, Wanted: atMostHalf},
		ours:   growing{step: 20_000, add: membersOfCaucus}.caucus,
		theirs: growing{step: 20_000, add: leasesOfEtcd}.etcd}
}

// growing is an ensemble that gets more of something in every run.
type growing struct {
	*servers.Ensemble
	step    int
	add     func(ctx context.Context, g *growing, from int) error // adds so many
	lines   []*loop.Line
	clients []*clientv3.Client
	there   int
	empty   int64 // bytes that the nodes held without any
}

// run implements side. What all have taken so far is shared among them, since memory grows in leaps.
func (g *growing) run(ctx context.Context, long time.Duration, m meter) (outcome.Sample, error) {
	return m.take(func() (outcome.Sample, error) {
		if err := g.add(ctx, g, g.there); err != nil {
			return outcome.Sample{}, err
		}
		g.there += g.step
		err := pause(ctx, long)
		held := float64(procs.Resident(g.IDs()...)-g.empty) / float64(len(g.Addrs))
		return outcome.Sample{Value: held / float64(g.there), Operations: uint64(g.step)}, err
	})
}

// adders is how many connections add.
const adders = 20

func (g growing) caucus(ctx context.Context, house servers.House) (side, error) {
	e, err := house.OpenCaucus(ctx, 3)
	if err != nil {
		return nil, err
	}
	g.Ensemble, g.step, g.empty = e, house.Few(g.step), procs.Resident(e.IDs()...)
	if g.lines, err = lines(e, adders); err != nil {
		return nil, errors.Join(err, e.Stop())
	}
	return &g, nil
}

func (g growing) etcd(ctx context.Context, house servers.House) (side, error) {
	e, err := house.OpenEtcd(ctx, 3)
	if err != nil {
		return nil, err
	}
	g.Ensemble, g.step, g.empty = e, house.Few(g.step), procs.Resident(e.IDs()...)
	if g.clients, err = e.EtcdClients(adders); err != nil {
		return nil, errors.Join(err, e.Stop())
	}
	return withEtcd(&g, g.clients), nil
}

// parts has each connection add its part, few at a time.
func (g *growing) parts(from, few int, add func(i, from int) error) error {
	part := g.step / adders
	return atOnce(adders, func(i int) error {
		for n := range part / few {
			if err := add(i, from+i*part+n*few); err != nil {
				return err
			}
		}
		return nil
	})
}

func keysOfCaucus(_ context.Context, g *growing, from int) error {
	return g.parts(from, loop.FillAtOnce, func(i, from int) error {
		_, err := g.lines[i].Do(loop.MSet(from))
		return err
	})
}

func keysOfEtcd(ctx context.Context, g *growing, from int) error {
	return g.parts(from, loop.FillAtOnce, func(i, from int) error {
		return loop.PutMany(ctx, g.clients[i], from)
	})
}

func membersOfCaucus(_ context.Context, g *growing, _ int) error {
	return atOnce(adders, func(i int) error {
		_, err := enterMany(g.lines[i], "idle", g.step/adders)
		return err
	})
}

func leasesOfEtcd(ctx context.Context, g *growing, from int) error {
	return g.parts(from, 1, func(i, from int) error {
		_, err := put(ctx, g.clients[i], fmt.Sprint("idle/", from))
		return err
	})
}
