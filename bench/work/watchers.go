package work

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/bench/loop"
	"github.com/caucus-project/caucus/bench/outcome"
	"github.com/caucus-project/caucus/bench/servers"
	clientv3 "go.etcd.io/etcd/client/v3"
)

const audience = 1000

// watchers is how long a change takes to all who watch.
func watchers() Work {
	return Work{Row: outcome.Row{Work: "a change of metadata until the last of 1,000 subscribers has it",
		Against: "etcd watch, 1,000 watchers", Unit: outcome.Millis, Wanted: outcome.Wanted{Most: 0.4}},
		ours: watchCaucus, theirs: watchEtcd}
}

// watched is an ensemble with an audience, which is spread over its nodes.
type watched struct {
	*servers.Ensemble
	change func(ctx context.Context, n int) error
	many   int           // the audience
	left   *atomic.Int64 // of them, who do not have the change yet
	all    chan error    // told when all have it, or when one hears nothing more
}

func newWatched(e *servers.Ensemble, many int) watched {
	return watched{Ensemble: e, many: many, left: new(atomic.Int64), all: make(chan error, many)}
}

// heard is called by each of the audience for each change.
func (w watched) heard() {
	if w.left.Add(-1) == 0 {
		w.all <- nil
	}
}

// run implements side: changes follow each other, each when all have heard of the one before.
func (w watched) run(ctx context.Context, long time.Duration, m meter) (outcome.Sample, error) {
	return m.take(func() (s outcome.Sample, err error) {
		times := hdrhistogram.New(1, int64(time.Minute/time.Microsecond), 3)
		for begun := time.Now(); s.Operations == 0 || time.Since(begun) < long; s.Operations++ {
			sent := time.Now()
			if err := w.one(ctx, int(s.Operations)); err != nil {
				return s, err
			}
			_ = times.RecordValue(max(1, time.Since(sent).Microseconds())) // one gives up within a minute
		}
		s.Half, s.Most = float64(times.ValueAtQuantile(50))/1000, float64(times.ValueAtQuantile(99))/1000
		s.Value = s.Half
		return s, nil
	})
}

func (w watched) one(ctx context.Context, n int) error {
	w.left.Store(int64(w.many))
	if err := w.change(ctx, n); err != nil {
		return err
	}
	select {
	case err := <-w.all:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(30 * time.Second):
		return fmt.Errorf("%d of %d did not hear of a change within 30 s", w.left.Load(), w.many)
	}
}

func watchCaucus(ctx context.Context, house servers.House) (side, error) {
	e, err := house.OpenCaucus(ctx, 3)
	if err != nil {
		return nil, err
	}
	w := newWatched(e, house.Few(audience))
	list, err := lines(e, 1)
	if err == nil {
		err = enter(list[0], "watched")
	}
	var hall *loop.Audience
	if err == nil {
		hall, err = loop.Subscribe(e.Addrs, w.many, "caucus:g:watched")
	}
	if err != nil {
		closeLines(list)
		return nil, errors.Join(err, e.Stop())
	}
	go func() {
		defer hall.Close()
		w.all <- fmt.Errorf("the audience of caucus: %w", hall.Hear(w.heard))
	}()
	w.change = func(_ context.Context, n int) error {
		_, err := list[0].Do(caucus.Command{"GROUP", "META", "watched", fmt.Sprint(n)})
		return err
	}
	return w, nil
}

func watchEtcd(ctx context.Context, house servers.House) (side, error) {
	e, err := house.OpenEtcd(ctx, 3)
	if err != nil {
		return nil, err
	}
	clients, err := e.EtcdClients(max(len(e.Addrs), house.Few(audience)/perClient))
	if err != nil {
		return nil, errors.Join(err, e.Stop())
	}
	w := newWatched(e, house.Few(audience))
	w.change = func(ctx context.Context, n int) error {
		_, err := clients[0].Put(ctx, "watched", fmt.Sprint(n))
		return err
	}
	err = atOnce(w.many, func(i int) error { return w.follow(ctx, clients[i%len(clients)]) })
	if err != nil {
		return nil, errors.Join(err, withEtcd(w, clients).Stop())
	}
	return withEtcd(w, clients), nil
}

// follow watches a key over a stream of its own, until its client is closed. It returns when the watch
// stands.
func (w watched) follow(ctx context.Context, c *clientv3.Client) error {
	events := clientv3.NewWatcher(c).Watch(ctx, "watched", clientv3.WithCreatedNotify())
	if first, ok := <-events; !ok || first.Err() != nil {
		return fmt.Errorf("a watch of etcd: %v", first.Err())
	}
	go func() {
		for answer := range events {
			for range answer.Events {
				w.heard()
			}
		}
		w.all <- errors.New("a watch of etcd ended")
	}()
	return nil
}
