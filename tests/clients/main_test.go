package clients

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/redis/go-redis/v9"
)

func TestMain(m *testing.M) { nodetest.Main(m) }

// store is a client library. Its operations may fail; the test tries them again.
type store interface {
	set(ctx context.Context, key, value string) error
	get(ctx context.Context, key string) (string, error)
}

// outlives lets a client write while one leading node after the other is killed and comes back. The client is
// told the addresses once. Whatever was acknowledged must be there in the end.
func outlives(t *testing.T, open func(t *testing.T, addrs []string) store) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	s := open(t, c.Addrs())
	written := 0
	write := func(n int) {
		for range n {
			key := fmt.Sprintf("k%d", written)
			again(t, "SET "+key, func(ctx context.Context) error { return s.set(ctx, key, "of "+key) })
			written++
		}
	}
	write(20)
	for range 2 {
		leader := c.Leader()
		c.Kill(leader)
		write(20)
		c.Restart(leader)
		c.Settled()
		write(20)
	}
	for i := range written {
		key := fmt.Sprintf("k%d", i)
		again(t, "GET "+key, func(ctx context.Context) error {
			value, err := s.get(ctx, key)
			if err == nil && value != "of "+key {
				t.Fatalf("%s holds %q", key, value)
			}
			return err
		})
	}
}

// again tries until it succeeds.
func again(t *testing.T, what string, do func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), nodetest.Patience)
	defer cancel()
	for {
		err := do(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// goRedis is go-redis in whichever form.
type goRedis struct{ redis.UniversalClient }

func (g goRedis) set(ctx context.Context, key, value string) error {
	return g.Set(ctx, key, value, 0).Err()
}

func (g goRedis) get(ctx context.Context, key string) (string, error) {
	return g.Get(ctx, key).Result()
}

func closeAtEnd(t *testing.T, c interface{ Close() error }) {
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
}

// reload is how often a cluster's client of go-redis looks where the nodes are: that is how it notices that
// the leader is gone. Its default is a minute.
const reload = time.Second

func TestGoRedisCluster(t *testing.T) {
	outlives(t, func(t *testing.T, addrs []string) store {
		c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs, ClusterStateReloadInterval: reload})
		closeAtEnd(t, c)
		return goRedis{c}
	})
}

// With reads from replicas the client sends READONLY, so that what it reads may be a moment old.
func TestGoRedisClusterReadsFromReplicas(t *testing.T) {
	outlives(t, func(t *testing.T, addrs []string) store {
		c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs, RouteRandomly: true,
			ClusterStateReloadInterval: reload})
		closeAtEnd(t, c)
		return goRedis{c}
	})
}

func TestGoRedisFailover(t *testing.T) {
	outlives(t, func(t *testing.T, addrs []string) store {
		c := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "caucus", SentinelAddrs: addrs})
		closeAtEnd(t, c)
		return goRedis{c}
	})
}

// One address is enough: the client learns of the others from it.
func TestGoRedisFindsTheOthers(t *testing.T) {
	outlives(t, func(t *testing.T, addrs []string) store {
		c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs[:1],
			ClusterStateReloadInterval: reload})
		closeAtEnd(t, c)
		if n := len(c.ClusterShards(t.Context()).Val()[0].Nodes); n != 3 {
			t.Errorf("it sees %d nodes", n)
		}
		return goRedis{c}
	})
}
