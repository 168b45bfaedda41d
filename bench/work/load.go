package work

import (
	"context"
	"errors"
	"time"

	"github.com/caucus-project/caucus/bench/loop"
	"github.com/caucus-project/caucus/bench/outcome"
	"github.com/caucus-project/caucus/bench/servers"
)

// load is a closed loop: so many connections, each with a flight of so many operations on its way.
type load struct {
	conns, depth int
	read         bool
}

// generator makes a load over connections of its own.
type generator interface {
	Run(ctx context.Context, long time.Duration) (loop.Report, error)
	Close()
}

// loaded is an ensemble under such a load. The connections are made for each run, so that they are not
// there while the other side works.
type loaded struct {
	*servers.Ensemble
	connect func(ctx context.Context) (generator, error)
	value   func(loop.Report) float64
}

// warmth is the part of a run's time that is spent before it, so that nothing is cold.
const warmth = 4

// run implements side.
func (l loaded) run(ctx context.Context, long time.Duration, m meter) (outcome.Sample, error) {
	g, err := l.connect(ctx)
	if err != nil {
		return outcome.Sample{}, err
	}
	defer g.Close()
	if _, err := g.Run(ctx, long/warmth); err != nil {
		return outcome.Sample{}, err
	}
	return m.take(func() (outcome.Sample, error) {
		r, err := g.Run(ctx, long)
		return outcome.Sample{Value: l.value(r), Operations: r.Operations, Half: millis(r.Latency(50)),
			Most: millis(r.Latency(99)), Fewest: r.Least, Busiest: r.Most}, err
	})
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// half is the value of rows that are about a latency.
func half(r loop.Report) float64 { return millis(r.Latency(50)) }

// caucus opens n nodes for a load, over connections that are spread over them.
func (l load) caucus(n int) open {
	return func(ctx context.Context, house servers.House) (side, error) {
		e, err := house.OpenCaucus(ctx, n)
		if err != nil {
			return nil, err
		}
		return l.overRESP(e)
	}
}

// redis opens a server for a load.
func (l load) redis(ctx context.Context, house servers.House) (side, error) {
	e, err := house.OpenRedis(ctx)
	if err != nil {
		return nil, err
	}
	return l.overRESP(e)
}

func (l load) overRESP(e *servers.Ensemble) (side, error) {
	if err := loop.FillRESP(e.Addrs[0]); err != nil {
		return nil, errors.Join(err, e.Stop())
	}
	connect := func(context.Context) (generator, error) { return loop.RESP(e.Addrs, l.conns, l.depth, l.read) }
	return loaded{e, connect, loop.Report.PerSecond}, nil
}

// perClient is how many callers share a client connection of etcd, as in the runs that its own
// documentation shows, and of ZooKeeper.
const perClient = 10

// clients says how many client connections the callers share, at least one to each node.
func (l load) clients(e *servers.Ensemble) int {
	return max(min(l.conns, len(e.Addrs)), l.conns/perClient)
}

// overClients are callers that share client connections.
type overClients struct {
	loop.Callers
	close func()
}

// Close implements generator.
func (o overClients) Close() { o.close() }

// etcd opens three members for a load.
func (l load) etcd(ctx context.Context, house servers.House) (side, error) {
	e, err := house.OpenEtcd(ctx, 3)
	if err != nil {
		return nil, err
	}
	connect := func(context.Context) (generator, error) {
		clients, err := e.EtcdClients(l.clients(e))
		return overClients{loop.Etcd(clients, l.conns, l.depth, l.read), func() { closeEtcd(clients) }}, err
	}
	if err := fillEtcd(ctx, e); err != nil {
		return nil, errors.Join(err, e.Stop())
	}
	return loaded{e, connect, loop.Report.PerSecond}, nil
}

func fillEtcd(ctx context.Context, e *servers.Ensemble) error {
	clients, err := e.EtcdClients(1)
	if err != nil {
		return err
	}
	return errors.Join(loop.FillEtcd(ctx, clients[0]), servers.CloseEtcdClients(clients))
}
