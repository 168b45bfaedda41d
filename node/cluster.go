package node

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
)

// The forms of CLUSTER are those of Redis 7.0, so that its clients read them.

const (
	hashSlots = 16384
	lastSlot  = hashSlots - 1
)

// clusterAnswers says who answers what of CLUSTER.
func (n *Node) clusterAnswers() map[string]local {
	return map[string]local{
		"cluster|slots":    n.clusterSlots,
		"cluster|shards":   n.clusterShards,
		"cluster|nodes":    n.clusterNodes,
		"cluster|replicas": n.clusterReplicas,
		"cluster|slaves":   n.clusterReplicas,
		"cluster|info":     n.clusterInfo,
		"cluster|links":    n.clusterLinks,
		"cluster|keyslot":  clusterKeySlot,
		"cluster|myid": func(context.Context, caucus.Command) caucus.Reply {
			return caucus.Bulk(n.redisID(n.me.ID))
		},
	}
}

// clusterSlots leaves out whom this node does not reach, as Redis leaves out those that failed.
func (n *Node) clusterSlots(context.Context, caucus.Command) caucus.Reply {
	row := []caucus.Reply{caucus.Int(0), caucus.Int(lastSlot)}
	for _, f := range n.discover() {
		if f.up || f.leads {
			port, _ := strconv.ParseInt(f.port, 10, 64)
			row = append(row, caucus.Array(caucus.Bulk(f.host), caucus.Int(port), caucus.Bulk(f.name),
				caucus.Array()))
		}
	}
	return caucus.Array(caucus.Array(row...))
}

func (n *Node) clusterShards(context.Context, caucus.Command) caucus.Reply {
	var nodes []caucus.Reply
	for _, f := range n.discover() {
		port, _ := strconv.ParseInt(f.port, 10, 64)
		role, health := "replica", "online"
		if f.leads {
			role = "master"
		}
		if !f.up {
			health = "failed"
		}
		nodes = append(nodes, row("id", f.name, "port", port, "ip", f.host, "endpoint", f.host, "role", role,
			"replication-offset", f.offset, "health", health))
	}
	return caucus.Array(caucus.Map(
		caucus.Bulk("slots"), caucus.Array(caucus.Int(0), caucus.Int(lastSlot)),
		caucus.Bulk("nodes"), caucus.Array(nodes...)))
}

func (n *Node) clusterNodes(context.Context, caucus.Command) caucus.Reply {
	var b strings.Builder
	list := n.discover()
	for _, f := range list {
		b.WriteString(n.clusterLine(f, list[0]) + "\n")
	}
	return caucus.Reply{Kind: caucus.KindVerbatim, Str: b.String()}
}

// clusterLine describes a node as a line of CLUSTER NODES.
func (n *Node) clusterLine(f, leader found) string {
	flags, of, slots := "slave", leader.name, ""
	if f.leads {
		flags, of, slots = "master", "-", fmt.Sprintf(" 0-%d", lastSlot)
	}
	if f.here {
		flags = "myself," + flags
	}
	link := "connected"
	if !f.up {
		flags, link = flags+",fail", "disconnected"
	}
	return fmt.Sprintf("%s %s:%s@%s %s %s 0 %d %d %s%s", f.name, f.host, f.port, f.busPort, flags, of,
		n.cfg.clock().Wall/1000, n.greeting.Load().Term, link, slots)
}

func (n *Node) clusterReplicas(_ context.Context, cmd caucus.Command) caucus.Reply {
	list := n.discover()
	var lines []string
	known := false
	for _, f := range list {
		known = known || strings.EqualFold(f.name, cmd[2])
		if !f.leads {
			lines = append(lines, n.clusterLine(f, list[0]))
		}
	}
	switch {
	case !known:
		return caucus.Fail(caucus.ErrBad, "Unknown node %.64s", cmd[2])
	case !strings.EqualFold(list[0].name, cmd[2]):
		return caucus.Fail(caucus.ErrBad, "The specified node is not a master")
	}
	return caucus.Bulks(lines...)
}

func (n *Node) clusterInfo(context.Context, caucus.Command) caucus.Reply {
	b := &lines{}
	state := "ok"
	if !n.ready().Ready {
		state = "fail"
	}
	stats, term := n.peers.Stats(), n.greeting.Load().Term
	b.add("cluster_state", state)
	b.add("cluster_slots_assigned", hashSlots)
	b.add("cluster_slots_ok", hashSlots)
	b.add("cluster_slots_pfail", 0)
	b.add("cluster_slots_fail", 0)
	b.add("cluster_known_nodes", len(*n.nodes.Load()))
	b.add("cluster_size", 1)
	b.add("cluster_current_epoch", term)
	b.add("cluster_my_epoch", term)
	b.add("cluster_stats_messages_sent", stats.FramesSent)
	b.add("cluster_stats_messages_received", stats.FramesReceived)
	b.add("total_cluster_links_buffer_limit_exceeded", stats.Dropped)
	return caucus.Reply{Kind: caucus.KindVerbatim, Str: b.String()}
}

// clusterLinks describes the connections to and from the peers that stand.
func (n *Node) clusterLinks(context.Context, caucus.Command) caucus.Reply {
	links := []caucus.Reply{}
	link := func(direction string, id uint64, waiting int) {
		links = append(links, row("direction", direction, "node", n.redisID(id), "create-time", int64(0),
			"events", "rw", "send-buffer-allocated", int64(waiting), "send-buffer-used", int64(waiting)))
	}
	for _, p := range n.peers.Stats().Peers {
		if p.To {
			link("to", p.ID, p.QueueBytes)
		}
		if p.From {
			link("from", p.ID, 0)
		}
	}
	return caucus.Array(links...)
}

func clusterKeySlot(_ context.Context, cmd caucus.Command) caucus.Reply {
	return caucus.Int(int64(hashSlot(cmd[2])))
}

// hashSlot gives the slot of a key as Redis Cluster counts: CRC-16 (XMODEM) of the key, or of what stands
// between its first braces if anything does.
func hashSlot(key string) uint16 {
	if _, after, ok := strings.Cut(key, "{"); ok {
		if tag, _, ok := strings.Cut(after, "}"); ok && tag != "" {
			key = tag
		}
	}
	const polynomial = 0x1021
	var crc uint16
	for i := range len(key) {
		crc ^= uint16(key[i]) << 8
		for range 8 {
			high := crc&0x8000 != 0
			if crc <<= 1; high {
				crc ^= polynomial
			}
		}
	}
	return crc % hashSlots
}
