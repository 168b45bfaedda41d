package tests

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
)

// believers are members of one group who say all the time what they believe, at one moment for all.
type believers struct {
	mu      sync.Mutex
	members map[string]*client.Member
	seen    int    // beliefs
	epoch   uint64 // the highest
}

// look asks all members what they believe and fails when two believe the same. Each is asked at its
// own moment, so a clash counts only if it is still one when the first is asked again after the
// second.
func (b *believers) look() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for one, m := range b.members {
		a, ok := m.Assignment()
		if !ok {
			continue
		}
		b.seen++
		b.epoch = max(b.epoch, a.Epoch)
		for other, o := range b.members {
			if err := clash(one, m, a, other, o); err != nil {
				return err
			}
		}
	}
	return nil
}

func clash(one string, m *client.Member, a caucus.Assignment, other string, o *client.Member) error {
	c, ok := o.Assignment()
	if one == other || !ok || c.Epoch == a.Epoch && c.Index != a.Index {
		return nil
	}
	if again, ok := m.Assignment(); ok && again == a {
		return fmt.Errorf("%s believes %+v and %s believes %+v", one, a, other, c)
	}
	return nil
}

// Members share work while nodes die and come back. Nobody ever believes in an index that another
// believes in, or in shares of different settlings, and all of them believe again at the end.
func TestMembersUnderKills(t *testing.T) {
	t.Parallel()
	list := ensemble(t, 3, "--settle", "500ms")
	b := &believers{members: map[string]*client.Member{}}
	var lives sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	const members = 4
	for i := range members {
		lives.Go(func() { b.live(t, ctx, list, i) })
	}
	watched := make(chan error, 1)
	go func() { watched <- b.watch(ctx) }()
	rng, end := rand.New(rand.NewPCG(7, uint64(time.Now().UnixNano()))), time.Now().Add(crashFor(t)/2)
	for time.Now().Before(end) && len(watched) == 0 {
		s := list[rng.IntN(len(list))]
		s.kill()
		time.Sleep(time.Duration(rng.IntN(1000)) * time.Millisecond)
		s.start()
		time.Sleep(time.Duration(rng.IntN(2000)) * time.Millisecond)
	}
	eventually(t, "all believe", func() bool { return b.all(members) || len(watched) > 0 })
	cancel()
	if err := <-watched; err != nil {
		t.Error(err)
	}
	lives.Wait()
	t.Logf("%d beliefs, the last of epoch %d", b.seen, b.epoch)
}

func (b *believers) watch(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := b.look(); err != nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

// all says whether every member believes, each in another index of one settling.
func (b *believers) all(n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := map[int]bool{}
	for _, m := range b.members {
		if a, ok := m.Assignment(); ok && a.Total == n {
			found[a.Index] = true
		}
	}
	return len(found) == n
}

// live opens sessions and joins with each, one after the other, until ctx ends.
func (b *believers) live(t *testing.T, ctx context.Context, list []*server, i int) {
	var addrs []string
	for k := range list {
		addrs = append(addrs, list[(i+k)%len(list)].client)
	}
	c, err := client.Dial(ctx, client.Config{Addrs: addrs})
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	for n := 0; ctx.Err() == nil; n++ {
		s, err := c.Session(ctx, client.SessionOptions{TTL: 3 * time.Second})
		if err != nil {
			continue
		}
		name := fmt.Sprintf("m%d.%d", i, n)
		if m, err := s.Join(ctx, "workers", client.JoinOptions{Name: name}); err == nil {
			b.add(name, m)
			select {
			case <-s.Lost():
				t.Logf("%s: %v", name, s.Err())
			case <-ctx.Done():
			}
			b.remove(name)
		}
		_ = s.Close() // it may not reach anybody
	}
}

func (b *believers) add(name string, m *client.Member) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.members[name] = m
}

func (b *believers) remove(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.members, name)
}
