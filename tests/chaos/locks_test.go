//go:build linux

package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/tests/chaos/history"
)

// locks is sessions that contend for two locks, and write to a resource that is fenced. No two ever believe
// that they hold one lock, and what is written under it has terms that rise.
type locks struct {
	beliefs
	rounds[[lockNames]notes[history.Guarded]]
}

const (
	contenders = 4
	lockNames  = 2
)

func lockName(i int) string    { return fmt.Sprintf("chaos%d", i) }
func resource(n, i int) string { return fmt.Sprintf("resource:%d:%d", n, i) } // in a round

func (l *locks) run(ctx context.Context, c *crew) error {
	var clients sync.WaitGroup
	for i := range contenders {
		opts := client.SessionOptions{TTL: 3 * time.Second}
		if i == 0 {
			opts.Grace = opts.TTL
		}
		clients.Go(func() {
			rng := c.rand(i)
			c.visits(ctx, i, opts, func(ctx context.Context, s *client.Session, visit string) {
				for n := 0; ctx.Err() == nil && n < 30; n++ { // then with another session
					if err := l.contend(ctx, c, s, i, fmt.Sprintf("%s.%d", visit, n), rng); err != nil {
						return // the session may hold a lock still, until it ends
					}
					rest(ctx, 100*time.Millisecond, rng)
				}
			})
		})
	}
	clients.Wait()
	return nil
}

// contend takes a lock, works under it for a while, and gives it back. It fails when that did not come about.
func (l *locks) contend(ctx context.Context, c *crew, s *client.Session, id int, name string,
	rng *rand.Rand) error {
	which := rng.IntN(lockNames)
	var lock *client.Lock
	_, err := c.write(id, func(ctx context.Context) (err error) {
		if rng.IntN(4) == 0 {
			ok := false
			if lock, ok, err = s.TryLock(ctx, lockName(which), client.LockOptions{}); err == nil && !ok {
				err = failed
			}
			return err
		}
		lock, err = s.Lock(ctx, lockName(which), client.LockOptions{})
		return err
	})
	if err != nil {
		return nil // then the session is not in the line either
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(rng.Int64N(int64(300*time.Millisecond))))
	defer cancel()
	var watching sync.WaitGroup
	watching.Go(func() {
		watch(ctx, func() {
			before := moment()
			if lock.Held() {
				l.saw(history.Belief{What: lockName(which), Holder: name, Token: lock.Term()}, before, moment())
			}
		})
	})
	for n := 0; ctx.Err() == nil; n++ { // also when it is held no more: what is written then is refused
		l.write(c, s, lock, which, id, fmt.Sprintf("%s.%d", name, n))
		rest(ctx, 60*time.Millisecond, rng)
	}
	watching.Wait()
	_, err = c.write(id, lock.Unlock)
	return err
}

func (l *locks) write(c *crew, s *client.Session, lock *client.Lock, which, id int, word string) {
	n, now := l.now(c)
	one := history.Guarded{Term: lock.Term()}
	one.Word = word
	one.Call, _ = c.write(id, func(ctx context.Context) error {
		_, err := s.Transact(ctx, []caucus.Command{writeDown(resource(n, which), word)}, lock.Guard())
		return err
	})
	now[which].add(one)
}

// check has everybody take each lock once more.
func (l *locks) check(ctx context.Context, c *crew) error {
	conn, err := c.dial(ctx, 0)
	if err != nil {
		return err
	}
	defer conn.Close()
	for i := range contenders {
		what := fmt.Sprintf("contender %d has had both locks", i)
		if err := eventually(ctx, what, func(ctx context.Context) error { return l.again(ctx, conn) }); err != nil {
			return err
		}
	}
	if err := c.judged("holders of locks", history.Exclusive(l.all())); err != nil {
		return err
	}
	var v history.Verdict
	for n, one := range l.list {
		for i := range one {
			list, _, err := conn.Get(ctx, resource(n, i))
			if err != nil {
				return fmt.Errorf("a fenced resource at rest: %w", err)
			}
			v.Add(history.Fenced(one[i].all(), written(list)))
		}
	}
	return c.judged("writes under a lock", v)
}

// again takes both locks.
func (l *locks) again(ctx context.Context, conn *client.Client) error {
	s, err := conn.Session(ctx, client.SessionOptions{})
	if err != nil {
		return err
	}
	defer s.Close()
	for i := range lockNames {
		lock, err := s.Lock(ctx, lockName(i), client.LockOptions{})
		if err != nil {
			return err
		}
		if !lock.Held() {
			return fmt.Errorf("%s was given and is not held", lockName(i))
		}
	}
	return nil
}
