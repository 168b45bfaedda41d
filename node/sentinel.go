package node

import (
	"context"
	"fmt"
	"strconv"

	"github.com/caucus-project/caucus"
)

// The forms of SENTINEL are those of Redis 7.0. Every node answers as a Sentinel of the one master.

// sentinelAnswers says who answers what of SENTINEL.
func (n *Node) sentinelAnswers() map[string]local {
	none := func() caucus.Reply { return caucus.Fail(caucus.ErrBad, "No such master with that name") }
	return map[string]local{
		"sentinel|masters": func(context.Context, caucus.Command) caucus.Reply {
			return caucus.Array(n.sentinelMaster())
		},
		"sentinel|master":                  aboutMaster(n.sentinelMaster, none),
		"sentinel|replicas":                aboutMaster(n.sentinelReplicas, none),
		"sentinel|slaves":                  aboutMaster(n.sentinelReplicas, none),
		"sentinel|sentinels":               aboutMaster(n.sentinelOthers, none),
		"sentinel|ckquorum":                aboutMaster(n.sentinelQuorum, none),
		"sentinel|get-master-addr-by-name": aboutMaster(n.sentinelAddress, caucus.NilArray),
		"sentinel|myid": func(context.Context, caucus.Command) caucus.Reply {
			return caucus.Bulk(n.redisID(n.me.ID))
		},
	}
}

func (n *Node) sentinelAddress() caucus.Reply {
	leader := n.discover()[0]
	return caucus.Bulks(leader.host, leader.port)
}

// instance describes a node in what all forms have in common. A node that cannot be reached is down in
// everybody's eyes: there is no majority to be asked for that.
func (f *found) instance(name, flags string) []any {
	if !f.up {
		flags += ",s_down,o_down,disconnected"
	}
	return []any{"name", name, "ip", f.host, "port", f.port, "runid", f.name, "flags", flags,
		"link-pending-commands", "0", "link-refcount", "1", "last-ping-sent", "0", "last-ok-ping-reply", "0",
		"last-ping-reply", "0", "down-after-milliseconds", "1000"}
}

func (n *Node) sentinelMaster() caucus.Reply {
	list := n.discover()
	others := strconv.Itoa(len(list) - 1)
	return row(append(list[0].instance(masterName, "master"), "info-refresh", "0", "role-reported", "master",
		"role-reported-time", "0", "config-epoch", strconv.FormatUint(n.greeting.Load().Term, 10),
		"num-slaves", others, "num-other-sentinels", others, "quorum", strconv.Itoa(len(list)/2+1),
		"failover-timeout", "1000", "parallel-syncs", others)...)
}

func (n *Node) sentinelReplicas() caucus.Reply {
	list := n.discover()
	replicas := []caucus.Reply{}
	for _, f := range list[1:] {
		status := "ok"
		if !f.up {
			status = "err"
		}
		replicas = append(replicas, row(append(f.instance(f.host+":"+f.port, "slave"), "info-refresh", "0",
			"role-reported", "slave", "role-reported-time", "0", "master-link-down-time", "0",
			"master-link-status", status, "master-host", list[0].host, "master-port", list[0].port,
			"slave-priority", "100", "slave-repl-offset", strconv.FormatInt(f.offset, 10),
			"replica-announced", "1")...))
	}
	return caucus.Array(replicas...)
}

func (n *Node) sentinelOthers() caucus.Reply {
	others := []caucus.Reply{}
	for _, f := range n.discover() {
		if !f.here {
			others = append(others, row(append(f.instance(f.name, "sentinel"), "last-hello-message", "0",
				"voted-leader", "?", "voted-leader-epoch", "0")...))
		}
	}
	return caucus.Array(others...)
}

func (n *Node) sentinelQuorum() caucus.Reply {
	usable, list := 0, n.discover()
	for _, f := range list {
		if f.up {
			usable++
		}
	}
	if !n.reachesMajority() {
		return caucus.Fail(caucus.ErrTryAgain, "%d nodes of %d can be reached, which is no majority", usable,
			len(list))
	}
	return caucus.Status(fmt.Sprintf("OK %d usable Sentinels. Quorum and failover authorization can be reached",
		usable))
}
