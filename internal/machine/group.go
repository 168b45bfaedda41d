package machine

import (
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/tidwall/btree"
)

// group is a named set of members. Its members are kept so that a join or a leave costs the logarithm of
// their number; only settling visits all.
type group struct {
	name string
	life uint64 // which incarnation of the name this is; from the counter (SAFETY A16)
	made bool   // by CREATE: it stays when its last member leaves
	options

	order   uint64                     // of the last to join
	members btree.Map[uint64, *member] // by join order
	names   btree.Map[string, uint64]  // member name to join order
	line    btree.Map[uint64, uint64]  // who leads next: rank to join order

	settling
	leading
	sharing
	revoked uint64 // when something was last revoked from a living member: its part of v(S) (SAFETY A2, A3)

	seq  uint64                    // of the last event; begins at life, so no number comes twice (SAFETY A16)
	kept btree.Map[uint64, string] // the last events, by seq
	size int                       // bytes of the kept events

	polls
}

// options are what a group was made with.
type options struct {
	settle, ttl, grace int64 // milliseconds
	heartbeat          int64 // how often members say that they live; 0: as usual, a third of the promise
	voteTimeout        int64 // of polls that state none
	min, slots         int64
	noLeader           bool
}

// settling is who has which share of the work.
type settling struct {
	settled   bool   // the assignment of epoch is in force
	epoch     uint64 // of the last settling, 0 before the first
	total     int    // members at the last settling
	token     uint64 // what the decision to settle must name, 0 while settled
	since     int64  // stamp of the last change of membership, microseconds
	announced bool   // a settling event was told since it was last settled
	// indexed counts the members with an index. While the group is unsettled these are the holders of what was
	// revoked: newcomers have none, and who leaves or ends is gone (SAFETY A3). Freed says that none of them
	// can believe in it any more, though the group is still too small to settle.
	indexed int
	freed   bool
}

// leading is who leads.
type leading struct {
	leader uint64 // join order of the member that leads, 0 for none
	term   uint64 // of the last leader, 0 before the first
	// While the leadership is revoked from a living member that has not given it up, it is the holder, and a
	// decision that names the token must come before anybody leads again (SAFETY A3).
	revokedFrom uint64 // join order
	leadToken   uint64
	heir        uint64 // join order of whom a TRANSFER named, 0 for the first in line; it may be gone by now
	unsaid      bool   // no event has said yet that the holder leads no more
}

// member is a session's place in a group.
type member struct {
	name     string
	session  entry.Session
	order    uint64 // join order
	priority int64
	metadata string
	index    int // at the last settling that it was part of, 0 for a newcomer
	wait     lockWait
	shares
}

// IsoCopy gives a group that shares everything with the first until either is changed (SAFETY B12).
func (g *group) IsoCopy() *group {
	c := *g
	c.members, c.names, c.line, c.kept = share(&g.members), share(&g.names), share(&g.line), share(&g.kept)
	c.called = share(&g.called)
	c.holds, c.byHolder = share(&g.holds), share(&g.byHolder)
	return &c
}

// IsoCopy gives a member that can be changed without changing the first (SAFETY B12).
func (mb *member) IsoCopy() *member {
	c := *mb
	return &c
}

// rank orders candidates: the higher priority first, then who joined first.
func (mb *member) rank() uint64 { return uint64(maxPriority-mb.priority)<<48 | mb.order }

// enough says whether the group has its minimum size; below it nothing is granted.
func (g *group) enough() bool { return g.members.Len() > 0 && int64(g.members.Len()) >= g.min }

// held says whether somebody may believe in an assignment of the group.
func (g *group) held() bool { return g.indexed > 0 && !g.freed }

// add and remove keep the members and the ways to find them together.
func (g *group) add(mb *member) {
	g.members.Set(mb.order, mb)
	g.names.Set(mb.name, mb.order)
	g.line.Set(mb.rank(), mb.order)
	if mb.index > 0 {
		g.indexed++
	}
}

func (g *group) remove(mb *member) {
	g.members.Delete(mb.order)
	g.names.Delete(mb.name)
	g.line.Delete(mb.rank())
	if mb.index > 0 {
		g.indexed--
	}
}

// prefer gives a member another priority, and so another place in the line.
func (g *group) prefer(order uint64, priority int64) {
	if mb, ok := g.members.GetMut(order); ok {
		g.line.Delete(mb.rank())
		mb.priority = priority
		g.line.Set(mb.rank(), order)
	}
}

// touchGroup tells the leader's clocks to look at a group again.
func (m *Machine) touchGroup(name string) { m.out.Groups = append(m.out.Groups, name) }

// found makes a group.
func (m *Machine) found(name string, o options) *group {
	g := &group{name: name, options: o, life: m.next()}
	g.seq = g.life
	m.groups.Set(name, g)
	return g
}

// dissolve ends a group's life, and its polls with it. The counter passes its last seq, so that a later life
// of the name never numbers an event like one of this (SAFETY A16).
func (m *Machine) dissolve(g *group) {
	m.forgetPolls(g)
	m.tell(g, "deleted").done()
	m.counter = max(m.counter, g.seq)
	m.groups.Delete(g.name)
	m.touchGroup(g.name)
}
