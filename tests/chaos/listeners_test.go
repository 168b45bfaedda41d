//go:build linux

package chaos

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/tests/chaos/history"
)

// create makes a group that stays, and says whether it did before ctx ended.
func (c *crew) create(ctx context.Context, group string, options ...string) bool {
	cmd := append(caucus.Command{"GROUP", "CREATE", group}, options...)
	for ctx.Err() == nil {
		conn, err := c.dial(ctx, 0)
		if err != nil {
			continue
		}
		_, err = c.write(-1, func(ctx context.Context) error { _, err := conn.Do(ctx, cmd); return err })
		_ = conn.Close()
		if err == nil {
			return true
		}
	}
	return false
}

// listeners hear what happens in a group.
type listeners struct {
	group string

	mu      sync.Mutex
	streams history.Streams
	next    map[string]uint64 // the Seq after the last event of a stream
}

// listen adds to a stream until ctx ends or it has the event that is the last.
func (l *listeners) listen(ctx context.Context, c *crew, id int, last uint64) error {
	name := fmt.Sprintf("listener %d", id)
	conn, err := c.dial(ctx, id)
	if err != nil {
		return err
	}
	defer conn.Close()
	if last > 0 && l.place(name) > last {
		return nil
	}
	for e, err := range conn.EventsFrom(ctx, l.group, l.place(name)) {
		if err != nil {
			return err
		}
		if l.hear(name, e) > last && last > 0 {
			return nil
		}
	}
	return ctx.Err()
}

func (l *listeners) place(name string) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next[name]
}

// hear notes an event, and gives the place after it.
func (l *listeners) hear(name string, e client.Event) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.streams == nil {
		l.streams, l.next = history.Streams{}, map[string]uint64{}
	}
	l.streams[name] = append(l.streams[name], e)
	if e.Seq > 0 {
		l.next[name] = e.Seq + 1
	}
	return l.next[name]
}

// ears is how many listen to a group.
const ears = 2

// follow has all of them listen until ctx ends, each now and then at another place.
func (l *listeners) follow(ctx context.Context, c *crew) {
	var all sync.WaitGroup
	for i := range ears {
		all.Go(func() {
			rng := c.rand(1000 + i)
			for ctx.Err() == nil {
				within, cancel := context.WithTimeout(ctx, 5*time.Second+time.Duration(rng.Int64N(int64(30*time.Second))))
				_ = l.listen(within, c, i, 0) // that its time is over, or that nobody is there
				cancel()
			}
		})
	}
	all.Wait()
}

// merged has all listeners hear the rest, and gives the events of all. Nobody may change the group meanwhile.
func (l *listeners) merged(ctx context.Context, c *crew) ([]client.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	conn, err := c.dial(ctx, 0)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	info, err := conn.Info(ctx, l.group)
	if err != nil {
		return nil, fmt.Errorf("the group %s at rest: %w", l.group, err)
	}
	for i := range ears {
		if err := l.listen(ctx, c, i, info.Seq); err != nil {
			return nil, fmt.Errorf("the events of %s up to %d at rest: %w", l.group, info.Seq, err)
		}
	}
	merged, v := history.Merge(l.streams)
	v.Add(history.Tokens(merged))
	return merged, c.judged("events of "+l.group, v)
}
