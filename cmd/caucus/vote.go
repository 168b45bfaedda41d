package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
)

// voteCmd lets a group vote and waits for what it comes to.
type voteCmd struct {
	ensembleFlags
	Group     groupName      `arg:"" help:"The group, whose members now are asked."`
	Topic     string         `arg:"" help:"What is voted on."`
	Consensus bool           `help:"All must say yes, not more than half; so it is with --at as well."`
	Timeout   *time.Duration `help:"When an undecided vote is over; by default the group's VOTETIMEOUT, 1.5s unless stated." placeholder:"1.5s"`
	At        moment         `help:"Vote on doing something at a time: +DURATION from now on the ensemble's clock, or like 2006-01-02T15:04:05Z." placeholder:"+2s"`
}

// What a vote may take, and how much longer its outcome is asked for when no node can tell it.
const (
	shortestVote = 10 * time.Millisecond
	longestVote  = time.Hour
	votePatience = time.Minute
)

// Validate looks at what can be judged before anything is done; kong calls it.
func (c *voteCmd) Validate() error {
	if c.Timeout != nil && (*c.Timeout < shortestVote || *c.Timeout > longestVote) {
		return fmt.Errorf("--timeout must be from %v to %v, not %v", shortestVote, longestVote, *c.Timeout)
	}
	return nil
}

// Run exits with 0 when the outcome is yes, with 1 when it is not or nobody was asked, and with 3 when the
// vote was called and its outcome could not be learnt.
func (c *voteCmd) Run(ctx context.Context) error {
	cl, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer cl.Close()
	opts := client.VoteOptions{}
	limit := longestVote
	if c.Timeout != nil {
		opts.Timeout, limit = *c.Timeout, *c.Timeout
	}
	if c.Consensus {
		opts.Kind = client.Consensus
	}
	if opts.At, err = c.At.time(ctx, cl); err != nil {
		return err
	}
	poll, err := cl.CallVote(ctx, string(c.Group), c.Topic, opts)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, limit+votePatience)
	defer cancel()
	r, err := cl.VoteResult(ctx, string(c.Group), poll)
	if err != nil {
		return &exitStatus{exitUnknown, fmt.Errorf("the vote was called, and its outcome is not known: %w", err)}
	}
	return c.tell(r, opts.At)
}

func (c *voteCmd) tell(r client.VoteResult, at time.Time) error {
	text := fmt.Sprintf("%s: %d yes and %d no of %d", r.Outcome, r.Yes, r.No, r.Electorate)
	if r.Outcome != "yes" {
		fmt.Println(text)
		return &exitStatus{exitFailed, nil}
	}
	if !at.IsZero() {
		text += ", at " + at.Local().Format("15:04:05.000")
	}
	fmt.Println(text)
	return nil
}

// moment is a time that a person states: none, from now, or of the calendar.
type moment struct {
	ahead time.Duration // from now on; 0 for one of the calendar
	when  time.Time
}

// UnmarshalText reads what stands on the command line.
func (m *moment) UnmarshalText(text []byte) error {
	var err error
	if ahead, ok := strings.CutPrefix(string(text), "+"); ok {
		m.ahead, err = time.ParseDuration(ahead)
		if err == nil && m.ahead <= 0 {
			err = errors.New("it must lie ahead")
		}
	} else {
		m.when, err = time.Parse(time.RFC3339Nano, string(text))
	}
	if err != nil {
		return fmt.Errorf("%q is neither like +2s nor like 2006-01-02T15:04:05Z: %w", text, err)
	}
	return nil
}

// time gives the moment, zero when none was stated. The ensemble says what is now.
func (m *moment) time(ctx context.Context, cl *client.Client) (time.Time, error) {
	if m.ahead == 0 {
		return m.when, nil
	}
	r, err := cl.Do(ctx, caucus.Command{"TIME"})
	if err != nil {
		return time.Time{}, err
	}
	var seconds, micros int64
	if len(r.Items) == 2 {
		_, err = fmt.Sscan(r.Items[0].Text()+" "+r.Items[1].Text(), &seconds, &micros)
	}
	if err != nil || seconds == 0 {
		return time.Time{}, fmt.Errorf("the node says no time but %v", r)
	}
	return time.Unix(seconds, micros*1000).Add(m.ahead), nil
}
