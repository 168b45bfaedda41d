package node

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/machine"
)

// What clients of Redis Cluster and of Redis Sentinel find: whoever leads is the master of all slots and the
// others are its replicas. Any of them takes any command, so nobody is ever sent elsewhere (SAFETY B22).

// found is a node as such clients see it.
type found struct {
	machine.Node
	name       string // as Redis Cluster names nodes: 40 hex digits
	host, port string // of the door for clients; host is "" for the one at which the client came
	busPort    string
	offset     int64 // up to where it has the log, as far as this node knows
	leads      bool
	here       bool // it is this node
	up         bool // it is this node, or this node has a connection to it
}

// discover gives all nodes, at least one, the leader first. While none is known this node stands in for it,
// since it can be asked as well as any other.
func (n *Node) discover() []found {
	s, nodes := n.greeting.Load(), *n.nodes.Load()
	leads := func(id uint64) bool { return id == s.Leader }
	if !slices.ContainsFunc(nodes, func(p machine.Node) bool { return leads(p.ID) }) {
		leads = func(id uint64) bool { return id == n.me.ID }
	}
	if !slices.ContainsFunc(nodes, func(p machine.Node) bool { return leads(p.ID) }) {
		nodes = append(slices.Clone(nodes), n.me) // it was removed, and is about to stop
	}
	list := make([]found, len(nodes))
	for i, p := range nodes {
		list[i] = n.meetAs(p, leads(p.ID), s)
	}
	slices.SortStableFunc(list, func(a, b found) int {
		switch {
		case a.leads == b.leads:
			return 0
		case a.leads:
			return -1
		}
		return 1
	})
	return list
}

// meetAs describes a node.
func (n *Node) meetAs(p machine.Node, leads bool, s *status) found {
	p = n.present(p)
	f := found{Node: p, name: n.redisID(p.ID), leads: leads, here: p.ID == n.me.ID,
		offset: int64(s.Peers[p.ID].Match)}
	f.host, f.port = hostPort(p.Client)
	if at, err := netip.ParseAddr(f.host); err == nil && at.IsUnspecified() {
		f.host = ""
	}
	_, f.busPort = hostPort(p.Peer)
	if f.here {
		f.offset = int64(s.Applied)
	}
	f.up = f.here || n.reaches(p.ID)
	return f
}

// redisID names a node as Redis Cluster does, by 40 hex digits: its number, then the ensemble's id.
func (n *Node) redisID(id uint64) string { return fmt.Sprintf("%08x%s", uint32(id), n.cluster()) }

// tellMaster tells those who listen for it, as clients of Redis Sentinel do, that another node leads than
// before.
func (n *Node) tellMaster(leader uint64) {
	was := n.master
	if leader == 0 || leader == was {
		return
	}
	if n.master = leader; was == 0 {
		return
	}
	place := func(id uint64) string {
		p, _ := n.find(func(p machine.Node) bool { return p.ID == id })
		host, port := hostPort(n.present(p).Client)
		return host + " " + port
	}
	n.hub.Publish("+switch-master", masterName+" "+place(was)+" "+place(leader))
}

// aboutMaster makes an answer that is given only for the one master that there is.
func aboutMaster(answer, unknown func() caucus.Reply) local {
	return func(_ context.Context, cmd caucus.Command) caucus.Reply {
		if cmd[2] != masterName {
			return unknown()
		}
		return answer()
	}
}

// masterName is what clients of Redis Sentinel call the ensemble.
const masterName = "caucus"
