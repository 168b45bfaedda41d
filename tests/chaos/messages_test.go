//go:build linux

package chaos

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/tests/chaos/history"
)

// messages is speakers that send ordered messages to a group, and listeners that must hear all of them in one
// order.
type messages struct {
	listeners
	sent notes[history.Entry]
}

func (m *messages) run(ctx context.Context, c *crew) error {
	m.group = "news"
	if !c.create(ctx, m.group, "SETTLE", "100") {
		return nil
	}
	var clients sync.WaitGroup
	clients.Go(func() { m.follow(ctx, c) })
	for i := range 3 {
		clients.Go(func() {
			rng := c.rand(i)
			c.visits(ctx, i, client.SessionOptions{TTL: 3 * time.Second},
				func(ctx context.Context, s *client.Session, visit string) {
					if i > 0 { // a member; the first speaks as a stranger
						if _, err := s.Join(ctx, m.group, client.JoinOptions{Name: visit}); err != nil {
							return
						}
					}
					for n := 0; n < 200 && ctx.Err() == nil; n++ { // then as another member
						m.send(c, s, i, fmt.Sprintf("%s.%d", visit, n))
						rest(ctx, 150*time.Millisecond, rng)
					}
				})
		})
	}
	clients.Wait()
	return nil
}

func (m *messages) send(c *crew, s *client.Session, id int, word string) {
	one := history.Entry{Word: word}
	one.Call, _ = c.write(id, func(ctx context.Context) error {
		_, err := s.Send(ctx, m.group, word, client.Recipient{Ordered: true})
		return err
	})
	m.sent.add(one)
}

func (m *messages) check(ctx context.Context, c *crew) error {
	if len(m.sent.all()) == 0 {
		return nil // no node was ever in reach
	}
	merged, err := m.merged(ctx, c)
	if err != nil {
		return err
	}
	return c.judged("ordered messages", history.Ordered(merged, m.sent.all()))
}
