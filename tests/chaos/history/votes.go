package history

import (
	"maps"
	"slices"

	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/ballot"
)

// Calling is the calling of a poll. Poll is its number, if it was done.
type Calling struct {
	Call
	Poll  uint64
	Topic string // of its own
}

// Cast is a vote that a member sent.
type Cast struct {
	Call
	Poll   uint64
	Member string
	Yes    bool
}

// Told is what somebody was answered who asked for the result of a poll.
type Told struct {
	Call
	Poll   uint64
	Result client.VoteResult
}

// poll is one as events tell it.
type poll struct {
	called, ended client.Event    // ended has no Kind while it is open
	electors      map[string]bool // who was a member at the call; nil when that is not known
	gone          map[string]bool // those of them who left while it was open
}

// polls are those that events tell of.
type polls struct {
	*Verdict
	byID    map[uint64]*poll
	byTopic map[string]*poll
}

// Votes says whether each poll that was called had one result for everybody, when its time was over or its
// votes had decided it, and whether the votes that were acknowledged are in it. The events are those of one
// group. No two members of a run have one name, and nobody votes in two ways.
func Votes(merged []client.Event, calls []Calling, casts []Cast, told []Told) (v Verdict) {
	v.Judged = len(calls) + len(casts) + len(told)
	ps := polls{&v, map[uint64]*poll{}, map[string]*poll{}}
	ps.read(merged)
	ps.called(calls)
	ps.count(casts)
	ps.answered(told)
	return v
}

// read follows the events, and who is a member.
func (ps polls) read(merged []client.Event) {
	var members map[string]bool // nil while that is not known
	var last client.Event
	for _, e := range merged {
		if begins(e) {
			members = map[string]bool{}
		} else if !follows(e, last) {
			members = nil
			ps.doubt()
		}
		last = e
		switch e.Kind {
		case "joined":
			if members != nil {
				members[e.Member] = true
			}
		case "left":
			delete(members, e.Member)
			ps.departs(e.Member)
		case "vote":
			ps.begins(e, members)
		case "result":
			ps.ends(e)
		}
	}
}

// doubt says that of polls which are open something was missed.
func (ps polls) doubt() {
	for _, p := range ps.byID {
		if p.ended.Kind == "" {
			p.electors = nil
		}
	}
}

func (ps polls) departs(member string) {
	for _, p := range ps.byID {
		if p.ended.Kind == "" && p.electors[member] {
			p.gone[member] = true
		}
	}
}

func (ps polls) begins(e client.Event, members map[string]bool) {
	if ps.byID[e.Poll] != nil || ps.byTopic[e.Topic] != nil {
		ps.wrong("a poll was called twice: %s", e.Raw)
	}
	if members != nil && len(members) != e.Electorate {
		ps.wrong("of %d members %d may vote: %s", len(members), e.Electorate, e.Raw)
	}
	p := &poll{called: e, electors: maps.Clone(members), gone: map[string]bool{}}
	ps.byID[e.Poll], ps.byTopic[e.Topic] = p, p
}

// ends sees that a poll ended once, and by its time only when that was over.
func (ps polls) ends(e client.Event) {
	p := ps.byID[e.Poll]
	if p == nil {
		return // it was called before anybody listened
	}
	if p.ended.Kind != "" {
		ps.wrong("a poll ended twice: %s; %s", p.ended.Raw, e.Raw)
		return
	}
	p.ended = e
	deadline := p.called.Deadline
	if p.called.At > 0 {
		deadline = min(deadline, p.called.At)
	}
	if (e.Time >= deadline) != (e.Outcome == ballot.Timeout.String()) {
		ps.wrong("a poll ended at the wrong time: %s; %s", p.called.Raw, e.Raw)
	}
}

// called sees that each poll whose calling was acknowledged is there, under its number, and ended, and none
// that was refused.
func (ps polls) called(calls []Calling) {
	for _, c := range calls {
		p := ps.byTopic[c.Topic]
		switch {
		case c.Fate == Refused && p != nil:
			ps.wrong("the poll %q was refused, and events tell of it: %s", c.Topic, p.called.Raw)
		case c.Fate != Done:
		case p == nil:
			ps.wrong("the poll %q was called as number %d, and no event tells of it", c.Topic, c.Poll)
		case p.called.Poll != c.Poll:
			ps.wrong("the poll %q was called as number %d: %s", c.Topic, c.Poll, p.called.Raw)
		case p.ended.Kind == "":
			ps.wrong("the poll %q has not ended", c.Topic)
		}
	}
}

// answered sees that whoever was told of a result was told that of the events.
func (ps polls) answered(told []Told) {
	for _, t := range told {
		p := ps.byID[t.Poll]
		if t.Fate != Done || p == nil {
			continue
		}
		e := p.ended
		want := client.VoteResult{Outcome: e.Outcome, Yes: e.Yes, No: e.No, Electorate: e.Electorate}
		if t.Result != want {
			ps.wrong("client %d was told that poll %d came to %+v; events tell %+v", t.Client, t.Poll, t.Result, want)
		}
	}
}

// ballots are the votes in a poll by what is known of them.
type ballots struct{ sureYes, mayYes, sureNo, mayNo, goneNo int }

// count sees that each result is what the votes make it.
func (ps polls) count(casts []Cast) {
	byPoll := map[uint64]map[string][]Cast{}
	for _, c := range casts {
		if byPoll[c.Poll] == nil {
			byPoll[c.Poll] = map[string][]Cast{}
		}
		byPoll[c.Poll][c.Member] = append(byPoll[c.Poll][c.Member], c)
	}
	for id, p := range ps.byID {
		if p.electors == nil || p.ended.Kind == "" {
			continue
		}
		var b ballots
		for member, list := range byPoll[id] {
			ps.counts(&b, p, member, list)
		}
		ps.judge(p, b)
	}
}

// counts adds the votes of one member, of which one at most counts: of the departed only a no (SAFETY B14).
func (ps polls) counts(b *ballots, p *poll, member string, list []Cast) {
	sure, may := 0, 0
	for _, c := range list {
		if c.Fate == Done {
			sure, may = 1, 1
		}
		if c.Fate == Uncertain {
			may = 1
		}
	}
	yes := slices.ContainsFunc(list, func(c Cast) bool { return c.Yes })
	switch {
	case !p.electors[member] && sure > 0:
		ps.wrong("%s voted, and was no member at the call: %s", member, p.called.Raw)
	case !p.electors[member]:
	case yes && !p.gone[member]:
		b.sureYes, b.mayYes = b.sureYes+sure, b.mayYes+may
	case !yes:
		b.sureNo, b.mayNo = b.sureNo+sure, b.mayNo+may
		if p.gone[member] {
			b.goneNo += may
		}
	}
}

// judge compares the end of a poll with its votes.
func (ps polls) judge(p *poll, b ballots) {
	e := p.ended
	if e.Yes < b.sureYes || e.Yes > b.mayYes || e.No < b.sureNo || e.No > b.mayNo {
		ps.wrong("%d to %d yes and %d to %d no were said: %s", b.sureYes, b.mayYes, b.sureNo, b.mayNo, e.Raw)
	}
	count := ballot.Count{Kind: ballot.Majority, Electorate: e.Electorate, Yes: e.Yes, No: e.No}
	if p.called.VoteKind == ballot.Consensus.String() {
		count.Kind = ballot.Consensus
	}
	for silent := max(0, len(p.gone)-b.goneNo); silent <= len(p.gone); silent++ { // of the departed
		count.Gone = silent
		want := count.Outcome()
		if want.String() == e.Outcome || want == ballot.Open && e.Outcome == ballot.Timeout.String() {
			return
		}
	}
	ps.wrong("that is not what so many votes come to, %d having left: %s", len(p.gone), e.Raw)
}
