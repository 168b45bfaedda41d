package work

import (
	"fmt"

	"github.com/caucus-project/caucus/bench/outcome"
)

// batch is how many commands a pipeline has, and how many puts a transaction of etcd.
const batch = 50

// againstEtcd are the rows of the store on three nodes.
func againstEtcd() (list []Work) {
	for _, conns := range []int{64, 256, 1000} {
		list = append(list, etcdRow(fmt.Sprintf("SET, %d connections", conns), 6, load{conns, 1, false}))
	}
	for _, conns := range []int{64, 256, 1000} {
		list = append(list, etcdRow(fmt.Sprintf("GET, %d connections", conns), 5, load{conns, 1, true}))
	}
	return append(list, etcdRow("SET, pipelines of 50, 64 connections", 8, load{64, batch, false}))
}

func etcdRow(name string, least float64, l load) Work {
	against := "etcd put"
	switch {
	case l.read:
		against = "etcd get"
	case l.depth > 1:
		against = "etcd transactions of 50 puts"
	}
	return Work{Row: outcome.Row{Work: name, Against: against, Unit: outcome.PerSecond,
		Wanted: outcome.Wanted{Least: least}}, ours: l.caucus(3), theirs: l.etcd}
}

// againstRedis are the rows of the store on one node.
func againstRedis() (list []Work) {
	for _, l := range []load{{64, 1, false}, {64, 1, true}, {64, batch, false}, {64, batch, true}} {
		name := "one node, SET"
		if l.read {
			name = "one node, GET"
		}
		if l.depth > 1 {
			name += ", pipelines of 50"
		}
		list = append(list, Work{Row: outcome.Row{Work: fmt.Sprintf("%s, %d connections", name, l.conns),
			Against: "Redis, appendfsync always", Unit: outcome.PerSecond, Wanted: outcome.Wanted{Least: 1}},
			ours: l.caucus(1), theirs: l.redis})
	}
	return list
}

// All are the rows in the order of the table.
func All() []Work {
	list := append(append(againstEtcd(), againstZooKeeper()...), againstRedis()...)
	return append(list, single(), failover(), failoverOfZooKeeper(), silence(), succession(),
		joins(), heartbeats(), watchers(), idle(), perMember(),
		perKey(), recovery(), snapshots())
}
