package clients

import (
	"context"
	"testing"

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
		return openRueidis(t, rueidis.ClientOption{InitAddress: addrs, DisableCache: true})
	})
}

func TestRueidisSentinel(t *testing.T) {
	outlives(t, func(t *testing.T, addrs []string) store {
		return openRueidis(t, rueidis.ClientOption{InitAddress: addrs, DisableCache: true,
			Sentinel: rueidis.SentinelOption{MasterSet: "caucus"}})
	})
}
