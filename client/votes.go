package client

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/caucus-project/caucus"
)

// VoteKind says how many of those who may vote must say yes.
type VoteKind int

// The kinds.
const (
	UsualVote VoteKind = iota // Majority, or with a time Consensus
	Majority                  // more than half of those who were members when the vote was called
	Consensus                 // all of them; it is no as soon as one of them leaves
)

// String is how events and commands call it; the usual kind has no name.
func (k VoteKind) String() string {
	switch k {
	case Majority:
		return "majority"
	case Consensus:
		return "consensus"
	}
	return ""
}

// VoteOptions say how a vote is called. What is zero is left to the ensemble.
type VoteOptions struct {
	Kind    VoteKind
	Timeout time.Duration // after which an undecided vote is over; 10 ms to an hour; zero means the group's
	// At makes it a vote on doing something at that time of the ensemble's clock, which Session.Now tells. It
	// must lie ahead; what is undecided then is over.
	At time.Time
}

func (o VoteOptions) command(group, topic string) caucus.Command {
	cmd := caucus.Command{"VOTE", "CALL", group, topic}
	if kind := o.Kind.String(); kind != "" {
		cmd = append(cmd, strings.ToUpper(kind))
	}
	if o.Timeout != 0 {
		cmd = append(cmd, "TIMEOUT", millis(o.Timeout))
	}
	if !o.At.IsZero() {
		cmd = append(cmd, "AT", strconv.FormatInt(o.At.UnixMilli(), 10))
	}
	return cmd
}

// VoteResult is what a vote has come to.
type VoteResult struct {
	Outcome    string // yes, no (yes is out of reach) or timeout
	Yes, No    int    // of those who had not departed, and of all
	Electorate int    // how many were asked
}

// CallVote lets the members of a group vote on a topic, without being one of them, and gives the number of
// the poll. It fails with caucus.ErrNoLeader while the group has no leader. Members hear of it by the event
// "vote".
func (c *Client) CallVote(ctx context.Context, group, topic string, opts VoteOptions) (uint64, error) {
	return pollOf(c.Do(ctx, opts.command(group, topic)))
}

func pollOf(r caucus.Reply, err error) (uint64, error) {
	if err == nil && (r.Kind != caucus.KindInt || r.Int <= 0) {
		err = fmt.Errorf("client: %w: a poll called %q", errProtocol, r.Text())
	}
	return uint64(r.Int), err
}

// polls reads the polls of the member's group until that works, the group is no more, or ctx ends.
func (m *Member) polls(ctx context.Context) ([]caucus.Reply, error) {
	var wait pause
	for {
		r, err := m.s.c.Do(ctx, caucus.Command{"VOTE", "LIST", m.group})
		if err == nil || errors.Is(err, caucus.ErrNoGroup) {
			return r.Items, err
		}
		if err := wait.wait(ctx); err != nil {
			return nil, err
		}
	}
}

// voteListed reads a poll as VOTE LIST tells it.
func voteListed(poll caucus.Reply) (v Vote, state string) {
	at := func(name string) time.Time { return unixMilli(poll.Field(name).Int) }
	return Vote{
		Poll: uint64(poll.Field("poll").Int), Topic: poll.Field("topic").Text(),
		Kind:       voteKind(poll.Field("kind").Text()),
		Electorate: int(poll.Field("electorate").Int), Deadline: at("deadline"), At: at("at"),
	}, poll.Field("state").Text()
}

// CallVote is Client.CallVote by a member. However often it has to be sent, the vote is called once.
func (m *Member) CallVote(ctx context.Context, topic string, opts VoteOptions) (uint64, error) {
	return pollOf(m.s.doOnce(ctx, opts.command(m.group, topic)))
}

// Cast votes. It fails with caucus.ErrNoMember when the member joined after the call, and with
// caucus.ErrConflict when it has voted otherwise before or the vote is over.
func (m *Member) Cast(ctx context.Context, poll uint64, yes bool) error {
	vote := "NO"
	if yes {
		vote = "YES"
	}
	_, err := m.s.do(ctx, caucus.Command{"VOTE", "CAST", m.group, strconv.FormatUint(poll, 10), vote})
	return err
}

// Result waits for what a vote comes to, until ctx ends.
func (m *Member) Result(ctx context.Context, poll uint64) (VoteResult, error) {
	return m.s.c.VoteResult(ctx, m.group, poll)
}

// resultWait is how long a node is asked to wait for a result before it is asked again, so that one that has
// vanished is not waited for.
const resultWait = 10 * time.Second

// VoteResult waits for what a vote comes to, until ctx ends, on a connection of its own to any node. Results
// can be had for ten minutes, then it fails with caucus.ErrNoPoll.
func (c *Client) VoteResult(ctx context.Context, group string, poll uint64) (VoteResult, error) {
	var wait pause
	after := ""
	for {
		l, err := c.dialAny(ctx, after)
		if err != nil {
			return VoteResult{}, err
		}
		r, err := c.awaitResult(ctx, l, group, poll)
		after = l.addr
		l.close()
		switch {
		case err == nil:
			return r, nil
		case ctx.Err() != nil:
			return VoteResult{}, fmt.Errorf("client: poll %d of %s is open: %w", poll, group, context.Cause(ctx))
		case !passing(err):
			return VoteResult{}, err
		}
		if ended := wait.wait(ctx); ended != nil {
			return VoteResult{}, notApplied(err, ended)
		}
	}
}

// awaitResult asks one node until it knows the result.
func (c *Client) awaitResult(ctx context.Context, l *link, group string, poll uint64) (VoteResult, error) {
	cmd := caucus.Command{"VOTE", "RESULT", group, strconv.FormatUint(poll, 10), "WAIT", millis(resultWait)}
	for {
		within, cancel := context.WithTimeout(ctx, resultWait+c.cfg.Timeout)
		replies, err := l.do(within, cmd)
		cancel()
		if err == nil {
			err = replies[0].Err()
		}
		if err != nil {
			return VoteResult{}, err
		}
		if !replies[0].IsNil() {
			return resultOf(replies[0].Items)
		}
	}
}

func resultOf(items []caucus.Reply) (VoteResult, error) {
	if len(items) < 4 {
		return VoteResult{}, fmt.Errorf("client: %w: a result of %d fields", errProtocol, len(items))
	}
	return VoteResult{Outcome: items[0].Text(), Yes: int(items[1].Int), No: int(items[2].Int),
		Electorate: int(items[3].Int)}, nil
}
