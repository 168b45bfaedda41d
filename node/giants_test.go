package node_test

import (
	"context"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/node"
)

// Giant pipelines that take turns beside a client of the usual kind are carried out whole and in order.
func TestGiantsBesideOthersAreCarriedOut(t *testing.T) {
	t.Parallel()
	n := nodetest.InProcess(t, 1, func(int, *node.Config) {})[0]
	addr, _, _ := n.Addresses()
	dial := func() *redis.Client {
		c := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1, PoolSize: 1,
			ReadTimeout: nodetest.Patience})
		t.Cleanup(func() { c.Close() })
		return c
	}
	const giants, rounds, each = 4, 3, 2000
	var all sync.WaitGroup
	for range giants {
		c := dial()
		all.Go(func() {
			last := int64(0)
			for range rounds {
				pipe := c.Pipeline()
				for range each {
					pipe.Incr(t.Context(), "n")
				}
				cmds, err := pipe.Exec(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				for _, cmd := range cmds {
					next := cmd.(*redis.IntCmd).Val()
					if next <= last {
						t.Errorf("%d after %d", next, last)
						return
					}
					last = next
				}
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	usual, gone := dial(), make(chan struct{})
	go func() {
		defer close(gone)
		for ctx.Err() == nil {
			if err := usual.Incr(t.Context(), "m").Err(); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	all.Wait()
	cancel()
	<-gone
	if got, err := usual.Get(t.Context(), "n").Int(); err != nil || got != giants*rounds*each {
		t.Errorf("n is %d, %v; want %d", got, err, giants*rounds*each)
	}
}
