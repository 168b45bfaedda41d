//go:build linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/tests/chaos/history"
	"github.com/redis/go-redis/v9"
)

// registers is clients of all doors that read and write a few keys; each key by itself must be a
// linearizable register.
type registers struct {
	list notes[history.Register]
	made atomic.Int64
}

// shortHistory is about how many calls are about one key before others come into use, so that the history of
// each can be checked.
const shortHistory = 60

func (r *registers) run(ctx context.Context, c *crew) error {
	var clients sync.WaitGroup
	for i := range 2 * len(doors) {
		clients.Go(func() { r.client(ctx, c, i) })
	}
	clients.Wait()
	return nil
}

// client works at a door, and at one of the same kind elsewhere when something went wrong.
func (r *registers) client(ctx context.Context, c *crew, id int) {
	rng := c.rand(id)
	for ctx.Err() == nil {
		d, err := doors[id%len(doors)](ctx, c, id, rng)
		if err != nil {
			rest(ctx, 100*time.Millisecond, rng)
			continue
		}
		for err == nil && ctx.Err() == nil {
			err = r.touch(c, d, id, rng)
			rest(ctx, 60*time.Millisecond, rng)
		}
		d.close()
	}
}

// touch does one thing, and fails when the door should be left.
func (r *registers) touch(c *crew, d door, id int, rng *rand.Rand) error {
	n := r.made.Add(1)
	one := history.Register{Key: fmt.Sprintf("register:%d:%d", n/(2*shortHistory), rng.IntN(2)),
		New: fmt.Sprintf("%d of %d", n, id)}
	var err error
	switch rng.IntN(6) {
	case 0, 1:
		one.Kind, one.New = history.Get, ""
		one.Call, err = c.read(id, func(ctx context.Context) (err error) {
			one.Seen, err = d.get(ctx, one.Key)
			return err
		})
	case 2, 3:
		one.Kind = history.Set
		one.Call, err = c.write(id, func(ctx context.Context) error { return d.set(ctx, one.Key, one.New) })
	case 4:
		one.Kind = history.Swap
		if _, changes := d.(web); changes {
			one.Kind = history.Change
		}
		one.Call, err = c.write(id, func(ctx context.Context) (err error) {
			one.Seen, err = d.swap(ctx, one.Key, one.New)
			return err
		})
	default:
		one.Kind = history.Change
		one.Call, err = c.write(id, func(ctx context.Context) (err error) {
			one.Seen, err = d.change(ctx, one.Key, one.New)
			return err
		})
	}
	r.list.add(one)
	if errors.Is(err, caucus.ErrConflict) || errors.Is(err, redis.TxFailedErr) {
		return nil // the door is good
	}
	return err
}

// check reads every key once more, each through another node.
func (r *registers) check(ctx context.Context, c *crew) error {
	keys := map[string]bool{}
	for _, one := range r.list.all() {
		keys[one.Key] = true
	}
	lib, err := c.dial(ctx, 0)
	if err != nil {
		return err
	}
	defer lib.Close()
	for key := range keys {
		last := history.Register{Kind: history.Get, Key: key}
		last.Call, err = c.read(-1, func(ctx context.Context) (err error) {
			last.Seen, _, err = lib.Get(ctx, key)
			return err
		})
		if err != nil {
			return fmt.Errorf("a read at rest: %w", err)
		}
		r.list.add(last)
	}
	return c.judged("registers", history.Registers(r.list.all(), 10*time.Second))
}
