package client

import (
	"context"
	"time"

	"github.com/caucus-project/caucus"
)

// GroupInfo is how a group stands.
type GroupInfo struct {
	Name    string
	Settled bool
	Size    int    // members
	Total   int    // among whom the work is divided; 0 while settling
	Epoch   uint64 // of the newest division
	Leader  string // its name, "" while there is none
	Term    uint64 // of the leader, or of the last one
	Seq     uint64 // of the newest event
	Oldest  uint64 // Seq of the oldest event that can be read again
	Life    uint64 // which incarnation of the name this is

	Min      int  // members needed before anybody leads or work is divided
	Slots    int  // shares of work
	Moving   int  // slots on their way from one member to another
	NoLeader bool // it never has one

	TTL, Grace  time.Duration // of sessions that a JOIN opens
	Settle      time.Duration // how long membership must be still before work is divided
	Heartbeat   time.Duration // how often members say at least that they live; 0: as often as promises need
	VoteTimeout time.Duration // of votes that state none
}

// MemberInfo is a member as all see it.
type MemberInfo struct {
	Name     string
	Order    uint64 // rises with every joining
	Index    int    // its share of the work, 0 while settling
	Leader   bool
	Priority int
	Node     string // where its session is
	Metadata string // any bytes
}

// Info gives how a group stands, by a linearizable read. It fails with caucus.ErrNoGroup.
func (c *Client) Info(ctx context.Context, group string) (GroupInfo, error) {
	r, err := c.Do(ctx, caucus.Command{"GROUP", "INFO", group})
	if err != nil {
		return GroupInfo{}, err
	}
	number := func(name string) int64 { return r.Field(name).Int }
	period := func(name string) time.Duration { return time.Duration(number(name)) * time.Millisecond }
	return GroupInfo{
		Name: r.Field("name").Text(), Settled: r.Field("state").Text() == "settled",
		Size: int(number("size")), Total: int(number("total")), Epoch: uint64(number("epoch")),
		Leader: r.Field("leader").Text(), Term: uint64(number("term")),
		Seq: uint64(number("seq")), Oldest: uint64(number("oldest")), Life: uint64(number("life")),
		Min: int(number("min")), Slots: int(number("slots")), Moving: int(number("moving")),
		NoLeader: r.Field("kind").Text() == "noleader",
		TTL:      period("ttl"), Grace: period("grace"), Settle: period("settle"),
		Heartbeat: period("heartbeat"), VoteTimeout: period("vote_timeout"),
	}, nil
}

// Leader says who leads a group, and ok whether anybody does, by a linearizable read. For a member, IsLeader
// says without waiting whether it does.
func (c *Client) Leader(ctx context.Context, group string) (l caucus.Leadership, ok bool, err error) {
	r, err := c.Do(ctx, caucus.Command{"GROUP", "LEADER", group})
	if err != nil || len(r.Items) < 3 {
		return l, false, err
	}
	return caucus.Leadership{Member: r.Items[0].Text(), Term: uint64(r.Items[1].Int),
		Metadata: r.Items[2].Text()}, true, nil
}

// Members gives the members of a group in the order in which they joined, by a linearizable read.
func (c *Client) Members(ctx context.Context, group string) ([]MemberInfo, error) {
	r, err := c.Do(ctx, caucus.Command{"GROUP", "MEMBERS", group})
	if err != nil {
		return nil, err
	}
	members := make([]MemberInfo, len(r.Items))
	for i, m := range r.Items {
		members[i] = MemberInfo{
			Name: m.Field("name").Text(), Order: uint64(m.Field("order").Int),
			Index: int(m.Field("index").Int), Leader: m.Field("leader").Int == 1,
			Priority: int(m.Field("priority").Int), Node: m.Field("node").Text(),
			Metadata: m.Field("metadata").Text(),
		}
	}
	return members, nil
}

// Transfer hands the leadership of a group to one of its members, and gives the term under which that will
// lead, 0 when nobody can lead now. Whoever leads stops first, as for every revocation (see Member.Lead),
// of which it may learn by its next heartbeat, a third of a promise later. It fails with caucus.ErrNoGroup
// and caucus.ErrNoMember.
func (c *Client) Transfer(ctx context.Context, group, member string) (term uint64, err error) {
	r, err := c.Do(ctx, caucus.Command{"GROUP", "TRANSFER", group, member})
	return uint64(r.Int), err
}

// Evict ends the session of a member as soon as it can no longer believe that it lives, and says whether
// there was such a member: the way out of one that is stuck and does not release its slots.
func (c *Client) Evict(ctx context.Context, group, member string) (bool, error) {
	r, err := c.Do(ctx, caucus.Command{"GROUP", "EVICT", group, member})
	return r.Int == 1, err
}

// Info is Client.Info of the member's own group.
func (m *Member) Info(ctx context.Context) (GroupInfo, error) { return m.s.c.Info(ctx, m.group) }

// Leader is Client.Leader of the member's own group.
func (m *Member) Leader(ctx context.Context) (l caucus.Leadership, ok bool, err error) {
	return m.s.c.Leader(ctx, m.group)
}

// Members is Client.Members of the member's own group.
func (m *Member) Members(ctx context.Context) ([]MemberInfo, error) {
	return m.s.c.Members(ctx, m.group)
}
