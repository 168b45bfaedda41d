package tests

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// writers are clients that write and read until they are told to stop.
type writers struct {
	*history
	ctx  context.Context
	stop context.CancelFunc
	done sync.WaitGroup
}

// startWriters sets some clients to work on each server.
func startWriters(t *testing.T, list []*server, each int) *writers {
	w := &writers{history: newHistory()}
	w.ctx, w.stop = context.WithCancel(context.Background())
	t.Cleanup(w.finish)
	for i := range each * len(list) {
		one := &writer{history: w.history, id: i, c: list[i%len(list)].redis(),
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
	*history
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
	if errors.Is(err, redis.Nil) {
		value, err = "", nil
	}
	w.note(w.id, action{kind: "get", key: key}, called, outcome{value: value}, err)
	return err
}

func (w *writer) set(key string) error {
	called, value := w.now(), w.value()
	err := w.c.Set(context.Background(), key, value, 0).Err()
	w.note(w.id, action{kind: "set", key: key, new: value}, called, outcome{}, err)
	return err
}

func (w *writer) incr(key string) error {
	called := w.now()
	n, err := w.c.Incr(context.Background(), key).Result()
	w.note(w.id, action{kind: "incr", key: key}, called, outcome{value: strconv.FormatInt(n, 10)}, err)
	return err
}

// once writes a key that nobody else ever writes, so that it can be looked for at the end.
func (w *writer) once() error {
	value := w.value()
	key := "once:" + value
	err := w.c.Set(context.Background(), key, value, 0).Err()
	w.history.once(key, value, err)
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
	out := outcome{value: old.Val()}
	if errors.Is(err, redis.Nil) {
		err = nil // of the GET
	}
	w.note(w.id, action{kind: "swap", key: key, new: value}, called, out, err)
	return err
}

// cas writes only if what it read before is still there.
func (w *writer) cas(key string) error {
	called, a := w.now(), action{kind: "cas", key: key, new: w.value()}
	sent := false
	err := w.c.Watch(context.Background(), func(tx *redis.Tx) error {
		var err error
		if a.old, err = tx.Get(context.Background(), key).Result(); err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		sent = true
		_, err = tx.TxPipelined(context.Background(), func(p redis.Pipeliner) error {
			p.Set(context.Background(), key, a.new, 0)
			return nil
		})
		return err
	}, key)
	if !sent {
		return err
	}
	out := outcome{failed: errors.Is(err, redis.TxFailedErr)}
	if out.failed {
		err = nil
	}
	w.note(w.id, a, called, out, err)
	return err
}

// settled waits until all servers hold the same, and checks that it is what the clients were promised.
func (h *history) settled(t *testing.T, list []*server) {
	t.Helper()
	last := &writer{history: h, id: 1000, rng: rand.New(rand.NewPCG(1, 1))}
	for i, s := range list {
		last.c = s.redis()
		for _, key := range h.keys() {
			eventually(t, "a read of "+key+" on "+s.name, func() bool { return last.get(key) == nil })
		}
		s.do("SET", "sentinel", i)
	}
	keys := h.keys()
	h.mu.Lock()
	for key := range h.acked {
		keys = append(keys, key)
	}
	for value := range h.refused {
		keys = append(keys, "once:"+value)
	}
	h.mu.Unlock()
	var first map[string]string
	for _, s := range list {
		found := s.everything(t, keys, strconv.Itoa(len(list)-1))
		h.compare(t, s, found)
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
func (h *history) compare(t *testing.T, s *server, found map[string]string) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	missing := 0
	for key, value := range h.acked {
		if found[key] != value {
			missing++
			t.Logf("%s: %s was acknowledged and is %q", s.name, key, found[key])
		}
	}
	if missing > 0 {
		t.Errorf("%s lacks %d of %d acknowledged writes", s.name, missing, len(h.acked))
	}
	for key, value := range found {
		if h.refused[value] {
			t.Errorf("%s: %s = %s, which was answered with TRYAGAIN", s.name, key, value)
		}
	}
}
