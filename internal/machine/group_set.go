package machine

import (
	"cmp"
	"strings"

	"github.com/caucus-project/caucus"
)

// setOptions changes options of a group. It takes effect on the members only where it changes who does what:
// when the group has too few or enough of them by the new MIN, or another number of slots, or may have a
// leader or not. What that takes from the living is revoked, as ever (SAFETY A3).
func setOptions(c *call) caucus.Reply {
	st, noLeader, err := parseSettings(c.args[3:])
	if err == nil {
		err = c.mayShape(c.args[2])
	}
	if err != nil {
		return caucus.ErrorReply(err)
	}
	g, err := c.group()
	if err != nil {
		return caucus.ErrorReply(err)
	}
	next, err := st.over(g.options)
	if err == nil {
		err = cmp.Or(within("NOLEADER", noLeader, 0, 1), next.sound())
	}
	if err != nil {
		return caucus.ErrorReply(err)
	}
	if noLeader != nil {
		next.noLeader = *noLeader != 0
	}
	if next == g.options {
		return caucus.OK()
	}
	g, _ = c.m.groups.GetMut(g.name)
	before, enough := g.options, g.enough()
	g.options = next
	c.m.touchGroup(g.name)
	work := before.slots != next.slots || before.noLeader != next.noLeader || enough != g.enough()
	if work && g.members.Len() > 0 {
		c.m.changed(g)
		c.m.finish()
	}
	return caucus.OK()
}

// parseSettings reads pairs of the options of CREATE and their values; that of NOLEADER is 0 or 1.
func parseSettings(args caucus.Command) (st *statement, noLeader *int64, err *caucus.Error) {
	st = &statement{}
	for i := 0; i < len(args); i += 2 {
		option := strings.ToUpper(args[i])
		switch {
		case option == usualSettle:
			return nil, nil, unknownOption(option)
		case i+1 == len(args) && option == "NOLEADER":
			return nil, nil, noValue(option)
		case i+1 == len(args):
			return nil, nil, st.lacking(option, false)
		case option == "NOLEADER":
			var n int64
			n, err = number(option, args[i+1])
			noLeader = &n
		default:
			err = st.take(option, args[i+1], false)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return st, noLeader, nil
}

// over gives options with what is stated in place of what they have.
func (st *statement) over(o options) (options, *caucus.Error) {
	life, err := st.check(o.ttl, o.grace)
	o.settle, o.ttl, o.grace = orElse(st.settle, o.settle), life.ttl, life.grace
	o.min, o.slots = orElse(st.min, o.min), orElse(st.slots, o.slots)
	o.heartbeat, o.voteTimeout = orElse(st.heartbeat, o.heartbeat), orElse(st.voteTimeout, o.voteTimeout)
	return o, err
}
