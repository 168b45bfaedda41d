package node

import (
	"context"
	"slices"

	"github.com/caucus-project/caucus"
	"go.etcd.io/raft/v3"
)

// reaches says whether a connection to a peer stands.
func (n *Node) reaches(id uint64) bool {
	for _, p := range n.peers.Stats().Peers {
		if p.ID == id {
			return p.To
		}
	}
	return false
}

// reachesMajority says whether connections stand to so many voters that they are a majority with this node,
// if it votes.
func (n *Node) reachesMajority() bool {
	voters := n.greeting.Load().Voters
	near := 0
	for _, id := range voters {
		if id == n.me.ID || n.reaches(id) {
			near++
		}
	}
	return near > len(voters)/2
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
