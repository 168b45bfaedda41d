package machine

import (
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/ballot"
	"github.com/caucus-project/caucus/internal/command"
)

// voteCommands names who carries out VOTE.
func (m *Machine) voteCommands() {
	m.writes["vote|call"] = callVote
	m.writes["vote|cast"] = castVote
	m.reads["vote|result"] = voteResult
	m.reads["vote|list"] = voteList
	m.reads["vote|help"] = m.help("vote")
}

// callOptions are those of VOTE CALL; nil is not stated.
type callOptions struct {
	kind        ballot.Kind // 0 when it was not stated
	timeout, at *int64
}

// Defaults and ranges of what a poll is called with, in milliseconds (WIRE "Defaults").
const (
	defaultTimeout = 1_500 // VOTETIMEOUT of a group that states none
	minTimeout     = 10
	maxTimeout     = 3_600_000
	maxAhead       = 366 * 86_400_000 // how far AT may lie ahead
)

func parseCall(args caucus.Command) (o callOptions, err *caucus.Error) {
	for i := 0; i < len(args) && err == nil; i++ {
		option, kind := strings.ToUpper(args[i]), ballot.Majority
		switch option {
		case "CONSENSUS":
			kind = ballot.Consensus
			fallthrough
		case "MAJORITY":
			if o.kind != 0 && o.kind != kind {
				err = caucus.Errorf(caucus.ErrBad, "syntax error: MAJORITY and CONSENSUS exclude each other")
			}
			o.kind = kind
		case "TIMEOUT", "AT":
			if i++; i == len(args) {
				return o, noValue(option)
			}
			var n int64
			n, err = number(option, args[i])
			if option == "AT" {
				o.at = &n
			} else {
				o.timeout = &n
			}
		default:
			err = unknownOption(args[i])
		}
	}
	return o, err
}

// check checks the ranges against the ensemble's clock, in unix milliseconds. The time of an action must lie
// ahead, or nobody could keep it.
func (o *callOptions) check(now int64, topic string) *caucus.Error {
	if err := within("TIMEOUT", o.timeout, minTimeout, maxTimeout); err != nil {
		return err
	}
	switch {
	case o.at != nil && (*o.at <= now || *o.at > now+maxAhead):
		return caucus.Errorf(caucus.ErrBad, "AT must lie ahead by up to %d ms of the ensemble's clock, which is "+
			"%d, not be %d (unix milliseconds)", maxAhead, now, *o.at)
	case len(topic) > caucus.MaxMetadata:
		return caucus.Errorf(caucus.ErrBad, "a topic may have %d bytes, not %d", caucus.MaxMetadata, len(topic))
	}
	return nil
}

// callVote begins a poll among those who are members now. Whoever calls it need not be one. The group must
// have a leader: without one it is in no state to decide anything.
func callVote(c *call) caucus.Reply {
	o, err := parseCall(c.args[4:])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	g, err := c.group()
	if err == nil {
		err = g.canVote()
	}
	if err == nil {
		err = o.check(c.now/1000, c.args[3])
	}
	if err != nil {
		return caucus.ErrorReply(err)
	}
	p := newPoll(g, o, c.now/1000, c.args[3])
	old, ok := g.room(p.weight())
	if !ok {
		return caucus.Fail(caucus.ErrBad, "group '%s' has %d polls under way; %d may be, of %d MiB together, "+
			"which no setting changes: wait for one to end, or vote in another group", g.name,
			g.called.Len()-len(old), pollsKept, pollsWeigh>>20)
	}
	g, _ = c.m.groups.GetMut(g.name)
	for _, over := range old {
		c.m.forget(g, over)
	}
	c.m.beginPoll(g, p, c.memberName(g))
	return caucus.Int(int64(p.id))
}

// canVote says why a group cannot begin to vote: it has no leader.
func (g *group) canVote() *caucus.Error {
	switch {
	case g.noLeader:
		return caucus.Errorf(caucus.ErrNoLeader, "group '%s' is of kind noleader, which does not vote", g.name)
	case g.leader == 0:
		return caucus.Errorf(caucus.ErrNoLeader, "group '%s' has no leader now, so it cannot vote", g.name)
	}
	return nil
}

// newPoll makes a poll that is called at a time in unix milliseconds.
func newPoll(g *group, o callOptions, now int64, topic string) *poll {
	p := &poll{topic: strings.Clone(topic), last: g.order, deadline: now + orElse(o.timeout, g.voteTimeout)}
	p.count = ballot.Count{Kind: o.kind, Electorate: g.members.Len()}
	if o.at != nil {
		p.at = *o.at
		p.deadline = min(p.deadline, p.at) // decided after its own time it is a timeout (SAFETY B15)
	}
	switch {
	case o.kind != 0:
	case p.at != 0:
		p.count.Kind = ballot.Consensus
	default:
		p.count.Kind = ballot.Majority
	}
	p.due = p.deadline
	return p
}

func (m *Machine) beginPoll(g *group, p *poll, caller string) {
	p.id = m.next()
	g.put(p)
	m.arm(dueOf(g, p))
	m.tellPoll(g, "vote", p).text("kind", p.count.Kind.String()).text("caller", caller).
		integer("electorate", int64(p.count.Electorate)).integer("deadline", p.deadline).
		moment("at", p.at).done()
}

// memberName gives the name under which the session that speaks is in the group, "" when it is not.
func (q *query) memberName(g *group) string {
	s, err := q.own()
	if err != nil {
		return ""
	}
	order, _ := s.places.Get(g.name)
	if mb, ok := g.members.Get(order); ok {
		return mb.name
	}
	return ""
}

// castVote takes the vote of a member of the electorate. The same again is as good; it may be one whose
// answer was lost.
func castVote(c *call) caucus.Reply {
	id, err := pollID(c.args[3])
	yes := strings.EqualFold(c.args[4], "YES")
	if err == nil && !yes && !strings.EqualFold(c.args[4], "NO") {
		err = usage("VOTE CAST group poll YES | NO")
	}
	if err != nil {
		return caucus.ErrorReply(err)
	}
	at, err := c.find()
	if err != nil {
		return caucus.ErrorReply(err)
	}
	p, err := at.group.poll(id)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	voted, err := p.mayVote(at, yes)
	switch {
	case err != nil:
		return caucus.ErrorReply(err)
	case voted:
		return caucus.OK()
	}
	g, _ := c.m.groups.GetMut(at.group.name)
	p, _ = g.called.GetMut(id)
	p.votes.Set(at.member.order, yes)
	p.count.Cast(yes)
	c.m.judge(g, p)
	return caucus.OK()
}

// mayVote says whether a member's vote can be taken, or was before.
func (p *poll) mayVote(at place, yes bool) (voted bool, err *caucus.Error) {
	cast, voted := p.votes.Get(at.member.order)
	switch {
	case at.member.order > p.last:
		return false, caucus.Errorf(caucus.ErrNoMember,
			"'%s' joined group '%s' after poll %d was called, so it has no vote in it",
			at.member.name, at.group.name, p.id)
	case voted && cast != yes:
		return false, caucus.Errorf(caucus.ErrConflict, "'%s' has voted %s already, not %s: %s",
			at.member.name, spoken(cast), spoken(yes), p.standing())
	case !voted && p.outcome != ballot.Open:
		return false, caucus.Errorf(caucus.ErrConflict, "too late: %s", p.standing())
	}
	return voted, nil
}

func spoken(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

func pollID(text string) (uint64, *caucus.Error) {
	id, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, caucus.Errorf(caucus.ErrBad, "value is not an integer or out of range: the poll '%.32s'", text)
	}
	return id, nil
}

// voteResult answers what a poll has come to. To wait for it with WAIT is the business of the node where the
// client sits (SAFETY B7).
func voteResult(q *query) caucus.Reply {
	id, err := pollID(q.args[3])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	var wait int64
	switch options := q.args[4:]; {
	case len(options) == 2 && strings.EqualFold(options[0], "WAIT"):
		wait, err = number(options[0], options[1])
	case len(options) != 0:
		err = usage("VOTE RESULT group poll [WAIT milliseconds]")
	}
	if err != nil {
		return caucus.ErrorReply(err)
	}
	g, err := q.group()
	if err != nil {
		return caucus.ErrorReply(err)
	}
	p, err := g.poll(id)
	if err == nil {
		err = within("WAIT", &wait, 0, command.MaxBlock)
	}
	switch {
	case err != nil:
		return caucus.ErrorReply(err)
	case p.outcome == ballot.Open:
		return caucus.NilArray()
	}
	return caucus.Array(caucus.Bulk(p.outcome.String()), caucus.Int(int64(p.count.Yes)),
		caucus.Int(int64(p.count.No)), caucus.Int(int64(p.count.Electorate)))
}

// voteList answers all polls of a group that can be read, in the order in which they were called.
func voteList(q *query) caucus.Reply {
	g, err := q.group()
	if err != nil {
		return caucus.ErrorReply(err)
	}
	items := make([]caucus.Reply, 0, g.called.Len())
	g.called.Scan(func(_ uint64, p *poll) bool {
		items = append(items, p.describe())
		return true
	})
	return caucus.Array(items...)
}

func (p *poll) describe() caucus.Reply {
	at := caucus.Nil()
	if p.at != 0 {
		at = caucus.Int(p.at)
	}
	return caucus.Map(
		caucus.Bulk("poll"), caucus.Int(int64(p.id)),
		caucus.Bulk("topic"), caucus.Bulk(p.topic),
		caucus.Bulk("kind"), caucus.Bulk(p.count.Kind.String()),
		caucus.Bulk("state"), caucus.Bulk(p.outcome.String()),
		caucus.Bulk("yes"), caucus.Int(int64(p.count.Yes)),
		caucus.Bulk("no"), caucus.Int(int64(p.count.No)),
		caucus.Bulk("electorate"), caucus.Int(int64(p.count.Electorate)),
		caucus.Bulk("deadline"), caucus.Int(p.deadline),
		caucus.Bulk("at"), at)
}
