package machine

import (
	"strings"

	"github.com/caucus-project/caucus"
)

// groupIndex answers a member's share of the work, or nil while the group is settling.
func groupIndex(q *query) caucus.Reply {
	mb, g, err := q.indexed()
	switch {
	case err != nil:
		return caucus.ErrorReply(err)
	case !g.settled:
		return caucus.NilArray()
	}
	return caucus.Array(caucus.Int(int64(mb.index)), caucus.Int(int64(g.total)), caucus.Int(int64(g.epoch)))
}

// indexed finds the member that INDEX asks for: the one named, or the session's own.
func (q *query) indexed() (*member, *group, *caucus.Error) {
	if len(q.args) == 3 {
		return q.memberOr(nil)
	}
	if len(q.args) != 5 || !strings.EqualFold(q.args[3], "MEMBER") {
		return nil, nil, usage("GROUP INDEX g [MEMBER m]")
	}
	return q.memberOr(&q.args[4])
}

// memberOr finds the member of a name, or for nil the one that speaks.
func (q *query) memberOr(name *string) (*member, *group, *caucus.Error) {
	if name == nil {
		p, err := q.find()
		return p.member, p.group, err
	}
	g, err := q.group()
	if err != nil {
		return nil, nil, err
	}
	mb, err := g.named(*name)
	return mb, g, err
}

// groupLeader answers who leads, under which term, and the leader's metadata.
func groupLeader(q *query) caucus.Reply {
	g, err := q.group()
	if err == nil && g.noLeader {
		err = leaderless(g)
	}
	if err != nil {
		return caucus.ErrorReply(err)
	}
	leader, ok := g.members.Get(g.leader)
	if !ok {
		return caucus.NilArray()
	}
	return caucus.Array(caucus.Bulk(leader.name), caucus.Int(int64(g.term)), caucus.Bulk(leader.metadata))
}

// groupMembers answers the members in join order, or a page of them.
func groupMembers(q *query) caucus.Reply {
	after, count, err := page(q.args[3:])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	g, err := q.group()
	if err != nil {
		return caucus.ErrorReply(err)
	}
	if err := pageRange(after, count); err != nil {
		return caucus.ErrorReply(err)
	}
	items := []caucus.Reply{}
	g.members.Ascend(uint64(after)+1, func(_ uint64, mb *member) bool {
		items = append(items, q.describe(g, mb))
		return int64(len(items)) < count
	})
	return caucus.Array(items...)
}

// everyone is the COUNT of who states none.
const everyone = 1 << 62

func page(args caucus.Command) (after, count int64, err *caucus.Error) {
	count = everyone
	for i := 0; i < len(args) && err == nil; i += 2 {
		target := &after
		switch strings.ToUpper(args[i]) {
		case "AFTER":
		case "COUNT":
			target = &count
		default:
			return 0, 0, unknownOption(args[i])
		}
		if i+1 == len(args) {
			return 0, 0, noValue(args[i])
		}
		*target, err = number(args[i], args[i+1])
	}
	return after, count, err
}

func pageRange(after, count int64) *caucus.Error {
	if err := within("AFTER", &after, 0, everyone); err != nil {
		return err
	}
	return within("COUNT", &count, 1, everyone)
}

func (q *query) describe(g *group, mb *member) caucus.Reply {
	index, node := caucus.Nil(), ""
	if g.settled {
		index = caucus.Int(int64(mb.index))
	}
	if s, ok := q.s.session(mb.session); ok {
		node = q.s.nodeName(s.node)
	}
	return caucus.Map(
		caucus.Bulk("name"), caucus.Bulk(mb.name),
		caucus.Bulk("order"), caucus.Int(int64(mb.order)),
		caucus.Bulk("index"), index,
		caucus.Bulk("leader"), caucus.Truth(mb.order == g.leader),
		caucus.Bulk("priority"), caucus.Int(mb.priority),
		caucus.Bulk("node"), caucus.Bulk(node),
		caucus.Bulk("metadata"), caucus.Bulk(mb.metadata))
}

// groupInfo answers all that there is to know of a group beside its members.
func groupInfo(q *query) caucus.Reply {
	g, err := q.group()
	if err != nil {
		return caucus.ErrorReply(err)
	}
	var items []caucus.Reply
	put := func(name string, v caucus.Reply) { items = append(items, caucus.Bulk(name), v) }
	number := func(name string, n uint64) { put(name, caucus.Int(int64(n))) }
	put("name", caucus.Bulk(g.name))
	put("state", caucus.Bulk(g.state()))
	put("size", caucus.Int(int64(g.members.Len())))
	put("total", caucus.Int(int64(g.total)))
	number("epoch", g.epoch)
	leader, _ := g.members.Get(g.leader)
	put("leader", nameOf(leader))
	number("term", g.term)
	number("seq", g.seq)
	number("oldest", g.oldest())
	number("life", g.life)
	put("settles_in", g.settlesIn(q.now))
	put("kind", caucus.Bulk(g.kind()))
	put("slots", caucus.Int(g.slots))
	put("moving", caucus.Int(int64(g.moving)))
	put("stuck", nameOf(q.s.stuck(g, q.now)))
	put("ttl", caucus.Int(g.ttl))
	put("grace", caucus.Int(g.grace))
	put("settle", caucus.Int(g.settle))
	put("min", caucus.Int(g.min))
	put("heartbeat", caucus.Int(g.heartbeat))
	put("vote_timeout", caucus.Int(g.voteTimeout))
	return caucus.Map(items...)
}

func (g *group) state() string {
	if g.settled || g.isLock() {
		return "settled"
	}
	return "settling"
}

func (g *group) kind() string {
	if g.noLeader {
		return "noleader"
	}
	return "leader"
}

// nameOf gives the name of a member, nil for nobody.
func nameOf(mb *member) caucus.Reply {
	if mb == nil {
		return caucus.Nil()
	}
	return caucus.Bulk(mb.name)
}

// oldest gives the seq of the oldest event that is kept; where none is, of the next one.
func (g *group) oldest() uint64 {
	if seq, _, ok := g.kept.Min(); ok {
		return seq
	}
	return g.seq + 1
}

// settlesIn gives in how many milliseconds the group settles at the earliest, nil when it is settled or waits
// for members.
func (g *group) settlesIn(now int64) caucus.Reply {
	if g.settled || g.isLock() || !g.enough() {
		return caucus.Nil()
	}
	return caucus.Int(max(0, (g.since-now)/1000+g.settle))
}

// groupList answers the names of all groups, sorted.
func groupList(q *query) caucus.Reply {
	pattern := everything
	switch {
	case len(q.args) == 4 && strings.EqualFold(q.args[2], "MATCH"):
		var err *caucus.Error
		if pattern, err = patternOf(q.args[3]); err != nil {
			return caucus.ErrorReply(err)
		}
	case len(q.args) != 2:
		return caucus.ErrorReply(usage("GROUP LIST [MATCH pattern]"))
	}
	names := []string{}
	q.s.groups.Scan(func(name string, _ *group) bool {
		if q.matches(pattern, name) {
			names = append(names, name)
		}
		return true
	})
	return caucus.Bulks(names...)
}

// help answers what the table says of a command's subcommands.
func (m *Machine) help(container string) read {
	head := strings.ToUpper(container) + " <subcommand> [<arg> ...]. Subcommands are:"
	lines := []caucus.Reply{caucus.Status(head)}
	for _, spec := range m.table.All() {
		if sub, ok := strings.CutPrefix(spec.Name, container+"|"); ok {
			lines = append(lines, caucus.Status(strings.TrimSpace(strings.ToUpper(sub)+" "+spec.Usage)),
				caucus.Status("    "+spec.Summary+"."))
		}
	}
	return func(*query) caucus.Reply { return caucus.Array(lines...) }
}
