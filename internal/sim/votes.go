package sim

import (
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
)

// pollStory is a poll as its events tell it, and what members did about it.
type pollStory struct {
	life         uint64 // of the group
	deadline, at uint64 // unix milliseconds; the end is not after the time of an action
	electorate   uint64
	consensus    bool
	outcome      string // "" while it is open
	yes, no      uint64 // at its end
	done         bool   // its action was told

	electors          map[uint64]bool // who was a member at the call
	triedYes, triedNo map[uint64]bool // memberships that sent such a vote
	saidYes, saidNo   map[uint64]bool // memberships whose vote was acknowledged
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
	case len(p.known) > 0 && m.w.chance(30):
		m.result(p, pick(m.w, p.known))
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
		p.known = nil
		for _, item := range replies[0].Items {
			id := uint64(item.Items[1].Int)
			m.w.checks.listed(m, p, id, item.Items)
			p.known = append(p.known, id)
			if item.Items[7].Str == "open" {
				open = append(open, id)
			}
		}
		p.poll = pick(m.w, open)
	}, caucus.Command{"VOTE", "LIST", p.group.name})
}

func (m *member) castVote(p *place) {
	id, vote, who := p.poll, pick(m.w, []string{"YES", "YES", "YES", "NO"}), p.number
	p.poll = 0
	story := m.w.checks.story(p.group.name).polls[id]
	story.tried(vote)[who] = true
	m.send("VOTE CAST "+vote, func(replies []caucus.Reply) {
		switch m.word(replies[0]) {
		case "":
			m.w.checks.count("votes")
			story.said(vote)[who] = true
			if !story.electors[who] {
				m.w.fail("SAFETY B14: %s voted in poll %d of %s, but joined later", m.name, id, p.group.name)
			}
		case caucus.ErrConflict.Word, caucus.ErrNoMember.Word, caucus.ErrNoPoll.Word:
			m.w.checks.count("votes refused")
		default:
			m.failed(replies[0])
		}
	}, caucus.Command{"VOTE", "CAST", p.group.name, number(int64(id)), vote})
}

func (s *pollStory) tried(vote string) map[uint64]bool {
	if vote == "YES" {
		return s.triedYes
	}
	return s.triedNo
}

func (s *pollStory) said(vote string) map[uint64]bool {
	if vote == "YES" {
		return s.saidYes
	}
	return s.saidNo
}

// listed compares what a member was told of a poll with the events. Every node tells an event before it
// answers from the state behind it.
func (c *checks) listed(m *member, p *place, id uint64, items []caucus.Reply) {
	s := c.story(p.group.name).polls[id]
	state := items[7].Str
	switch {
	case s == nil:
		m.w.fail("%s was told of poll %d of %s, of which no event tells", m.name, id, p.group.name)
	case state != "open":
		c.ended(m, p, id, state, items[9].Int, items[11].Int)
	}
}

// ended sees that a poll's end is for everyone what the event told.
func (c *checks) ended(m *member, p *place, id uint64, outcome string, yes, no int64) {
	s := c.story(p.group.name).polls[id]
	if outcome != s.outcome || uint64(yes) != s.yes || uint64(no) != s.no {
		m.w.fail("SAFETY B14: %s was told that poll %d of %s ended with %s, %d yes and %d no; the event told %s, "+
			"%d and %d", m.name, id, p.group.name, outcome, yes, no, s.outcome, s.yes, s.no)
	}
}

// votes follows polls from their call to their end: each ends once, in time, as its votes say (SAFETY B14),
// and the time of an action is told once, when it has come, if it was agreed on before (SAFETY B15).
func (s *groupStory) votes(n *node, e entry.Event) {
	id := field(e.JSON, "poll")
	p, time := s.polls[id], field(e.JSON, "time")
	switch kind := text(e.JSON, "event"); {
	case kind == "vote" && p == nil:
		p = &pollStory{life: s.life, deadline: field(e.JSON, "deadline"), at: field(e.JSON, "at"),
			electorate: field(e.JSON, "electorate"), consensus: text(e.JSON, "kind") == "consensus",
			triedYes: map[uint64]bool{}, triedNo: map[uint64]bool{}, saidYes: map[uint64]bool{},
			saidNo: map[uint64]bool{}, electors: map[uint64]bool{}}
		for _, order := range s.members {
			p.electors[order] = true
		}
		if uint64(len(p.electors)) != p.electorate {
			n.w.fail("SAFETY B14: %s has %d members: %s", e.Group, len(p.electors), e.JSON)
		}
		if p.at != 0 {
			p.deadline = min(p.deadline, p.at)
		}
		s.polls[id] = p
	case kind == "result" && p != nil && p.outcome == "":
		p.outcome, p.yes, p.no = text(e.JSON, "outcome"), field(e.JSON, "yes"), field(e.JSON, "no")
		here := s.present(p.electors)
		why := p.wrong(time, uint64(len(here)))
		if why == "" && n.w.plan.votes {
			why = p.miscounted(here)
		}
		if why != "" {
			n.w.fail("SAFETY B14: %s %s: %s", e.Group, why, e.JSON)
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

// miscounted says what is wrong with the votes that are told at the end of a poll, when of its electorate
// these are still here: the departed said no or nothing (SAFETY B14).
func (s *pollStory) miscounted(here map[uint64]bool) string {
	switch {
	case s.yes > both(s.triedYes, here) || s.no > both(s.triedNo, s.electors):
		return "counts votes that nobody cast, or of the departed"
	case s.yes < both(s.saidYes, here) || s.no < uint64(len(s.saidNo)):
		return "does not count votes that were acknowledged"
	}
	return ""
}

// wrong says what is wrong with the end of a poll at a time, when so many of its electorate are still here.
func (s *pollStory) wrong(time, here uint64) string {
	needs := s.electorate/2 + 1
	if s.consensus {
		needs = s.electorate
	}
	switch {
	case (s.outcome == "timeout") != (time >= s.deadline):
		return "ended at the wrong time"
	case (s.outcome == "yes") != (s.yes >= needs) ||
		s.outcome == "timeout" && (s.electorate-s.no < needs || here < needs):
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
