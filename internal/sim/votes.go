package sim

import (
	"strings"

	"github.com/caucus-project/caucus"
)

// pollStory is a poll as its events tell it, and what members did about it.
type pollStory struct {
	deadline, at uint64 // unix milliseconds; the end is not after the time of an action
	electorate   uint64
	consensus    bool
	outcome      string // "" while it is open
	yes, no      uint64 // at its end
	done         bool   // its action was told

	triedYes, triedNo map[string]bool // memberships that sent such a vote
	saidNo            map[string]bool // memberships whose no was acknowledged
}

// vote lets a member call polls and vote in those that it finds, or says when to look again.
func (m *member) vote(p *place) int64 {
	if wait := p.ballots - m.clock.mono(); wait > 0 {
		return wait
	}
	p.ballots = m.clock.mono() + m.w.between(20*millisecond, 300*millisecond)
	switch {
	case p.poll != 0:
		m.castVote(p)
	case m.w.chance(25):
		m.callVote(p)
	default:
		m.listVotes(p)
	}
	return 0
}

// callVote calls a poll, sometimes about an action. What the member knows of the time may be old.
func (m *member) callVote(p *place) {
	cmd := caucus.Command{"VOTE", "CALL", p.group.name, "what", pick(m.w, []string{"MAJORITY", "CONSENSUS"}),
		"TIMEOUT", number(m.w.between(20, 1500))}
	action := m.w.chance(40)
	if action {
		cmd = append(cmd, "AT", number(m.told/1000+m.w.between(20, 1500)))
	}
	m.send("VOTE CALL", func(replies []caucus.Reply) {
		switch r := replies[0]; {
		case action && strings.HasPrefix(r.Str, "ERR AT must lie ahead"):
		case m.word(r) == caucus.ErrNoLeader.Word:
		case !m.failed(r):
			m.w.checks.count("polls called")
		}
	}, cmd)
}

// listVotes chooses a poll to vote in.
func (m *member) listVotes(p *place) {
	m.send("VOTE LIST", func(replies []caucus.Reply) {
		if m.failed(replies[0]) {
			return
		}
		var open []uint64
		for _, item := range replies[0].Items {
			id := uint64(item.Items[1].Int)
			m.w.checks.listed(m, p, id, item.Items)
			if item.Items[7].Str == "open" {
				open = append(open, id)
			}
		}
		p.poll = pick(m.w, open)
	}, caucus.Command{"VOTE", "LIST", p.group.name})
}

func (m *member) castVote(p *place) {
	id, vote, who := p.poll, pick(m.w, []string{"YES", "YES", "YES", "NO"}), m.id+number(int64(p.joined))
	p.poll = 0
	story := m.w.checks.story(p.group.name).polls[id]
	story.tried(vote)[who] = true
	m.send("VOTE CAST "+vote, func(replies []caucus.Reply) {
		switch m.word(replies[0]) {
		case "":
			m.w.checks.count("votes")
			if vote == "NO" {
				story.saidNo[who] = true
			}
		case caucus.ErrConflict.Word, caucus.ErrNoMember.Word, caucus.ErrNoPoll.Word:
			m.w.checks.count("votes refused")
		default:
			m.failed(replies[0])
		}
	}, caucus.Command{"VOTE", "CAST", p.group.name, number(int64(id)), vote})
}

func (s *pollStory) tried(vote string) map[string]bool {
	if vote == "YES" {
		return s.triedYes
	}
	return s.triedNo
}

// listed compares what a member was told of a poll with the events. Every node tells an event before it
// answers from the state behind it.
func (c *checks) listed(m *member, p *place, id uint64, items []caucus.Reply) {
	s := c.story(p.group.name).polls[id]
	state, yes, no := items[7].Str, uint64(items[9].Int), uint64(items[11].Int)
	switch {
	case s == nil:
		m.w.fail("%s was told of poll %d of %s, of which no event tells", m.name, id, p.group.name)
	case state != "open" && (state != s.outcome || yes != s.yes || no != s.no):
		m.w.fail("SAFETY B14: %s was told that poll %d of %s ended with %s, %d yes and %d no; the event told %s, "+
			"%d and %d", m.name, id, p.group.name, state, yes, no, s.outcome, s.yes, s.no)
	}
}

// votes follows polls from their call to their end: each ends once, in time, as its votes say (SAFETY B14),
// and the time of an action is told once, when it has come, if it was agreed on before (SAFETY B15).
func (s *groupStory) votes(n *node, e caucus.Event) {
	id := field(e.JSON, "poll")
	p, time := s.polls[id], field(e.JSON, "time")
	switch kind := text(e.JSON, "event"); {
	case kind == "vote" && p == nil:
		p = &pollStory{deadline: field(e.JSON, "deadline"), at: field(e.JSON, "at"),
			electorate: field(e.JSON, "electorate"), consensus: text(e.JSON, "kind") == "consensus",
			triedYes: map[string]bool{}, triedNo: map[string]bool{}, saidNo: map[string]bool{}}
		if p.at != 0 {
			p.deadline = min(p.deadline, p.at)
		}
		s.polls[id] = p
	case kind == "result" && p != nil && p.outcome == "":
		p.outcome, p.yes, p.no = text(e.JSON, "outcome"), field(e.JSON, "yes"), field(e.JSON, "no")
		if why := p.wrong(time); why != "" {
			n.w.fail("SAFETY B14: %s %s: %s", e.Group, why, e.JSON)
		}
		if n.w.plan.votes && (p.yes > uint64(len(p.triedYes)) || p.no > uint64(len(p.triedNo))) {
			n.w.fail("SAFETY B14: %s counts votes that nobody cast: %s", e.Group, e.JSON)
		}
		n.w.checks.count("polls: " + p.outcome)
	case kind == "action" && p != nil && !p.done:
		p.done = true
		if p.outcome != "yes" || time < p.at || p.at == 0 {
			n.w.fail("SAFETY B15: %s was not agreed on before %d: %s", e.Group, p.at, e.JSON)
		}
		n.w.checks.count("actions")
	case kind == "deleted": // what was agreed on ends with the group's life
		for _, p := range s.polls {
			p.done = true
		}
	case kind == "vote" || kind == "result" || kind == "action":
		n.w.fail("SAFETY B14: poll %d of %s is told of twice, or before its call: %s", id, e.Group, e.JSON)
	}
}

// wrong says what is wrong with the end of a poll at a time.
func (s *pollStory) wrong(time uint64) string {
	needs := s.electorate/2 + 1
	if s.consensus {
		needs = s.electorate
	}
	switch {
	case (s.outcome == "timeout") != (time >= s.deadline):
		return "ended at the wrong time"
	case (s.outcome == "yes") != (s.yes >= needs) || s.outcome == "timeout" && s.electorate-s.no < needs:
		return "ended in the wrong way"
	}
	return ""
}

// polls says which poll of a group is not over, "" when all are.
func (w *World) polls() string {
	for i := range w.plan.groups {
		name := w.plan.groups[i].name
		for id, p := range w.checks.story(name).polls {
			if p.outcome == "" || p.outcome == "yes" && p.at != 0 && !p.done {
				return name + " is not done with poll " + number(int64(id))
			}
		}
	}
	return ""
}

// comparePolls sees that no vote that was acknowledged was lost. A yes may have been taken back, when its
// member departed; a no never.
func (w *World) comparePolls() {
	for name, s := range w.checks.told {
		for id, p := range s.polls {
			if p.no < uint64(len(p.saidNo)) {
				w.fail("SAFETY B14: poll %d of %s ended with %d no, %d were acknowledged", id, name, p.no, len(p.saidNo))
			}
		}
	}
}
