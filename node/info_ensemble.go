package node

import (
	"fmt"
	"strings"

	"github.com/caucus-project/caucus/internal/machine"
)

// What INFO says of the ensemble and of what it holds.

// infoReplication says in Redis' words who leads: the leader is the master, all others are its replicas.
func (n *Node) infoReplication(r *report, l *lines) {
	nodes := *n.nodes.Load()
	others := 0
	if r.leads {
		l.add("role", "master")
		others = len(nodes) - 1
	} else {
		leader, found := n.find(func(p machine.Node) bool { return p.ID == r.Leader })
		host, port := hostPort(leader.Client)
		l.add("role", "slave")
		l.add("master_host", host)
		l.add("master_port", port)
		l.add("master_link_status", map[bool]string{true: "up", false: "down"}[found])
		l.add("slave_repl_offset", r.Applied)
		l.add("slave_read_only", 0) // any node takes any command
	}
	l.add("connected_slaves", max(0, others))
	if r.leads {
		n.replicaLines(r, nodes, l)
	}
	l.add("master_replid", n.cluster())
	l.add("master_repl_offset", r.Applied)
}

func (n *Node) replicaLines(r *report, nodes []machine.Node, l *lines) {
	i := 0
	for _, p := range nodes {
		if p.ID == n.me.ID {
			continue
		}
		host, port := hostPort(p.Client)
		seen, state := r.Peers[p.ID], "online"
		if !n.reaches(p.ID) {
			state = "wait_bgsave" // Redis' word for a replica that cannot be sent to yet
		}
		l.add(fmt.Sprintf("slave%d", i), fmt.Sprintf("ip=%s,port=%s,state=%s,offset=%d,lag=%d",
			host, port, state, seen.Match, max(0, n.cfg.clock().Mono-seen.Heard)/1_000_000))
		i++
	}
}

// peersDown gives the names of the other nodes to which no connection stands.
func (n *Node) peersDown() (names []string) {
	for _, p := range *n.nodes.Load() {
		if p.ID != n.me.ID && !n.reaches(p.ID) {
			names = append(names, p.Name)
		}
	}
	return names
}

func (n *Node) infoCluster(_ *report, l *lines) { l.add("cluster_enabled", 1) }

func (n *Node) infoEnsemble(r *report, l *lines) {
	l.add("cluster_id", n.cluster())
	l.add("node", n.me.Name)
	l.add("leader", n.nameOf(r.Leader))
	l.add("term", r.Term)
	l.add("commit", r.Commit)
	l.add("applied", r.Applied)
	l.add("voters", len(r.Voters))
	l.add("learners", len(r.Learners))
	l.add("losses_borne", max(0, len(r.Voters)-1)/2) // voters that may be lost (SAFETY B4)
	l.add("expected_nodes", r.held.expected)
	l.add("peers_down", strings.Join(n.peersDown(), ","))
	l.add("feature_level", r.held.level)                // of the ensemble (SAFETY B20)
	l.add("feature_level_supported", machine.Supported) // by this node's version
	l.add("sessions", r.held.sessions)
	l.add("sessions_here", r.held.here)
	l.add("last_checkpoint", r.Last)
	l.add("syncs", n.store.Stats().Syncs)
	l.add("sync_p99_usec", n.meter.SlowSync().Microseconds())
	l.add("clock_ahead_ms", r.Clock/1000)    // this node's wall clock, of the ensemble's (SAFETY A14)
	l.add("clocks_off", len(r.Off))          // voters' wall clocks that do not count, as the leader sees it
	l.add("clock_rate_off", flag(r.RateOff)) // this node's clock and the leader's (SAFETY A2)
	l.add("disk_free", r.Free)
	l.add("disk_low", flag(r.Low))
	l.add("disk_hung", flag(r.Hung))
	l.add("digests_compared_at", r.Digested)
}

func (n *Node) infoKeyspace(r *report, l *lines) {
	l.add("db0", fmt.Sprintf("keys=%d,expires=%d,avg_ttl=0", r.held.keys, r.held.expiring))
}
