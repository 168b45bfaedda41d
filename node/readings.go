package node

import (
	"runtime"
	"slices"
	"time"

	"github.com/caucus-project/caucus/internal/httpd"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/metrics"
	"github.com/caucus-project/caucus/internal/replica"
	"github.com/caucus-project/caucus/internal/respd"
	"go.etcd.io/raft/v3"
)

// readings gives what /metrics tells, from what is noted anyway. Only what the state holds is asked of the
// owner, for as long as one can wait who wants to know why the node is slow.
func (n *Node) readings() *metrics.Readings {
	r := &metrics.Readings{Version: Version, GoVersion: runtime.Version(), Ready: n.ready().Ready}
	n.doorReadings(r)
	r.TLS = n.tlsReadings()
	if n.ownerNow() == nil {
		return r
	}
	r.Ensemble = n.ensembleReadings(n.greeting.Load())
	if view, now := n.viewSoon(); view != nil {
		c := view.Census(now)
		bounds(r.Limits, map[string]int64{"max-sessions": c.MaxSessions, "max-groups": c.MaxGroups,
			"max-members": c.MaxMembers})
		r.State = &metrics.State{Sessions: c.Sessions, Groups: c.Groups, Settling: c.Settling, Members: c.Members,
			Keys: c.Keys, Expiring: c.Expiring, MemoryBytes: c.Memory, LimitBytes: c.Limit,
			Moving: c.Moving, Polls: c.Polls}
		for _, s := range c.Stuck {
			r.Stuck = append(r.Stuck, metrics.Stuck(s))
		}
	}
	return r
}

// viewPatience is how long a scrape waits for the owner.
const viewPatience = time.Second

// viewSoon gives the state as it is and the ensemble's clock, or nil when the owner does not answer.
func (n *Node) viewSoon() (*machine.View, int64) {
	type moment struct {
		view  *machine.View
		clock int64
	}
	answer := make(chan moment, 1)
	asked := n.owner.call(func(now replica.Time) {
		answer <- moment{n.owner.r.State().View(), n.owner.r.Clock(now)}
	})
	if !asked {
		return nil, 0
	}
	select {
	case m := <-answer:
		return m.view, m.clock
	case <-n.owner.quit:
	case <-time.After(viewPatience):
	}
	return nil, 0
}

func (n *Node) doorReadings(r *metrics.Readings) {
	door, web := n.doors.stats(), httpd.Stats{}
	if n.doors.http != nil {
		web = n.doors.http.Stats()
	}
	r.Clients = metrics.Door{Open: door.Clients, Subscribers: door.Subscribers, Accepted: door.Accepted,
		TooMany: door.Rejected, Denied: door.Denied, Cut: door.Cut, ReadBytes: door.BytesIn,
		WrittenBytes: door.BytesOut}
	r.HTTP = metrics.Door{Open: web.Open, Subscribers: web.Streams, Accepted: web.Accepted,
		TooMany: web.TooMany, Denied: web.Denied, Cut: web.Cut,
		ReadBytes: web.BytesIn, WrittenBytes: web.BytesOut}
	r.Refusals, r.Responses = door.Errors, web.Answers
	r.Commands, r.Waiting = families(door.ByCommand), n.waiting.Load()
	r.ClientBytes = n.budget.Held()
	r.FailedLogins, r.RateRefused = n.logins.failed.Load(), n.rates.refused.Load()
	r.LimitRefusals = map[string]uint64{}
	for _, refused := range []map[string]uint64{door.Limits, web.Limits} {
		for limit, times := range refused {
			r.LimitRefusals[limit] += times
		}
	}
	r.Limits = map[string]int64{}
	bounds(r.Limits, map[string]int64{"max-clients": int64(n.cfg.MaxClients),
		"max-subscriptions": int64(n.cfg.MaxSubscriptions), "max-user-rate": int64(n.cfg.MaxUserRate),
		"max-client-memory": n.cfg.MaxClientMemory, "max-client-backlog": int64(n.cfg.MaxClientBacklog)})
}

// bounds adds to the limits in force those that bound anything.
func bounds(all, some map[string]int64) {
	for limit, most := range some {
		if most > 0 {
			all[limit] = most
		}
	}
}

// families adds up what was counted by command.
func families(list []respd.CommandStats) map[string]metrics.Commands {
	all := map[string]metrics.Commands{}
	for _, c := range list {
		f := all[c.Spec.Group]
		f.Done += c.Done
		f.Failed += c.Failed
		f.Rejected += c.Rejected
		f.Took += c.Took
		all[c.Spec.Group] = f
	}
	return all
}

func (n *Node) ensembleReadings(s *status) *metrics.Ensemble {
	disk, peers, saves := n.store.Stats(), n.peers.Stats(), n.disk.saves.Load()
	e := &metrics.Ensemble{Name: n.me.Name, Cluster: n.cluster(), Role: n.ownRole(s), Term: s.Term,
		Leader: s.Leader, Voters: len(s.Voters), Learners: len(s.Learners), Commit: s.Commit, Applied: s.Applied,
		Campaigns: s.Campaigns, Won: s.Won, Leaders: s.Leaders, FirstEntry: s.First, LastEntry: s.Newest,
		LogBytes: disk.Held, DiskBytes: disk.Bytes, Syncs: disk.Syncs, ExpiredKeys: s.Ended.Keys,
		Snapshots: metrics.Snapshots{Written: saves.count, Failed: saves.failed, Writing: saves.writing,
			Last: s.Last, At: saves.at, Took: saves.took},
		Vitals: metrics.Vitals{Clock: time.Duration(s.Clock) * time.Microsecond, ClocksOff: len(s.Off),
			RateOff:   s.RateOff,
			FreeBytes: s.Free, Low: s.Low, Hung: s.Hung, DigestIndex: s.Digested},
		Ends: map[string]uint64{"lost": s.Ended.Lost, "expired": s.Ended.Expired, "removed": s.Ended.Removed,
			"closed": s.Ended.Closed},
		PeerSentBytes: peers.BytesSent, PeerReceivedBytes: peers.BytesReceived, FramesSent: peers.FramesSent,
		FramesReceived: peers.FramesReceived, Dropped: peers.Dropped, Refused: peers.Refused,
		Garbled: peers.Garbled, Connects: peers.Connects, Foreign: s.Foreign}
	for _, p := range peers.Peers {
		if name := n.nameOf(p.ID); name != "" {
			seen, known := s.Peers[p.ID]
			// A node that takes the place of another has its name; only the newer is told.
			e.Peers = slices.DeleteFunc(e.Peers, func(old metrics.Peer) bool { return old.Name == name })
			e.Peers = append(e.Peers, metrics.Peer{Name: name, Up: p.To, QueueBytes: p.QueueBytes,
				Dropped: p.Dropped, LagKnown: s.leads && known, Lag: s.Commit - min(s.Commit, seen.Match)})
		}
	}
	return e
}

// ownRole gives this node's role in a word.
func (n *Node) ownRole(s *status) string {
	switch {
	case s.leads:
		return "leader"
	case s.Role != raft.StateFollower:
		return "candidate"
	case slices.Contains(s.Learners, n.me.ID):
		return "learner"
	}
	return "follower"
}
