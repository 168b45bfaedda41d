package client

import (
	"context"
	"errors"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/follow"
)

// Handlers are told what happens in a group from the moment a member joined, its own joining first. They are
// called one at a time, in the order of the group's events, on a connection of their own, so a slow one
// holds up only those after it: no belief, no heartbeat, no OnRevoke. They may call any method of the Member,
// and must return in the end, since Session.Close waits for that and must not be called by them.
//
// What passes through the log, which is all but plain messages, is told once and without a gap: what was
// missed while no node was in reach, or since handlers were so slow that the node stopped sending, is read
// again. Where it is no longer kept OnGap says so, and OnVote is called for the votes that are open. Which
// fields an Event has depends on its Kind. A nil handler is not called.
type Handlers struct {
	// OnMessage is told of messages to all members, the sender among them, to the leader if this member was
	// addressed as such, and to this member alone: see Message.Kind.
	OnMessage func(*Member, Message)
	// OnVote is told of every vote that is called, also of one about an action, which has a time. Member.Cast
	// answers, in OnVote or later.
	OnVote func(*Member, Vote)
	// OnResult is told what a vote has come to. An action that was agreed on is for JoinOptions.OnAction.
	OnResult func(*Member, Vote, VoteResult)
	// OnJoined and OnLeft are told who came and went, and why: Member, Size, Metadata, Reason.
	OnJoined, OnLeft func(*Member, Event)
	// OnLeader is told who leads now, and who led before, if somebody did: Member, Term, Previous, Reason.
	OnLeader func(*Member, Event)
	// OnLeaderless is told that the leader has gone and nobody else can lead: Previous, Term, Reason.
	OnLeaderless func(*Member, Event)
	// OnGap is told that events were missed which can be read no more: From, Oldest. Read what you need of the
	// group anew.
	OnGap func(*Member, Event)
}

// Message is one that a member receives.
type Message struct {
	Kind    string // all, ordered (all, in one order for everyone), leader or member, as it was addressed
	Sender  string // name of the member that sent it, "" for one who is none
	Term    uint64 // under which the sender led, 0 if it did not
	Payload string // any bytes
	// N counts, from 1 and within a Part, the messages of this sender to the same receivers, so that a gap shows
	// what was missed. Both are 0 for ordered ones, of which none is.
	Part, N        uint64
	Sent, Received time.Time // on the ensemble's clock
}

// Vote is one that was called.
type Vote struct {
	Poll       uint64
	Topic      string // any bytes
	Kind       VoteKind
	Caller     string    // name of the member that called it, if one did and that is known
	Electorate int       // how many may vote
	Deadline   time.Time // on the ensemble's clock; not told with a result
	At         time.Time // when to do what is voted on; zero for a plain vote
}

// attendant calls the handlers of one member.
type attendant struct {
	m     *Member
	h     *Handlers
	ctx   context.Context
	begun bool   // its joining was told
	poll  uint64 // the newest that was told
}

// attend calls the handlers until ctx ends or the member is none any more. Ready is called when it listens.
func (m *Member) attend(ctx context.Context, h *Handlers, place *follow.Place, ready func()) {
	a := &attendant{m: m, h: h, ctx: ctx}
	r := &reader{c: m.s.c, place: place, yield: a.take, ready: ready, hears: []caucus.Command{
		{"SESSION", "INFO", m.s.id}, // who knows its id may hear what is for its member
		{"SUBSCRIBE", caucus.EventChannel(m.group), caucus.MemberChannel(m.group, m.name)}}}
	for m.Err() == nil {
		// What ended it may pass: the member's heartbeats find out whether it is none any more.
		if errors.Is(r.run(ctx), errLoopLeft) || r.wait.wait(ctx) != nil {
			return
		}
	}
}

// take takes the next event, and says whether more are wanted.
func (a *attendant) take(e Event, _ error) bool {
	own := e.Member == a.m.name
	a.begun = a.begun || e.Kind == "joined" && own || e.Kind == follow.GapKind
	if a.begun && a.ctx.Err() == nil {
		a.tell(e)
	}
	a.begun = a.begun && !(e.Kind == "left" && own)
	return a.ctx.Err() == nil
}

// tell calls the handler of an event.
func (a *attendant) tell(e Event) {
	switch h := a.h; {
	case e.Kind == "message" && h.OnMessage != nil:
		h.OnMessage(a.m, messageOf(e))
	case e.Kind == "vote":
		a.tellVote(voteIn(e))
	case e.Kind == "result" && h.OnResult != nil:
		h.OnResult(a.m, voteIn(e), VoteResult{e.Outcome, e.Yes, e.No, e.Electorate})
	case e.Kind == "joined" && h.OnJoined != nil:
		h.OnJoined(a.m, e)
	case e.Kind == "left" && h.OnLeft != nil:
		h.OnLeft(a.m, e)
	case e.Kind == "leader" && h.OnLeader != nil:
		h.OnLeader(a.m, e)
	case e.Kind == "leaderless" && h.OnLeaderless != nil:
		h.OnLeaderless(a.m, e)
	case e.Kind == follow.GapKind:
		if h.OnGap != nil {
			h.OnGap(a.m, e)
		}
		a.recallVotes()
	}
}

// tellVote calls OnVote for a vote that it was not called for. Polls are numbered as they are called.
func (a *attendant) tellVote(v Vote) {
	if v.Poll > a.poll && a.h.OnVote != nil {
		a.poll = v.Poll
		a.h.OnVote(a.m, v)
	}
}

// recallVotes tells of the votes that are open, after a gap in which they may have been called.
func (a *attendant) recallVotes() {
	if a.h.OnVote == nil {
		return
	}
	polls, _ := a.m.polls(a.ctx) // an error is the end of the member, of which there is nothing to tell
	for _, p := range polls {
		if v, state := voteListed(p); state == "open" {
			a.tellVote(v)
		}
	}
}

func messageOf(e Event) Message {
	return Message{Kind: e.VoteKind, Sender: e.Sender, Term: e.Term, Payload: e.Payload, Part: e.Part, N: e.N,
		Sent: time.UnixMicro(e.Sent), Received: time.UnixMicro(e.Received)}
}

func voteIn(e Event) Vote {
	return Vote{Poll: e.Poll, Topic: e.Topic, Kind: voteKind(e.VoteKind), Caller: e.Caller,
		Electorate: e.Electorate, Deadline: unixMilli(e.Deadline), At: unixMilli(e.At)}
}

func voteKind(word string) VoteKind {
	if word == "consensus" {
		return Consensus
	}
	return Majority
}

// unixMilli is time.UnixMilli with 0 for no time.
func unixMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// placeIn is where a member that is about to join begins to be told.
func (c *Client) placeIn(ctx context.Context, group string) (*follow.Place, error) {
	r, err := c.Do(ctx, caucus.Command{"GROUP", "INFO", group})
	switch {
	case errors.Is(err, caucus.ErrNoGroup):
		return follow.From(group, 0), nil
	case err != nil:
		return nil, err
	}
	return follow.From(group, uint64(r.Field("seq").Int)+1), nil
}
