package machine

import (
	"strconv"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/assign"
)

// change is what became of a group and has not had its consequences yet. Sessions that end together in one
// entry are first all taken out; then each of their groups gets one leader and is unsettled once.
type change struct {
	group    string
	previous string // who led until now and does no more, "" for none
	reason   string // why
	without  uint64 // join order of who is passed over in the line, 0 for nobody
	left     []bequest
}

// changed notes that a group's membership changed; finish draws the consequences.
func (m *Machine) changed(g *group) *change {
	i, ok := m.changeOf[g.name]
	if !ok {
		i = len(m.changes)
		m.changes = append(m.changes, change{group: g.name})
		m.changeOf[g.name] = i
	}
	return &m.changes[i]
}

// depart takes a member out of a group. The caller takes the group out of the session's places.
func (m *Machine) depart(g *group, order uint64, reason string) {
	m.endWait(g, order, notServed(reason))
	mb, ok := g.members.Get(order)
	if !ok {
		return
	}
	left := g.vacate(order)
	g.remove(mb)
	g.withdraw(order)
	m.tell(g, "left").text("member", mb.name).text("reason", reason).
		integer("size", int64(g.members.Len())).done()
	c := m.changed(g)
	c.left = append(c.left, left...)
	if g.leader == order {
		g.leader, c.previous, c.reason = 0, mb.name, leadReason(reason)
	}
	if g.revokedFrom == order {
		g.revokedFrom = 0
		if g.unsaid {
			c.previous, c.reason = mb.name, leadReason(reason)
		}
	}
}

// leadReason says in an event about the leadership why its holder is gone: by its own will, or not.
func leadReason(reason string) string {
	if reason == reasonLeft || reason == reasonClosed {
		return "left"
	}
	return "lost"
}

// finish draws the consequences of changes, group by group: who leads, then who has which
// share, then which polls that decides. A group made by JOIN ends with its last member.
func (m *Machine) finish() {
	for i := range m.changes {
		c := &m.changes[i]
		g, ok := m.groups.GetMut(c.group)
		if !ok {
			continue
		}
		m.lead(g, c)
		if g.members.Len() == 0 && !g.made {
			m.judgePolls(g)
			m.dissolve(g)
			continue
		}
		m.unsettle(g)
		m.bequeath(g, c.left)
		m.judgePolls(g)
	}
	m.changes = m.changes[:0]
	clear(m.changeOf)
}

// unsettle takes the assignment back after a change of membership: every member that has an index becomes a
// holder of what is revoked (SAFETY A3). Where nobody holds anything and there is no period to wait for, the
// group settles at once.
func (m *Machine) unsettle(g *group) {
	if g.isLock() {
		return // it divides no work
	}
	news := g.settled || !g.announced
	g.settled, g.since, g.token = false, m.now, m.next()
	if g.held() {
		g.revoked = g.token
	}
	m.touchGroup(g.name)
	if g.settle == 0 && !g.held() && g.enough() {
		m.settle(g)
		return
	}
	if news {
		g.announced = true
		m.tell(g, "settling").integer("size", int64(g.members.Len())).
			integer("settles", m.now/1000+g.settle).done()
	}
}

// settle gives every member its index (SAFETY B16) and its slots (SAFETY A17), under a new epoch.
func (m *Machine) settle(g *group) {
	previous := make([]int, 0, g.members.Len())
	g.members.Scan(func(_ uint64, mb *member) bool {
		previous = append(previous, mb.index)
		return true
	})
	next := assign.Settle(previous)
	i := 0
	g.members.ScanMut(func(_ uint64, mb *member) bool {
		mb.index = next[i]
		i++
		return true
	})
	g.settled, g.announced, g.freed, g.token = true, false, false, 0
	g.epoch, g.total, g.indexed = m.next(), len(next), len(next)
	m.touchGroup(g.name)
	m.tell(g, "settled").number("epoch", g.epoch).integer("total", int64(g.total)).done()
	news := slotNews{}
	m.spread(g, g.epoch, news)
	m.tellSlots(g, g.epoch, news)
}

// grantGroup carries out the leader's decision that what was revoked may be granted anew. It names what it
// is about by the token: if the membership has changed since, the decision is void. Where the group is below
// its minimum size nobody gets anything yet, but nobody needs to be waited for any more.
func grantGroup(c *call) caucus.Reply {
	c.m.finish()
	if len(c.args) != 3 {
		return caucus.Int(0)
	}
	token, err := strconv.ParseUint(c.args[2], 10, 64)
	g, ok := c.m.groups.GetMut(c.args[1])
	if err != nil || !ok || token == 0 || token != g.token && token != g.leadToken {
		return caucus.Int(0)
	}
	if token == g.leadToken {
		c.m.handOver(g)
	} else if g.enough() {
		c.m.settle(g)
	} else {
		g.freed = true
	}
	c.m.touchGroup(g.name)
	return caucus.Int(1)
}
