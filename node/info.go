package node

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/replica"
	"go.etcd.io/raft/v3"
)

// hostPort splits an address; empty strings when it is none.
func hostPort(addr string) (host, port string) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", ""
	}
	return host, port
}

// ensembleInfo is INFO json: pyraft's object with ours behind. The order of its fields is the wire's.
type ensembleInfo struct {
	NID        string              `json:"nid"`
	State      string              `json:"state"`
	Term       uint64              `json:"term"`
	Index      uint64              `json:"index"`
	Peers      map[string]peerInfo `json:"peers"`
	Checkpoint uint64              `json:"last_checkpoint"`
	Addr       string              `json:"addr"`
	Applied    uint64              `json:"applied"`
	Learner    bool                `json:"learner"`
	Cluster    string              `json:"cluster_id"`
}

type peerInfo struct {
	State string `json:"state"`
	Addr  string `json:"addr"`
	Term  uint64 `json:"term"`
	Index uint64 `json:"index"`
}

// info answers INFO. The sections are Redis'; INFO json is the ensemble's.
func (n *Node) info(_ context.Context, cmd caucus.Command) caucus.Reply {
	if len(cmd) == 2 && strings.EqualFold(cmd[1], "json") {
		return n.infoJSON()
	}
	var text strings.Builder
	for _, section := range n.sections() {
		if wanted(section[0], cmd[1:]) {
			fmt.Fprintf(&text, "# %s\r\n%s\r\n", section[0], section[1])
		}
	}
	return caucus.Reply{Kind: caucus.KindVerbatim, Str: text.String()}
}

func wanted(section string, asked []string) bool {
	for _, a := range asked {
		if strings.EqualFold(a, section) || strings.EqualFold(a, "all") ||
			strings.EqualFold(a, "default") || strings.EqualFold(a, "everything") {
			return true
		}
	}
	return len(asked) == 0
}

// sections gives the titles and texts of INFO.
func (n *Node) sections() [][2]string {
	s := n.greeting.Load()
	role := "slave"
	if s.leads {
		role = "master"
	}
	doors := n.doors.stats()
	line := func(name string, value any) string { return fmt.Sprintf("%s:%v\r\n", name, value) }
	_, port := hostPort(n.me.Client)
	var keys, expires int
	var memory int64
	n.owner.inspect(func(r *replica.Replica) {
		keys, expires = r.State().KeyCount()
		memory = r.State().Memory()
	})
	return [][2]string{
		{"Server", line("redis_version", "7.0.15") + line("redis_mode", "standalone") +
			line("caucus_version", Version) + line("process_id", os.Getpid()) +
			line("run_id", formatID(n.me.Boot)) + line("tcp_port", port) +
			line("uptime_in_seconds", int(time.Since(started).Seconds()))},
		{"Clients", line("connected_clients", doors.Clients) + line("maxclients", n.cfg.MaxClients) +
			line("blocked_clients", 0)},
		{"Memory", line("used_memory", memory) +
			line("used_memory_human", fmt.Sprintf("%.2fM", float64(memory)/(1<<20))) +
			line("maxmemory", 0) + line("maxmemory_policy", "noeviction")},
		{"Stats", line("total_connections_received", doors.Accepted) +
			line("total_commands_processed", doors.Commands) + line("rejected_connections", doors.Rejected)},
		{"Replication", line("role", role) + line("connected_slaves", max(0, len(*n.nodes.Load())-1)) +
			line("master_replid", n.cluster()) + line("master_repl_offset", s.Applied)},
		{"Ensemble", line("node", n.me.Name) + line("leader", n.nameOf(s.Leader)) + line("term", s.Term) +
			line("commit", s.Commit) + line("applied", s.Applied) + line("voters", len(s.Voters)) +
			line("learners", len(s.Learners)) + line("syncs", n.store.Stats().Syncs)},
		{"Cluster", line("cluster_enabled", 0)},
		{"Keyspace", fmt.Sprintf("db0:keys=%d,expires=%d,avg_ttl=0\r\n", keys, expires)},
	}
}

func (n *Node) infoJSON() caucus.Reply {
	s := n.greeting.Load()
	info := ensembleInfo{NID: n.me.Name, State: letter(s.Role), Term: s.Term, Index: s.Commit,
		Peers: map[string]peerInfo{}, Checkpoint: s.Last, Addr: n.me.Client, Applied: s.Applied,
		Learner: !slices.Contains(s.Voters, n.me.ID), Cluster: n.cluster()}
	for _, p := range *n.nodes.Load() {
		if p.ID != n.me.ID {
			info.Peers[p.Name] = n.peerInfo(s, p)
		}
	}
	text, err := json.Marshal(info)
	if err != nil {
		return caucus.Fail(caucus.ErrBad, "%s", err)
	}
	return caucus.Bulk(string(text))
}

func (n *Node) peerInfo(s *status, p machine.Node) peerInfo {
	info := peerInfo{State: "?", Addr: p.Client, Term: s.Term, Index: s.Peers[p.ID].Match}
	switch {
	case p.ID == s.Leader:
		info.State, info.Index = "l", s.Commit
	case n.reaches(p.ID):
		info.State = "f"
	}
	return info
}

// reaches says whether a connection to a peer stands.
func (n *Node) reaches(id uint64) bool {
	for _, p := range n.peers.Stats().Peers {
		if p.ID == id {
			return p.To
		}
	}
	return false
}

func letter(role raft.StateType) string {
	switch role {
	case raft.StateLeader:
		return "l"
	case raft.StateFollower:
		return "f"
	}
	return "c"
}

// ensembleNodes answers ENSEMBLE NODES. What this node cannot know of another (its lag, unless this
// one leads) is nil.
func (n *Node) ensembleNodes(context.Context, caucus.Command) caucus.Reply {
	s := n.greeting.Load()
	var rows []caucus.Reply
	for _, p := range *n.nodes.Load() {
		p = n.present(p)
		index, lag, contact := caucus.Nil(), caucus.Nil(), caucus.Nil()
		if seen, ok := s.Peers[p.ID]; ok {
			index = caucus.Int(int64(seen.Match))
			lag = caucus.Int(int64(s.Commit - min(s.Commit, seen.Match)))
			contact = caucus.Int((n.cfg.clock().Mono - seen.Heard) / 1000)
		}
		applied := caucus.Nil()
		if p.ID == n.me.ID {
			index, applied, contact = caucus.Int(int64(s.Commit)), caucus.Int(int64(s.Applied)), caucus.Int(0)
			lag = caucus.Int(int64(s.Commit - min(s.Commit, s.Applied)))
		}
		rows = append(rows, row("name", p.Name, "id", int64(p.ID), "role", n.roleOf(s, p.ID), "addr", p.Client,
			"peer", p.Peer, "http", p.HTTP, "metadata", p.Metadata, "term", int64(s.Term), "index", index,
			"applied", applied, "lag", lag, "contact_ms", contact, "version", p.Version, "level", int64(p.Level)))
	}
	return caucus.Array(rows...)
}

func (n *Node) roleOf(s *status, id uint64) string {
	switch {
	case id == s.Leader:
		return "leader"
	case id == n.me.ID && s.Role != raft.StateFollower:
		return "candidate"
	case id != n.me.ID && !n.reaches(id):
		return "unreachable"
	case slices.Contains(s.Learners, id):
		return "learner"
	}
	return "follower"
}

// row makes a map of names and values: strings, int64s or replies.
func row(pairs ...any) caucus.Reply {
	items := make([]caucus.Reply, len(pairs))
	for i, p := range pairs {
		switch v := p.(type) {
		case string:
			items[i] = caucus.Bulk(v)
		case int64:
			items[i] = caucus.Int(v)
		case caucus.Reply:
			items[i] = v
		}
	}
	return caucus.Map(items...)
}
