package work

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/caucus-project/caucus/bench/loop"
	"github.com/caucus-project/caucus/bench/outcome"
	"github.com/caucus-project/caucus/bench/servers"
	"github.com/go-zookeeper/zk"
)

// againstZooKeeper are the rows of the store on three nodes. Its reads are not among them: they are not
// linearizable.
func againstZooKeeper() (list []Work) {
	row := func(name, against string, least float64, l load) {
		list = append(list, Work{Row: outcome.Row{Work: name, Against: against, Unit: outcome.PerSecond,
			Wanted: outcome.Wanted{Least: least}}, ours: l.caucus(3), theirs: l.zooKeeper})
	}
	for _, conns := range []int{64, 256, 1000} {
		row(fmt.Sprintf("SET, %d connections", conns), "ZooKeeper setData", 3, load{conns, 1, false})
	}
	row("SET, pipelines of 50, 64 connections", "ZooKeeper multi of 50 setData", 2.5, load{64, batch, false})
	return list
}

// zooKeeper opens three servers for a load, whose callers share connections as those of etcd do.
func (l load) zooKeeper(ctx context.Context, house servers.House) (side, error) {
	e, err := house.OpenZooKeeper(ctx, 3)
	if err != nil {
		return nil, err
	}
	connect := func(context.Context) (generator, error) {
		clients, err := e.ZooKeeperClients(l.clients(e))
		if err != nil {
			return nil, err
		}
		return overClients{loop.ZooKeeper(clients, l.conns, l.depth),
			func() { servers.CloseZooKeeperClients(clients) }}, nil
	}
	clients, err := e.ZooKeeperClients(1)
	if err == nil {
		err = loop.FillZooKeeper(clients[0])
		servers.CloseZooKeeperClients(clients)
	}
	if err != nil {
		return nil, errors.Join(err, e.Stop())
	}
	return loaded{e, connect, loop.Report.PerSecond}, nil
}

// failoverOfZooKeeper is failover against the peer that is best at it.
func failoverOfZooKeeper() Work {
	return Work{Row: outcome.Row{Work: "kill -9 of the leading node to the next acknowledged write",
		Against: "ZooKeeper", Unit: outcome.Millis, Wanted: outcome.Wanted{Most: 1.0 / 10, Worst: 300},
		Bears: 8}, ours: crashingCaucus(syscall.SIGKILL), theirs: crashingZooKeeper}
}

func crashingZooKeeper(ctx context.Context, house servers.House) (side, error) {
	e, err := house.OpenZooKeeper(ctx, 3)
	if err != nil {
		return nil, err
	}
	clients, err := e.ZooKeeperClients(3)
	if err != nil {
		return nil, errors.Join(err, e.Stop())
	}
	const path = "/failover"
	if _, err := clients[0].Create(path, nil, 0, zk.WorldACL(zk.PermAll)); err != nil {
		servers.CloseZooKeeperClients(clients)
		return nil, errors.Join(err, e.Stop())
	}
	return withClients{crashing{e, syscall.SIGKILL, func(_ context.Context, through int) error {
		_, err := clients[through].Set(path, []byte("x"), -1)
		return err
	}}, func() { servers.CloseZooKeeperClients(clients) }}, nil
}
