package work

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/bench/loop"
	"github.com/caucus-project/caucus/bench/outcome"
	"github.com/caucus-project/caucus/bench/servers"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	members  = 100_000
	leases   = 20_000 // etcd's: it does not bear twice as many
	carriers = 100    // connections, each of which speaks for as many members, or leases, as the others
	rhythm   = 3 * time.Second
)

// heartbeats is what it costs the nodes that many members are alive.
func heartbeats() Work {
	return Work{Row: outcome.Row{Work: "100,000 members with a heartbeat every 3 s, over 100 connections",
		Against: "etcd with 20,000 leases", Unit: outcome.CPUShare, Wanted: outcome.Wanted{Most: 0.5}},
		ours: beatCaucus, theirs: beatEtcd}
}

// beating is an ensemble whose members, each in a group or with a key, send heartbeats during runs. In
// between they are silent, which none of them lives to regret, so that they are no load while the other
// side works.
type beating struct {
	*servers.Ensemble
	hearts loop.Callers
	rhythm time.Duration // of each
}

// run implements side. It looks at whole rounds of heartbeats, after one that is not looked at.
func (b beating) run(ctx context.Context, long time.Duration, m meter) (outcome.Sample, error) {
	callers := make(loop.Callers, len(b.hearts))
	begin := time.Now()
	for i, heart := range b.hearts { // their rounds are spread over the time of one
		callers[i] = &paced{heart, b.rhythm, begin.Add(b.rhythm * time.Duration(i) / carriers)}
	}
	if _, err := callers.Run(ctx, b.rhythm); err != nil {
		return outcome.Sample{}, err
	}
	var lasted time.Duration
	s, err := m.take(func() (outcome.Sample, error) {
		r, err := callers.Run(ctx, long.Truncate(b.rhythm)+b.rhythm)
		lasted = r.Elapsed
		return outcome.Sample{Operations: r.Operations}, err
	})
	s.Value = s.CPU / lasted.Seconds()
	return s, err
}

// Stop implements side.
func (b beating) Stop() error {
	b.hearts.Close()
	return b.Ensemble.Stop()
}

// paced is a caller that begins a flight every rhythm.
type paced struct {
	loop.Caller
	rhythm time.Duration
	next   time.Time
}

// Fly implements loop.Caller.
func (p *paced) Fly(ctx context.Context) (int, error) {
	if err := pause(ctx, time.Until(p.next)); err != nil {
		return 0, err
	}
	p.next = p.next.Add(p.rhythm)
	return p.Caller.Fly(ctx)
}

func beatCaucus(ctx context.Context, house servers.House) (side, error) {
	e, err := house.OpenCaucus(ctx, 3)
	if err != nil {
		return nil, err
	}
	b := beating{e, make(loop.Callers, carriers), rhythm / time.Duration(house.Shrink)}
	list, err := lines(e, carriers)
	if err == nil {
		err = atOnce(carriers, func(i int) error {
			ids, err := enterMany(list[i], fmt.Sprint("beats-", i), house.Few(members)/carriers)
			b.hearts[i] = keeper{list[i], append(caucus.Command{"SESSION", "KEEPALIVE"}, ids...)}
			return err
		})
	}
	if err != nil {
		closeLines(list)
		return nil, errors.Join(err, e.Stop())
	}
	return b, nil
}

// keeper sends a heartbeat for many sessions of caucus at once.
type keeper struct {
	*loop.Line
	beat caucus.Command
}

// Fly implements loop.Caller. Like any client it tries again when it is told that nothing was done.
func (k keeper) Fly(ctx context.Context) (int, error) {
	reply, err := k.Do(k.beat)
	for ; errors.Is(err, caucus.ErrTryAgain); reply, err = k.Do(k.beat) {
		if err := pause(ctx, rhythm/30); err != nil {
			return 0, err
		}
	}
	gone := func(left caucus.Reply) bool { return left.Int < 0 }
	if err == nil && (len(reply.Items) != len(k.beat)-2 || slices.ContainsFunc(reply.Items, gone)) {
		err = fmt.Errorf("of %d sessions of caucus one has ended", len(k.beat)-2)
	}
	return len(k.beat) - 2, err
}

func beatEtcd(ctx context.Context, house servers.House) (side, error) {
	e, err := house.OpenEtcd(ctx, 3)
	if err != nil {
		return nil, err
	}
	clients, err := e.EtcdClients(carriers)
	if err != nil {
		return nil, errors.Join(err, e.Stop())
	}
	b := beating{e, make(loop.Callers, carriers), rhythm / time.Duration(house.Shrink)}
	err = atOnce(carriers, func(i int) (err error) {
		b.hearts[i], err = leaseMany(ctx, clients[i], fmt.Sprint("beats-", i), house.Few(leases)/carriers)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, servers.CloseEtcdClients(clients), e.Stop())
	}
	return withEtcd(b, clients), nil
}

// leaser sends heartbeats for many leases of etcd over one stream, as its client does.
type leaser struct {
	stream etcdserverpb.Lease_LeaseKeepAliveClient
	ids    []clientv3.LeaseID
}

func leaseMany(ctx context.Context, c *clientv3.Client, prefix string, n int) (loop.Caller, error) {
	l := leaser{}
	for i := range n {
		id, err := put(ctx, c, fmt.Sprintf("%s/%d", prefix, i))
		if err != nil {
			return nil, err
		}
		l.ids = append(l.ids, id)
	}
	var err error
	l.stream, err = etcdserverpb.NewLeaseClient(c.ActiveConnection()).LeaseKeepAlive(ctx)
	return l, err
}

// Fly implements loop.Caller.
func (l leaser) Fly(context.Context) (int, error) {
	sent := make(chan error, 1)
	go func() {
		for _, id := range l.ids {
			if err := l.stream.Send(&etcdserverpb.LeaseKeepAliveRequest{ID: int64(id)}); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	for range l.ids {
		answer, err := l.stream.Recv()
		if err == nil && answer.TTL <= 0 {
			err = errors.New("a lease of etcd has ended")
		}
		if err != nil {
			return 0, err
		}
	}
	return len(l.ids), <-sent
}

// Close implements loop.Caller.
func (l leaser) Close() error { return l.stream.CloseSend() }
