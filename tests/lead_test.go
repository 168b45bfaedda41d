package tests

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/nodetest"
)

// candidates are members that lead in turn. What each does while it leads must have ended before the next
// begins, under a higher term.
type candidates struct {
	t       *testing.T
	running atomic.Int64
	term    atomic.Uint64
	begun   atomic.Int64
	fenced  atomic.Int64
}

// lead is what a member does: it counts, under a guard, until its context ends, and takes a moment to stop.
func (c *candidates) lead(ctx context.Context, s *client.Session, term uint64) error {
	if n := c.running.Add(1); n != 1 {
		c.t.Errorf("%d lead at once", n)
	}
	defer c.running.Add(-1)
	if before := c.term.Swap(term); before > term {
		c.t.Errorf("term %d after term %d", term, before)
	}
	c.begun.Add(1)
	for ctx.Err() == nil {
		_, err := s.Transact(ctx, []caucus.Command{{"INCR", "led"}}, client.GuardTerm("g", term))
		if errors.Is(err, client.ErrFenced) {
			c.fenced.Add(1)
			<-ctx.Done()
		}
	}
	time.Sleep(10 * time.Millisecond)
	return ctx.Err()
}

// Three members lead in turn while the leadership is transferred and given up and nodes are killed.
func TestA3_MembersLeadOneAfterTheOther(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	all := &candidates{t: t}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var leading sync.WaitGroup
	var members []*client.Member
	for i := range 3 {
		s, _ := visit(t, c, i, client.SessionOptions{TTL: 5 * time.Second, Grace: 5 * time.Second})
		m, err := s.Join(ctx, "g", client.JoinOptions{Name: fmt.Sprint("m", i), Settle: client.Immediately})
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, m)
		leading.Go(func() {
			err := m.Lead(ctx, func(ctx context.Context, term uint64) error { return all.lead(ctx, s, term) })
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Lead of %s ended with %v", m.Name(), err)
			}
		})
	}
	cl, err := client.Dial(ctx, client.Config{Addrs: c.Addrs()})
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	rounds := 9
	if testing.Short() {
		rounds = 3
	}
	for round := range rounds {
		before := all.begun.Load()
		switch round % 3 {
		case 0:
			all.transfer(ctx, cl, members)
		case 1:
			i := slices.IndexFunc(members, func(m *client.Member) bool { _, ok := m.IsLeader(); return ok })
			if i < 0 {
				i = 0
			}
			if err := members[i].Resign(ctx); err != nil {
				t.Error(err)
			}
			continue
		case 2:
			node := c.Leader()
			c.Kill(node)
			all.transfer(ctx, cl, members)
			c.Restart(node)
		}
		nodetest.Eventually(t, "another leads", func() bool { return all.begun.Load() > before })
	}
	stop()
	leading.Wait()
	t.Logf("%d began to lead, %d were fenced", all.begun.Load(), all.fenced.Load())
}

// transfer hands the leadership to one who has it not.
func (c *candidates) transfer(ctx context.Context, cl *client.Client, members []*client.Member) {
	c.t.Helper()
	l, _, err := cl.Leader(ctx, "g")
	if err != nil {
		c.t.Error(err)
	}
	heir := slices.IndexFunc(members, func(m *client.Member) bool { return m.Name() != l.Member })
	// It may have been heard when the node that was asked died; naming the same heir again changes nothing.
	for {
		_, err := cl.Transfer(ctx, "g", members[heir].Name())
		if !errors.Is(err, caucus.ErrUncertain) {
			if err != nil {
				c.t.Error(err)
			}
			return
		}
	}
}
