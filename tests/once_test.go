package tests

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/nodetest"
)

// The node that leads is killed, and sometimes a second one with it, again and again, while sessions count,
// alone and in transactions. No outcome stays unknown, and each addition is there once.
func TestA15_EveryAdditionOfASessionIsAppliedOnce(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var added atomic.Int64
	var counters sync.WaitGroup
	for i := range 6 {
		s, _ := visit(t, c, i%3, client.SessionOptions{TTL: time.Minute, Grace: time.Minute})
		counters.Go(func() { count(ctx, t, s, i%2 == 0, &added) })
	}
	kills := 12
	if testing.Short() {
		kills = 4
	}
	for round := range kills {
		before := added.Load()
		nodetest.Eventually(t, "sessions count on", func() bool { return added.Load() > before+60 })
		down := []int{c.Leader()}
		if round%3 == 2 { // nobody leads until one of them is back
			down = append(down, (down[0]+1)%3)
		}
		for _, i := range down {
			c.Kill(i)
		}
		for _, i := range down {
			c.Restart(i)
		}
	}
	stop()
	counters.Wait()
	alone, paired, pair := number(t, c, "alone"), number(t, c, "paired"), number(t, c, "pair")
	if alone+paired != added.Load() || paired != pair {
		t.Errorf("of %d additions there are %d; of pairs %d and %d", added.Load(), alone+paired, paired, pair)
	}
}

// count adds with a session, one by one, until ctx ends.
func count(ctx context.Context, t *testing.T, s *client.Session, pairs bool, added *atomic.Int64) {
	for ctx.Err() == nil {
		within, cancel := context.WithTimeout(context.Background(), nodetest.Patience)
		var err error
		if pairs {
			_, err = s.Transact(within, []caucus.Command{{"INCR", "paired"}, {"INCR", "pair"}})
		} else {
			_, err = s.IncrBy(within, "alone", 1)
		}
		cancel()
		if err != nil {
			t.Errorf("an addition: %v", err)
			return
		}
		added.Add(1)
	}
}

// number reads a key.
func number(t *testing.T, c *nodetest.Cluster, key string) int64 {
	t.Helper()
	r, err := nodetest.Ask(c.Addr(0), "GET", key)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseInt(r.Text(), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
