package node

import (
	"encoding/json"
	"slices"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/machine"
	"go.etcd.io/raft/v3"
)

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

func letter(role raft.StateType) string {
	switch role {
	case raft.StateLeader:
		return "l"
	case raft.StateFollower:
		return "f"
	}
	return "c"
}
