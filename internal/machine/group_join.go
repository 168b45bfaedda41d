package machine

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
)

// createGroup makes a group that stays until it is deleted. One that is there already with the options that
// are stated is as good, and stays from now on.
func createGroup(c *call) caucus.Reply {
	name := c.args[2]
	st, err := parseStatement(c.args[3:], false)
	if err == nil {
		err = cmp.Or(legalGroup(name), c.mayShape(name))
	}
	if err != nil {
		return caucus.ErrorReply(err)
	}
	g, found := c.m.groups.GetMut(name)
	if found {
		if err := st.conflict(g); err != nil {
			return caucus.ErrorReply(err)
		}
	}
	life, err := st.check(defaultTTL, defaultGrace)
	if err == nil && !found {
		err = st.options(life).sound()
	}
	if err != nil {
		return caucus.ErrorReply(err)
	}
	if !found {
		if err := c.takesGroup(); err != nil {
			return caucus.ErrorReply(err)
		}
		g = c.m.found(strings.Clone(name), st.options(life))
	}
	g.made = true
	return caucus.OK()
}

func legalGroup(name string) *caucus.Error {
	if caucus.ValidGroup(name) {
		return nil
	}
	return caucus.Errorf(caucus.ErrBad, "a group name is 1-255 letters, digits and '._-/', "+
		"not beginning or ending with '/', without an empty, '.' or '..' part")
}

// joining is a JOIN whose checks are under way.
type joining struct {
	*call
	*statement
	name    string
	group   *group   // nil: to be made
	session *session // nil: to be opened
	life    lifetime // of a session to be opened
}

// joinGroup makes the session that speaks a member, with what that needs: a session, a group.
func joinGroup(c *call) caucus.Reply {
	st, err := parseStatement(c.args[3:], true)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	j := &joining{call: c, statement: st, name: c.args[2]}
	if err := j.check(); err != nil {
		return caucus.ErrorReply(err)
	}
	if mb := j.present(); mb != nil {
		return j.again(mb)
	}
	if err := j.room(); err != nil {
		return caucus.ErrorReply(err)
	}
	return j.enter()
}

// check makes all checks in the order of WIRE; only then is anything changed.
func (j *joining) check() *caucus.Error {
	if err := cmp.Or(legalGroup(j.name), j.mayShape(j.name)); err != nil {
		return err
	}
	j.group, _ = j.m.groups.GetMut(j.name)
	if err := j.findSession(); err != nil {
		return err
	}
	if err := j.conflicts(); err != nil {
		return err
	}
	ttl, grace := int64(defaultTTL), int64(defaultGrace)
	if j.group != nil {
		ttl, grace = j.group.ttl, j.group.grace
	}
	life, err := j.statement.check(ttl, grace)
	if j.life = life; err == nil && j.group == nil {
		err = j.options(life).sound()
	}
	if err == nil && ofLock(j.name) && orElse(j.priority, 0) != 0 {
		err = caucus.Errorf(caucus.ErrBad, "group '%s' is the line of a lock, which is served in the order of "+
			"asking: it has no PRIORITY", j.name)
	}
	return err
}

// findSession finds the session that speaks. There is none to be found yet for a connection that carries
// none, or for one that nothing but its client's name stands for (HTTP), whose id is always the same.
func (j *joining) findSession() *caucus.Error {
	id := j.speaker()
	if s, ok := j.m.session(id); ok && j.speaks(s) {
		j.session = s
		return nil
	} else if !ok && id == j.op.Fresh && id != (entry.Session{}) {
		return nil
	}
	_, err := j.own()
	return err
}

func (j *joining) conflicts() *caucus.Error {
	if j.group == nil {
		return nil
	}
	if err := j.conflict(j.group); err != nil {
		return err
	}
	if j.as == nil {
		return nil
	}
	if mb := j.present(); mb != nil {
		if mb.name != *j.as {
			return caucus.Errorf(caucus.ErrConflict, "this session is member '%s' of group '%s', not '%s'",
				mb.name, j.name, *j.as)
		}
		return nil
	}
	if mb, err := j.group.named(*j.as); err == nil {
		return caucus.Errorf(caucus.ErrConflict, "member '%s' of group '%s' is held by another session%s",
			*j.as, j.name, j.s.silence(mb.session))
	}
	return nil
}

// silence says what the state knows of how long a session has been silent, "" when that is not long (SAFETY
// A18). To the millisecond only the leader knows it, and not in a way that is the same on every node.
func (s *state) silence(id entry.Session) string {
	of, ok := s.session(id)
	switch {
	case !ok:
		return ""
	case of.evicted:
		return ", which was evicted and will end"
	case of.drop:
		return fmt.Sprintf(", whose connection was closed; it ends within %d ms unless it is resumed", of.grace)
	case of.mark > 0:
		return fmt.Sprintf(", which was silent for at least %d of its %d ms", of.ttl*int64(of.mark)/4, of.ttl)
	}
	return ""
}

// present gives the membership that the session has already.
func (j *joining) present() *member {
	if j.group == nil || j.session == nil {
		return nil
	}
	order, _ := j.session.places.Get(j.name)
	mb, _ := j.group.members.Get(order)
	return mb
}

// again answers who is a member already; metadata and priority are taken over (SAFETY A18). A priority
// chooses among candidates, so it deposes nobody.
func (j *joining) again(mb *member) caucus.Reply {
	if j.meta != nil {
		j.m.setMetadata(j.group, mb.order, *j.meta)
	}
	if j.priority != nil {
		j.group.prefer(mb.order, *j.priority)
	}
	j.keepAttached()
	return caucus.Bulk(mb.name)
}

// keepAttached tells a pipeline that began without a session, and opened one on the way, under which number
// the connection carries it.
func (j *joining) keepAttached() {
	if j.op.Session == (entry.Session{}) {
		j.attach = j.session.attach
	}
}

// room says why there is no room for what the joining needs, nil when there is.
func (j *joining) room() *caucus.Error {
	if j.session == nil {
		if err := j.takesSession(); err != nil {
			return err
		}
	}
	if j.group == nil {
		return j.takesGroup()
	}
	if most := j.s.limits.members; most > 0 && int64(j.group.members.Len()) >= most && !fromInside(j.op) {
		return caucus.Errorf(caucus.ErrOutOfMemory, "group '%s' has %d members, and max-members is %d", j.name,
			j.group.members.Len(), most)
	}
	return nil
}

// enter makes the session a member; there is room for it.
func (j *joining) enter() caucus.Reply {
	if j.session == nil {
		j.session = j.open(j.life)
	}
	j.keepAttached()
	g := j.group
	if g == nil {
		g = j.m.found(strings.Clone(j.name), j.options(j.life))
	}
	mb := j.newMember(g)
	g.add(mb)
	j.session.places.Set(g.name, mb.order)
	j.m.tell(g, "joined").text("member", mb.name).number("order", mb.order).integer("priority", mb.priority).
		text("node", j.s.nodeName(j.session.node)).bytes("metadata", mb.metadata).
		integer("size", int64(g.members.Len())).done()
	j.m.changed(g)
	j.m.finish()
	return caucus.Bulk(mb.name)
}

// newMember gives the next in join order. An order whose default name somebody else has chosen is passed
// over.
func (j *joining) newMember(g *group) *member {
	mb := &member{session: j.session.id, priority: orElse(j.priority, 0)}
	if j.meta != nil {
		mb.metadata = strings.Clone(*j.meta)
	}
	g.order++
	if j.as != nil {
		mb.name = strings.Clone(*j.as)
	}
	for taken := j.as == nil; taken; {
		mb.name = "m" + strconv.FormatUint(g.order, 10)
		if _, taken = g.names.Get(mb.name); taken {
			g.order++
		}
	}
	mb.order = g.order
	return mb
}

// setMetadata replaces a member's metadata, and tells so if that changes anything.
func (m *Machine) setMetadata(g *group, order uint64, metadata string) {
	mb, ok := g.members.GetMut(order)
	if !ok || mb.metadata == metadata {
		return
	}
	mb.metadata = strings.Clone(metadata)
	m.tell(g, "metadata").text("member", mb.name).bytes("metadata", mb.metadata).done()
}
