package clients

import (
	"context"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/redis/rueidis"
)

// rueidisClient is rueidis, which goes to a cluster if CLUSTER SLOTS answers.
type rueidisClient struct{ rueidis.Client }

func (r rueidisClient) set(ctx context.Context, key, value string) error {
	return r.Do(ctx, r.B().Set().Key(key).Value(value).Build()).Error()
}

func (r rueidisClient) get(ctx context.Context, key string) (string, error) {
	return r.Do(ctx, r.B().Get().Key(key).Build()).ToString()
}

func openRueidis(t *testing.T, options rueidis.ClientOption) store {
	c, err := rueidis.NewClient(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return rueidisClient{c}
}

func TestRueidis(t *testing.T) {
	outlives(t, func(t *testing.T, addrs []string) store {
		return openRueidis(t, rueidis.ClientOption{InitAddress: addrs})
	})
}

func TestRueidisSentinel(t *testing.T) {
	outlives(t, func(t *testing.T, addrs []string) store {
		return openRueidis(t, rueidis.ClientOption{InitAddress: addrs,
			Sentinel: rueidis.SentinelOption{MasterSet: "caucus"}})
	})
}

// What rueidis keeps on its side is let go of when somebody else changes it, at whichever node (SAFETY B22).
func TestRueidisCaches(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	cache, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: c.Addrs(), ForceSingleClient: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cache.Close)
	other := openRueidis(t, rueidis.ClientOption{InitAddress: c.Addrs()[1:], ForceSingleClient: true})
	read := func() (value string, hit bool) {
		r := cache.DoCache(t.Context(), cache.B().Get().Key("k").Cache(), time.Hour)
		value, err := r.ToString()
		if err != nil {
			t.Fatal(err)
		}
		return value, r.IsCacheHit()
	}
	for _, value := range []string{"one", "two", "three"} {
		if err := other.set(t.Context(), "k", value); err != nil {
			t.Fatal(err)
		}
		nodetest.Eventually(t, "it reads "+value, func() bool { got, _ := read(); return got == value })
		nodetest.Eventually(t, "it keeps "+value, func() bool { got, hit := read(); return hit && got == value })
	}
}
