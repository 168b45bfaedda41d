package tests

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caucus-project/caucus/tests/chaos/history"
	"github.com/redis/go-redis/v9"
)

// writers are clients that write and read until they are told to stop.
type writers struct {
	*diary
	ctx  context.Context
	stop context.CancelFunc
	done sync.WaitGroup
}

// startWriters sets some clients to work on each server.
func startWriters(t *testing.T, list []*server, each int) *writers {
	w := &writers{diary: newDiary()}
	w.ctx, w.stop = context.WithCancel(context.Background())
	t.Cleanup(w.finish)
	for i := range each * len(list) {
		one := &writer{diary: w.diary, id: i, c: list[i%len(list)].redis(),
			rng: rand.New(rand.NewPCG(uint64(i), 42))}
		w.done.Go(func() { one.run(w.ctx) })
	}
	return w
}

// finish lets every client see its last answer.
func (w *writers) finish() {
	w.stop()
	w.done.Wait()
}

// writer is one client. It never has more than one thing under way.
type writer struct {
	*diary
	id  int
	n   int // values so far
	c   *redis.Client
	rng *rand.Rand
}

func (w *writer) run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := w.act(); err != nil {
			w.pause(ctx, 50*time.Millisecond)
		}
		w.pause(ctx, time.Duration(w.rng.IntN(20))*time.Millisecond)
	}
}

func (w *writer) pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// key gives one of a few keys that are in use at present. New ones come into use all the time, so
// that the history of each is short enough to be checked.
func (w *writer) key(kind string) string {
	return fmt.Sprintf("%s:%d:%d", kind, int(time.Since(w.began).Seconds()), w.rng.IntN(2))
}

func (w *writer) value() string {
	w.n++
	return fmt.Sprintf("c%d-%d", w.id, w.n)
}

func (w *writer) act() error {
	switch w.rng.IntN(8) {
	case 0:
		return w.get(w.key("register"))
	case 1:
		return w.incr(w.key("counter"))
	case 2:
		return w.cas(w.key("register"))
	case 3, 4:
		return w.swap(w.key("register"))
	case 5:
		return w.set(w.key("register"))
	}
	return w.once()
}

func (w *writer) get(key string) error {
	called := w.now()
	value, err := w.c.Get(context.Background(), key).Result()
	err = orNil(err)
	w.register("get", history.Register{Call: w.call(w.id, called, err), Kind: history.Get, Key: key,
		Seen: value})
	return err
}

// orNil takes the reply nil for what it is.
func orNil(err error) error {
	if errors.Is(err, redis.Nil) {
		return nil
	}
	return err
}

func (w *writer) set(key string) error {
	called, value := w.now(), w.value()
	err := w.c.Set(context.Background(), key, value, 0).Err()
	w.register("set", history.Register{Call: w.call(w.id, called, err), Kind: history.Set, Key: key, New: value})
	return err
}

func (w *writer) incr(key string) error {
	called := w.now()
	n, err := w.c.Incr(context.Background(), key).Result()
	w.add(key, history.Addition{Call: w.call(w.id, called, err), Sum: n})
	return err
}

// sum reads a counter.
func (w *writer) sum(key string) error {
	called := w.now()
	n, err := w.c.Get(context.Background(), key).Int64()
	if orNil(err) == nil {
		w.read(key, history.Reading{Span: history.Span{From: called, To: w.now()}, Sum: n})
	}
	return orNil(err)
}

// once writes a key that nobody else ever writes, so that it can be looked for at the end.
func (w *writer) once() error {
	called, value := w.now(), w.value()
	key := "once:" + value
	err := w.c.Set(context.Background(), key, value, 0).Err()
	w.diary.once(key, history.Entry{Call: w.call(w.id, called, err), Word: value})
	return err
}

// swap reads and writes in one transaction.
func (w *writer) swap(key string) error {
	called, value := w.now(), w.value()
	var old *redis.StringCmd
	_, err := w.c.TxPipelined(context.Background(), func(p redis.Pipeliner) error {
		old = p.Get(context.Background(), key)
		p.Set(context.Background(), key, value, 0)
		return nil
	})
	err = orNil(err) // of the GET
	w.register("swap", history.Register{Call: w.call(w.id, called, err), Kind: history.Swap, Key: key,
		Seen: old.Val(), New: value})
	return err
}

// cas writes only if what it read before is still there. That it is not is no failure of the server's.
func (w *writer) cas(key string) error {
	called, value := w.now(), w.value()
	seen, sent := "", false
	err := w.c.Watch(context.Background(), func(tx *redis.Tx) error {
		var err error
		if seen, err = tx.Get(context.Background(), key).Result(); orNil(err) != nil {
			return err
		}
		sent = true
		_, err = tx.TxPipelined(context.Background(), func(p redis.Pipeliner) error {
			p.Set(context.Background(), key, value, 0)
			return nil
		})
		return err
	}, key)
	if !sent {
		return err
	}
	w.register("cas", history.Register{Call: w.call(w.id, called, err), Kind: history.Change, Key: key,
		Seen: seen, New: value})
	if errors.Is(err, redis.TxFailedErr) {
		return nil
	}
	return err
}

// settled waits until all servers hold the same, and checks that it is what the clients were promised.
func (d *diary) settled(t *testing.T, list []*server) {
	t.Helper()
	last := &writer{diary: d, id: 1000, rng: rand.New(rand.NewPCG(1, 1))}
	registers, counters := d.keys()
	for i, s := range list {
		last.c = s.redis()
		for _, key := range registers {
			eventually(t, "a read of "+key+" on "+s.name, func() bool { return last.get(key) == nil })
		}
		for _, key := range counters {
			eventually(t, "a read of "+key+" on "+s.name, func() bool { return last.sum(key) == nil })
		}
		s.do("SET", "sentinel", i)
	}
	keys := slices.Concat(registers, counters, slices.Sorted(maps.Keys(d.onces)))
	var first map[string]string
	for _, s := range list {
		found := s.everything(t, keys, strconv.Itoa(len(list)-1))
		d.compare(t, s, found)
		if first == nil {
			first = found
		}
		for _, key := range keys {
			if found[key] != first[key] {
				t.Errorf("%s holds %s = %q, %s holds %q", list[0].name, key, first[key], s.name, found[key])
			}
		}
	}
}

// everything reads keys from one server's own state, once it has the sentinel.
func (s *server) everything(t *testing.T, keys []string, sentinel string) map[string]string {
	t.Helper()
	eventually(t, s.name+" has everything", func() bool {
		found, err := s.local("sentinel")
		return err == nil && found["sentinel"] == sentinel
	})
	found, err := s.local(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// compare checks that a server holds what was acknowledged and nothing that was refused.
func (d *diary) compare(t *testing.T, s *server, found map[string]string) {
	t.Helper()
	var there []string
	for key := range d.onces {
		if value := found[key]; value != "" {
			there = append(there, value)
		}
	}
	entries := slices.Collect(maps.Values(d.onces))
	for i := range entries { // they are keys, and in no order
		entries[i].Span = history.Span{}
	}
	if v := history.Once(entries, there); len(v.Wrong) > 0 {
		t.Errorf("%s: %s", s.name, strings.Join(v.Wrong, "\n"))
	}
}
