//go:build linux

package chaos

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/tests/chaos/history"
)

// counters is sessions that add, alone and in transactions with an entry in a list, under numbers: what they
// send again after a loss must be applied once (SAFETY A15).
type counters struct{ rounds[counting] }

type counting struct {
	alone, paired notes[history.Addition]
	entries       notes[history.Entry] // of the pairs
}

// counterKeys are the keys of a round: a counter, and what is written by each pair.
func counterKeys(n int) (alone, paired, pair, list string) {
	of := func(what string) string { return fmt.Sprintf("counter:%d:%s", n, what) }
	return of("alone"), of("paired"), of("pair"), of("list")
}

func (k *counters) run(ctx context.Context, c *crew) error {
	var clients sync.WaitGroup
	for i := range 4 {
		opts := client.SessionOptions{TTL: time.Minute, Grace: time.Minute} // nothing ends it but its client
		if i%2 == 1 {
			opts = client.SessionOptions{TTL: 3 * time.Second}
		}
		clients.Go(func() {
			rng := c.rand(i)
			c.visits(ctx, i, opts, func(ctx context.Context, s *client.Session, visit string) {
				for n := 0; n < 500 && ctx.Err() == nil; n++ { // then with another session
					if rng.IntN(2) == 0 {
						k.add(c, s, i)
					} else {
						k.addPair(c, s, i, fmt.Sprintf("%s.%d", visit, n))
					}
					rest(ctx, 60*time.Millisecond, rng)
				}
			})
		})
	}
	clients.Wait()
	return nil
}

func (k *counters) add(c *crew, s *client.Session, id int) {
	n, now := k.now(c)
	alone, _, _, _ := counterKeys(n)
	var one history.Addition
	one.Call, _ = c.write(id, func(ctx context.Context) (err error) {
		one.Sum, err = s.IncrBy(ctx, alone, 1)
		return err
	})
	now.alone.add(one)
}

func (k *counters) addPair(c *crew, s *client.Session, id int, word string) {
	n, now := k.now(c)
	_, paired, pair, list := counterKeys(n)
	var one history.Addition
	one.Call, _ = c.write(id, func(ctx context.Context) error {
		replies, err := s.Transact(ctx, []caucus.Command{{"INCR", paired}, writeDown(list, word), {"INCR", pair}})
		if err == nil {
			one.Sum = replies[0].Int
		}
		return err
	})
	now.paired.add(one)
	now.entries.add(history.Entry{Call: one.Call, Word: word})
}

func (k *counters) check(ctx context.Context, c *crew) error {
	conn, err := c.dial(ctx, 1)
	if err != nil {
		return err
	}
	defer conn.Close()
	var v history.Verdict
	for n, one := range k.list {
		alone, paired, pair, list := counterKeys(n)
		var r []caucus.Reply
		read, err := c.read(-1, func(ctx context.Context) (err error) {
			r, err = conn.Transact(ctx, []caucus.Command{{"GET", alone}, {"GET", paired}, {"GET", pair},
				{"GET", list}})
			return err
		})
		if err != nil {
			return fmt.Errorf("a read at rest: %w", err)
		}
		if r[1].Text() != r[2].Text() {
			return fmt.Errorf("of additions that were made in pairs there are %s and %s", r[1].Text(), r[2].Text())
		}
		v.Add(history.Counter(one.alone.all(), sums(read, r[0])))
		v.Add(history.Counter(one.paired.all(), sums(read, r[1])))
		v.Add(history.Once(one.entries.all(), written(r[3].Text())))
	}
	return c.judged("additions under numbers", v)
}

// sums is what a counter was read to hold.
func sums(read history.Call, r caucus.Reply) []history.Reading {
	n, _ := strconv.ParseInt(r.Text(), 10, 64) // one that is not there has nothing
	return []history.Reading{{Span: read.Span, Sum: n}}
}
