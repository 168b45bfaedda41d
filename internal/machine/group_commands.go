package machine

import "github.com/caucus-project/caucus"

// groupCommands names who carries out GROUP.
func (m *Machine) groupCommands() {
	m.writes["group|create"] = createGroup
	m.writes["group|join"] = joinGroup
	m.writes["group|leave"] = leaveGroup
	m.writes["group|meta"] = setOwnMetadata
	m.writes["group|resign"] = resignLead
	m.reads["group|index"] = groupIndex
	m.reads["group|leader"] = groupLeader
	m.reads["group|members"] = groupMembers
	m.reads["group|info"] = groupInfo
	m.reads["group|list"] = groupList
	m.reads["group|help"] = m.help("group")
}

// place is a session's own membership.
type place struct {
	group   *group
	session *session
	member  *member
}

// find finds the group that the command names, the session that speaks and its membership, in the order of
// WIRE's checks.
func (q *query) find() (p place, err *caucus.Error) {
	if p.group, err = q.group(); err != nil {
		return p, err
	}
	if p.session, err = q.own(); err != nil {
		return p, err
	}
	order, _ := p.session.places.Get(p.group.name)
	var ok bool
	if p.member, ok = p.group.members.Get(order); !ok {
		err = caucus.Errorf(caucus.ErrNoMember, "this session is not a member of group '%s'", p.group.name)
	}
	return p, err
}

// group finds the group that the command names.
func (q *query) group() (*group, *caucus.Error) {
	if err := legalGroup(q.args[2]); err != nil {
		return nil, err
	}
	if g, ok := q.s.groups.Get(q.args[2]); ok {
		return g, nil
	}
	return nil, caucus.Errorf(caucus.ErrNoGroup, "there is no group '%s'", q.args[2])
}

// leaveGroup ends the membership of the session that speaks.
func leaveGroup(c *call) caucus.Reply {
	p, err := c.find()
	if p.session != nil && p.member == nil {
		return caucus.Int(0)
	}
	if err != nil {
		return caucus.ErrorReply(err)
	}
	g, _ := c.m.groups.GetMut(p.group.name)
	s, _ := c.m.session(p.session.id)
	s.places.Delete(g.name)
	c.m.depart(g, p.member.order, reasonLeft)
	c.m.finish()
	return caucus.Int(1)
}

func setOwnMetadata(c *call) caucus.Reply {
	p, err := c.find()
	if err != nil {
		return caucus.ErrorReply(err)
	}
	if len(c.args[3]) > caucus.MaxMetadata {
		return caucus.ErrorReply(tooMuchMetadata(c.args[3]))
	}
	g, _ := c.m.groups.GetMut(p.group.name)
	c.m.setMetadata(g, p.member.order, c.args[3])
	return caucus.OK()
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
	next := g.nextInLine(p.member.order)
	if next == 0 {
		next = p.member.order
	}
	c.m.elect(g, next, p.member.name, "resigned")
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
