package machine

import (
	"fmt"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/ballot"
	"github.com/tidwall/btree"
)

// polls are those of a group in its present life that can be read.
type polls struct {
	called btree.Map[uint64, *poll] // by id
	weight int                      // of all of them
	open   int                      // how many are undecided
}

// What is kept of polls in a group: so many, of so much weight together. Of those that are over the oldest
// are let go before their time to make room; the others are never.
const (
	pollsKept   = 1024
	pollsWeigh  = 8 << 20
	electWeight = 16      // of one of the electorate, about what its vote takes
	resultsKept = 600_000 // milliseconds
)

// poll is a vote of those who were members when it was called (SAFETY B14). Which members these are needs no
// list: they joined no later than the last of them, and have not left since.
type poll struct {
	id       uint64 // from the counter, so that no poll of another life of the group is ever meant
	topic    string
	last     uint64 // join order of the last who had joined when it was called
	at       int64  // when to do what is voted on, unix milliseconds; 0 for a plain vote
	deadline int64  // when it ends at the latest, unix milliseconds; not after at
	due      int64  // when the next thing happens to it, unix milliseconds
	count    ballot.Count
	outcome  ballot.Outcome
	done     bool                    // the time of an action that was agreed on has come
	votes    btree.Map[uint64, bool] // by join order; they stay, so that a vote can be repeated
}

// IsoCopy gives a poll that shares everything with the first until either is changed (SAFETY B12).
func (p *poll) IsoCopy() *poll {
	c := *p
	c.votes = share(&p.votes)
	return &c
}

// agreed says whether the time of an action is still to come.
func (p *poll) agreed() bool { return p.outcome == ballot.Yes && p.at != 0 && !p.done }

// over says whether nothing but to be read is left for a poll.
func (p *poll) over() bool { return p.outcome != ballot.Open && !p.agreed() }

func (p *poll) weight() int { return len(p.topic) + electWeight*p.count.Electorate }

// standing says how a poll stands, for errors.
func (p *poll) standing() string {
	state := "has come to " + p.outcome.String()
	if p.outcome == ballot.Open {
		state = "is open"
	}
	return fmt.Sprintf("poll %d %s, with %d yes and %d no of %d", p.id, state, p.count.Yes, p.count.No,
		p.count.Electorate)
}

// put and drop keep what is summed up over the polls.
func (ps *polls) put(p *poll) {
	ps.called.Set(p.id, p)
	ps.weight += p.weight()
	if p.outcome == ballot.Open {
		ps.open++
	}
}

func (ps *polls) drop(p *poll) {
	ps.called.Delete(p.id)
	ps.weight -= p.weight()
	if p.outcome == ballot.Open {
		ps.open--
	}
}

// room gives the polls that must be let go before one of a weight can be called, the oldest that are over,
// and says whether that would do. If it does not, these are all that are over.
func (ps *polls) room(weight int) (old []*poll, ok bool) {
	left, total := ps.called.Len(), ps.weight+weight
	fits := func() bool { return left == 0 || left < pollsKept && total <= pollsWeigh }
	ps.called.Scan(func(_ uint64, p *poll) bool {
		if !fits() && p.over() {
			old = append(old, p)
			left, total = left-1, total-p.weight()
		}
		return !fits()
	})
	return old, fits()
}

// undecided gives the ids of the polls that are open.
func (ps *polls) undecided() []uint64 {
	ids := make([]uint64, 0, ps.open)
	if ps.open > 0 {
		ps.called.Scan(func(id uint64, p *poll) bool {
			if p.outcome == ballot.Open {
				ids = append(ids, id)
			}
			return len(ids) < ps.open
		})
	}
	return ids
}

// withdraw takes back what a member that departs has said, in the polls that are still open.
func (ps *polls) withdraw(order uint64) {
	for _, id := range ps.undecided() {
		if p, _ := ps.called.GetMut(id); order <= p.last {
			yes, voted := p.votes.Get(order)
			p.count.Depart(voted, yes)
		}
	}
}

// poll finds a poll of the group.
func (g *group) poll(id uint64) (*poll, *caucus.Error) {
	if p, ok := g.called.Get(id); ok {
		return p, nil
	}
	return nil, caucus.Errorf(caucus.ErrNoPoll, "group '%s' has no poll %d (any more); results can be read for "+
		"%d minutes", g.name, id, resultsKept/60_000)
}

// judgePolls ends the polls that have been decided by who has departed.
func (m *Machine) judgePolls(g *group) {
	for _, id := range g.undecided() {
		p, _ := g.called.Get(id)
		m.judge(g, p)
	}
}

// judge ends a poll as soon as its outcome cannot change any more.
func (m *Machine) judge(g *group, p *poll) {
	if outcome := p.count.Outcome(); outcome != ballot.Open {
		m.conclude(g, p.id, outcome)
	}
}

// conclude ends a poll. What was agreed on waits for its time then.
func (m *Machine) conclude(g *group, id uint64, outcome ballot.Outcome) {
	p, _ := g.called.GetMut(id)
	p.outcome = outcome
	g.open--
	if p.agreed() {
		m.schedule(g, p, p.at)
	} else {
		m.schedule(g, p, m.now/1000+resultsKept)
	}
	t := m.tellPoll(g, "result", p).text("kind", p.count.Kind.String()).text("outcome", outcome.String()).
		integer("yes", int64(p.count.Yes)).integer("no", int64(p.count.No)).
		integer("electorate", int64(p.count.Electorate))
	t.moment("at", p.at).done()
}

func (m *Machine) tellPoll(g *group, event string, p *poll) *telling {
	return m.tell(g, event).number("poll", p.id).bytes("topic", p.topic)
}

// dueOf gives the deadline of a poll. There is always one (SAFETY B6): its end, then the time of its action,
// then that nobody can read it any more.
func dueOf(g *group, p *poll) deadline {
	return deadline{at: p.due * 1000, kind: pollDue, name: g.name, number: p.id}
}

func (m *Machine) schedule(g *group, p *poll, due int64) {
	m.disarm(dueOf(g, p))
	p.due = due
	m.arm(dueOf(g, p))
}

// pollIsDue does what has fallen due for a poll.
func (m *Machine) pollIsDue(name string, id uint64) {
	g, _ := m.groups.GetMut(name)
	p, _ := g.called.GetMut(id)
	switch {
	case p.outcome == ballot.Open:
		m.conclude(g, id, ballot.Timeout)
	case p.agreed():
		p.done = true
		m.schedule(g, p, m.now/1000+resultsKept)
		m.tellPoll(g, "action", p).integer("at", p.at).done()
	default:
		m.forget(g, p)
	}
}

func (m *Machine) forget(g *group, p *poll) {
	m.disarm(dueOf(g, p))
	g.drop(p)
}

func (m *Machine) forgetPolls(g *group) {
	for _, p := range g.called.Values() {
		m.forget(g, p)
	}
}
