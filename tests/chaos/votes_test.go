//go:build linux

package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/tests/chaos/history"
)

// votes is members of a group that call votes and vote, and all of them hear what comes of it.
type votes struct {
	listeners
	calls notes[history.Calling]
	casts notes[history.Cast]
	told  notes[history.Told]
}

const electors = 4

func (v *votes) run(ctx context.Context, c *crew) error {
	v.group = "council"
	if !c.create(ctx, v.group, "SETTLE", "100") {
		return nil
	}
	var clients sync.WaitGroup
	clients.Go(func() { v.follow(ctx, c) })
	for i := range electors {
		clients.Go(func() {
			rng := c.rand(i)
			opts := client.SessionOptions{TTL: 5 * time.Second, Grace: 3 * time.Second}
			c.visits(ctx, i, opts, func(ctx context.Context, s *client.Session, visit string) {
				v.elector(ctx, c, s, i, visit, rng)
			})
		})
	}
	clients.Wait()
	return nil
}

// elector is a member for a while. It casts every vote that it hears of, but for some, and calls some.
func (v *votes) elector(ctx context.Context, c *crew, s *client.Session, id int, visit string,
	rng *rand.Rand) {
	whim := c.rand(id + 100) // of the handler, which runs beside
	handlers := &client.Handlers{
		OnVote: func(m *client.Member, one client.Vote) {
			if chance := whim.IntN(10); chance > 0 {
				v.cast(c, m, id, visit, one.Poll, chance > 2)
			}
		},
		OnResult: func(_ *client.Member, one client.Vote, result client.VoteResult) {
			now := moment()
			v.told.add(history.Told{Poll: one.Poll, Result: result,
				Call: history.Call{Span: history.Span{From: now, To: now}, Client: id}})
		},
	}
	m, err := s.Join(ctx, v.group, client.JoinOptions{Name: visit, Handlers: handlers})
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second+time.Duration(rng.Int64N(int64(30*time.Second))))
	defer cancel()
	for n := 0; ctx.Err() == nil; n++ {
		v.call(c, m, id, fmt.Sprintf("%s.%d", visit, n), rng)
		rest(ctx, time.Second, rng)
	}
}

func (v *votes) cast(c *crew, m *client.Member, id int, member string, poll uint64, yes bool) {
	one := history.Cast{Poll: poll, Member: member, Yes: yes}
	one.Call, _ = c.write(id, func(ctx context.Context) error { return m.Cast(ctx, poll, yes) })
	v.casts.add(one)
}

// call calls a vote, and asks what has come of it.
func (v *votes) call(c *crew, m *client.Member, id int, topic string, rng *rand.Rand) {
	one := history.Calling{Topic: topic}
	opts := client.VoteOptions{Kind: client.Majority,
		Timeout: 100*time.Millisecond + time.Duration(rng.Int64N(int64(2*time.Second)))}
	if rng.IntN(2) == 0 {
		opts.Kind = client.Consensus
	}
	var err error
	one.Call, err = c.write(id, func(ctx context.Context) (err error) {
		one.Poll, err = m.CallVote(ctx, topic, opts)
		return err
	})
	v.calls.add(one)
	if err == nil {
		v.ask(c, id, one.Poll, m.Result)
	}
}

func (v *votes) ask(c *crew, id int, poll uint64,
	result func(ctx context.Context, poll uint64) (client.VoteResult, error)) {
	one := history.Told{Poll: poll}
	one.Call, _ = c.read(id, func(ctx context.Context) (err error) {
		one.Result, err = result(ctx, poll)
		return err
	})
	v.told.add(one)
}

// check asks once more for the results of the newest votes, of which none may be open.
func (v *votes) check(ctx context.Context, c *crew) error {
	calls := v.calls.all()
	if len(calls) == 0 {
		return nil // no node was ever in reach
	}
	conn, err := c.dial(ctx, 1)
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, one := range calls[max(0, len(calls)-20):] {
		if one.Fate == history.Done {
			v.ask(c, -1, one.Poll, func(ctx context.Context, poll uint64) (client.VoteResult, error) {
				return conn.VoteResult(ctx, v.group, poll)
			})
		}
	}
	merged, err := v.merged(ctx, c)
	if err != nil {
		return err
	}
	return c.judged("votes", history.Votes(merged, calls, v.casts.all(), v.told.all()))
}
