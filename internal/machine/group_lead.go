package machine

import "github.com/caucus-project/caucus"

// led says whether somebody may lead the group at all.
func (g *group) led() bool { return !g.noLeader && g.enough() }

// lead decides who leads after a change. Who leads goes on unless nobody may lead any more: then the
// leadership is revoked, and because its holder lives and may believe in it for a while, it is granted anew
// only by the leader's decision (SAFETY A3).
func (m *Machine) lead(g *group, c *change) {
	holder := g.holder()
	switch {
	case g.leader != 0 && !g.led():
		m.revokeLead(g)
		m.tellLeaderless(g, holder.name, g.unledReason())
	case g.leader != 0:
	case g.revokedFrom != 0 && g.unsaid && !g.led():
		g.unsaid = false
		m.tellLeaderless(g, holder.name, g.unledReason())
	case g.revokedFrom != 0:
	case g.led():
		m.succeed(g, c)
	case c.previous != "":
		m.tellLeaderless(g, c.previous, c.reason)
	}
	if g.revokedFrom == 0 {
		g.leadToken, g.heir, g.unsaid = 0, 0, false
	}
}

// holder gives who may believe in the leadership: who leads, or from whom it is revoked; nil for nobody.
func (g *group) holder() *member {
	mb, _ := g.members.Get(max(g.leader, g.revokedFrom))
	return mb
}

// unledReason says why a group whose leader lives has none.
func (g *group) unledReason() string {
	if g.noLeader {
		return "lost"
	}
	return "min"
}

func (m *Machine) revokeLead(g *group) {
	g.revokedFrom, g.leadToken = g.leader, m.next()
	g.leader, g.revoked = 0, g.leadToken
	m.touchGroup(g.name)
}

// handOver grants the leadership anew, since nobody can believe in it any more: its holder has given it up,
// or was waited for.
func (m *Machine) handOver(g *group) {
	c := &change{}
	if holder := g.holder(); holder != nil && (g.leader != 0 || g.unsaid) {
		c.previous, c.without = holder.name, holder.order
	}
	g.leader, g.revokedFrom = 0, 0
	m.touchGroup(g.name)
	m.lead(g, c)
}

// succeed lets somebody lead: whom a TRANSFER has named, under the term that it answered, or when that
// member is gone the next in line.
func (m *Machine) succeed(g *group, c *change) {
	next, term, reason := g.heir, g.leadToken, c.reason
	if _, there := g.members.Get(next); !there {
		next, term = g.nextInLine(c.without), 0
	}
	switch {
	case c.previous == "":
		reason = "first"
	case g.heir != 0:
		reason = "transferred"
	}
	m.elect(g, next, term, c.previous, reason)
}

func (m *Machine) tellLeaderless(g *group, previous, reason string) {
	m.tell(g, "leaderless").text("previous", previous).number("term", g.term).text("reason", reason).done()
}

// nextInLine gives the join order of the first in line. One that is left out comes last.
func (g *group) nextInLine(without uint64) uint64 {
	order := without
	g.line.Scan(func(_, candidate uint64) bool {
		if candidate == without {
			return true
		}
		order = candidate
		return false
	})
	return order
}

// elect makes a member the leader, with a new term unless one was drawn for it before (SAFETY A16).
func (m *Machine) elect(g *group, order, term uint64, previous, reason string) {
	mb, ok := g.members.Get(order)
	if !ok {
		return
	}
	if term == 0 {
		term = m.next()
	}
	m.endWait(g, order, caucus.Int(int64(term)))
	g.leader, g.term = order, term
	m.tell(g, "leader").text("member", mb.name).number("term", g.term).text("previous", previous).
		text("reason", reason).done()
}

// resignLead gives the leadership up. It takes effect at once, because whoever sends it has stopped believing
// in it before (SAFETY A3). The next in line leads, or the same again when it is alone (SAFETY C13).
func resignLead(c *call) caucus.Reply {
	p, err := c.find()
	if err == nil {
		err = mayResign(p)
	}
	if err != nil {
		return caucus.ErrorReply(err)
	}
	g, _ := c.m.groups.GetMut(p.group.name)
	c.m.elect(g, g.nextInLine(p.member.order), 0, p.member.name, "resigned")
	return caucus.Int(int64(g.term))
}

func mayResign(p place) *caucus.Error {
	g := p.group
	if g.noLeader {
		return leaderless(g)
	}
	if g.leader == p.member.order {
		return nil
	}
	if leader, ok := g.members.Get(g.leader); ok {
		return caucus.Errorf(caucus.ErrConflict, "'%s' leads group '%s', not '%s'",
			leader.name, g.name, p.member.name)
	}
	return caucus.Errorf(caucus.ErrNoLeader, "group '%s' has no leader now", g.name)
}

// leaderless is what every question about the leader of a group without one is answered.
func leaderless(g *group) *caucus.Error {
	return caucus.Errorf(caucus.ErrBad, "group '%s' is of kind noleader", g.name)
}

// transferLead hands the leadership to a member. At the word of its holder, who has stopped believing before,
// that is done at once; at anybody else's the leadership is revoked first, and granted to the heir when the
// holder can no longer believe (SAFETY A3). The token of the revocation is then the term of the heir, so that
// the answer is true when it is given. While one transfer waits, another only names another heir.
func transferLead(c *call) caucus.Reply {
	g, err := c.group()
	if err != nil {
		return caucus.ErrorReply(err)
	}
	heir, err := g.named(c.args[3])
	switch {
	case err != nil:
		return caucus.ErrorReply(err)
	case g.noLeader:
		return caucus.ErrorReply(leaderless(g))
	case !g.enough():
		return caucus.Int(0)
	case g.leader == heir.order:
		return caucus.Int(int64(g.term))
	}
	g, _ = c.m.groups.GetMut(g.name)
	g.heir = heir.order
	if holder := g.holder(); holder != nil && c.speaksFor(holder) {
		c.m.handOver(g)
		return caucus.Int(int64(g.term))
	}
	if g.leader != 0 {
		c.m.revokeLead(g)
		g.unsaid = true
	}
	return caucus.Int(int64(g.leadToken))
}

// speaksFor says whether the command comes from the session of a member.
func (q *query) speaksFor(mb *member) bool {
	s, err := q.own()
	return err == nil && s.id == mb.session
}
