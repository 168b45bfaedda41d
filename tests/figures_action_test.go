package tests

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/nodetest"
)

const (
	actors     = 100
	actionRuns = 20
	notice     = 600 * time.Millisecond // how long before its time an action is voted on
)

// BenchmarkAction takes how far the members of a group are apart when they do what they have agreed on at its
// time, a hundred members on three nodes, each with a session of its own and so with its own estimate of the
// ensemble's clock: from the first to the last of them, and how far the one that is furthest off is from the
// time on the leading node's clock.
//
//	go test -run xxx -bench Action ./tests
func BenchmarkAction(b *testing.B) {
	c := nodetest.Start(b, 3)
	s := &stage{base: time.Now(), acts: make(chan act, actors)}
	s.enter(b, c.Addrs())
	clock := s.askClock(b, c.Addr(c.Leader()))
	var apart, off []time.Duration
	for range actionRuns {
		a, o := s.perform(b, clock)
		apart, off = append(apart, a), append(off, o)
	}
	b.ReportMetric(middle(apart).Seconds()*1000, "ms/apart")
	b.ReportMetric(middle(off).Seconds()*1000, "ms/off")
	b.ReportMetric(0, "ns/op")
	fmt.Printf("\n| %d members act | median (least to most of %d) |\n| --- | --- |\n"+
		"| from the first to the last | %s |\n| the worst of them off the time | %s |\n\n"+
		"%d of %d were missed, being later than 100 ms.\n\n", actors, actionRuns, spreadMillis(apart),
		spreadMillis(off), s.missed.Load(), actors*actionRuns)
}

// stage is the members and what they do. Times are since base, by this process's one clock.
type stage struct {
	base    time.Time
	members []*client.Member
	acts    chan act
	missed  atomic.Int32
}

// act is what one member did.
type act struct {
	at   time.Duration
	poll uint64 // 0 when it was missed
}

// enter has all members join.
func (s *stage) enter(b *testing.B, addrs []string) {
	b.Helper()
	s.members = make([]*client.Member, actors)
	opts := client.JoinOptions{
		Settle:   client.Immediately,
		OnAction: func(a client.Action) { s.acts <- act{time.Since(s.base), a.Poll} },
		OnMissed: func(client.Action, error) { s.missed.Add(1); s.acts <- act{} },
	}
	atOnce(b, actors, func(i int) (err error) {
		_, s.members[i], err = participate(b, slices.Concat(addrs[i%3:], addrs[:i%3]), "action", opts)
		return err
	})
}

// participate makes a member with a client and a session of its own, at the first of the nodes.
func participate(b testing.TB, addrs []string, group string, opts client.JoinOptions) (*client.Session,
	*client.Member, error) {
	cl, err := client.Dial(b.Context(), client.Config{Addrs: addrs})
	if err != nil {
		return nil, nil, err
	}
	b.Cleanup(func() { _ = cl.Close() })
	session, err := cl.Session(b.Context(), client.SessionOptions{})
	if err != nil {
		return nil, nil, err
	}
	b.Cleanup(func() { _ = session.Close() })
	m, err := session.Join(b.Context(), group, opts)
	return session, m, err
}

// perform has the members agree on an action and do it, and gives how far they were apart, and the furthest
// that one of them was off by the clock of the ensemble.
func (s *stage) perform(b *testing.B, clock func() (time.Duration, error)) (apart, off time.Duration) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), nodetest.Patience)
	defer cancel()
	ahead, err := clock()
	if err != nil {
		b.Fatal(err)
	}
	at := time.UnixMicro((time.Since(s.base) + ahead + notice).Microseconds()).Truncate(time.Millisecond)
	poll, err := s.members[0].CallVote(ctx, "act", client.VoteOptions{Timeout: time.Minute, At: at})
	if err != nil {
		b.Fatal(err)
	}
	atOnce(b, actors, func(i int) error { return s.members[i].Cast(ctx, poll, true) })
	var times []time.Duration
	for range actors {
		select {
		case a := <-s.acts:
			if a.poll == poll {
				times = append(times, a.at)
			} else if a.poll != 0 {
				b.Fatalf("poll %d was acted on, not %d", a.poll, poll)
			}
		case <-ctx.Done():
			b.Fatal("not all have acted")
		}
	}
	if ahead, err = clock(); err != nil || len(times) == 0 {
		b.Fatalf("%d acted: %v", len(times), err)
	}
	for _, t := range times {
		off = max(off, (t + ahead - time.Duration(at.UnixNano())).Abs())
	}
	return slices.Max(times) - slices.Min(times), off
}

// askClock gives a way to ask a node by how much the ensemble's clock is ahead of the time since base, by the
// quickest of some questions.
func (s *stage) askClock(b *testing.B, addr string) func() (time.Duration, error) {
	b.Helper()
	line, err := nodetest.Dial(addr)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { line.Close() })
	if err := orders(line, caucus.Command{"SESSION", "OPEN", "TTL", patientTTL}); err != nil {
		b.Fatal(err)
	}
	return func() (ahead time.Duration, err error) {
		quickest := time.Hour
		for range 20 {
			sent := time.Since(s.base)
			promise, err := line.Do("SESSION", "KEEPALIVE")
			if err != nil || len(promise.Items) != 3 {
				return 0, fmt.Errorf("no promise but %v: %w", promise, err)
			}
			if trip := time.Since(s.base) - sent; trip < quickest {
				told := time.Duration(promise.Items[1].Int) * time.Microsecond
				quickest, ahead = trip, told-sent-trip/2
			}
		}
		return ahead, nil
	}
}
