package machine

import (
	"cmp"

	"github.com/caucus-project/caucus"
)

// groupCommands names who carries out GROUP.
func (m *Machine) groupCommands() {
	m.writes["group|create"] = createGroup
	m.writes["group|set"] = setOptions
	m.writes["group|delete"] = deleteGroup
	m.writes["group|join"] = joinGroup
	m.writes["group|leave"] = leaveGroup
	m.writes["group|meta"] = setOwnMetadata
	m.writes["group|resign"] = resignLead
	m.writes["group|transfer"] = transferLead
	m.writes["group|evict"] = evictMember
	m.writes["group|release"] = releaseSlots
	m.writes["group|send"] = sendLogged
	m.reads[opSend] = sendPlain
	m.reads[opOwnFeed] = ownFeed
	m.reads["group|index"] = groupIndex
	m.reads["group|slots"] = groupSlots
	m.reads["group|leader"] = groupLeader
	m.reads["group|members"] = groupMembers
	m.reads["group|info"] = groupInfo
	m.reads["group|list"] = groupList
	m.reads["group|events"] = groupEvents
	m.reads["guard"] = guardAlone
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

// named finds a member by its name.
func (g *group) named(name string) (*member, *caucus.Error) {
	order, _ := g.names.Get(name)
	if mb, ok := g.members.Get(order); ok {
		return mb, nil
	}
	return nil, caucus.Errorf(caucus.ErrNoMember, "group '%s' has no member '%.300s'", g.name, name)
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
	c.m.quitLine(g, p.member)
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

// deleteGroup ends the life of a group without members.
func deleteGroup(c *call) caucus.Reply {
	if err := cmp.Or(legalGroup(c.args[2]), c.mayShape(c.args[2])); err != nil {
		return caucus.ErrorReply(err)
	}
	g, ok := c.m.groups.GetMut(c.args[2])
	switch {
	case !ok:
		return caucus.Int(0)
	case g.members.Len() > 0:
		return caucus.Fail(caucus.ErrBad, "group '%s' has members, %d of them: it ends once they have left; "+
			"GROUP EVICT is for one that is stuck", g.name, g.members.Len())
	}
	c.m.dissolve(g)
	return caucus.Int(1)
}

// evictMember makes a member's session mute: it is acknowledged no more, and the leader ends it once its
// promise is over (SAFETY B21).
func evictMember(c *call) caucus.Reply {
	g, err := c.group()
	if err != nil {
		return caucus.ErrorReply(err)
	}
	mb, err := g.named(c.args[3])
	if err != nil {
		return caucus.Int(0)
	}
	if s, ok := c.m.session(mb.session); ok && !s.evicted {
		s.evicted = true
		c.m.touchSession(s.id)
	}
	return caucus.Int(1)
}
