package work

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/bench/loop"
	"github.com/caucus-project/caucus/bench/servers"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Members of caucus have a session each and are in a group. What etcd has for that is a lease, and a key
// that goes with it. Several share a connection.

// ttl is how long, in seconds, members may be silent of whom nothing is heard while a figure is taken.
const ttl = 3600

// withClients closes a peer's clients together with the side that used them.
type withClients struct {
	side
	close func()
}

// Stop implements side.
func (w withClients) Stop() error {
	w.close()
	return w.side.Stop()
}

// withEtcd gives a side that used clients of etcd.
func withEtcd(s side, clients []*clientv3.Client) side {
	return withClients{s, func() { closeEtcd(clients) }}
}

// closeEtcd closes clients with nothing under way, whose servers may be about to be killed.
func closeEtcd(clients []*clientv3.Client) { _ = servers.CloseEtcdClients(clients) }

// joining makes members, each by a call of join, by several callers at once.
type joining struct {
	left *atomic.Int64
	join func() error
}

// Fly implements loop.Caller.
func (j joining) Fly(context.Context) (int, error) {
	if j.left.Add(-1) < 0 {
		return 0, loop.ErrEnough
	}
	return 1, j.join()
}

// Close implements loop.Caller.
func (j joining) Close() error { return nil }

// enter opens a session on a connection, which lets the one go that it carried before, and joins a
// group. The group settles much later, since that is not what is measured.
func enter(line *loop.Line, group string) error {
	_, err := line.Do(opening)
	if err == nil {
		_, err = line.Do(joiningOf(group))
	}
	return err
}

var opening = caucus.Command{"SESSION", "OPEN", "TTL", fmt.Sprint(ttl * 1000)}

func joiningOf(group string) caucus.Command {
	return caucus.Command{"GROUP", "JOIN", group, "SETTLE", "3600000"}
}

// enterMany makes n members over one connection, in pipelines, and gives their sessions.
func enterMany(line *loop.Line, group string, n int) (sessions []string, err error) {
	for len(sessions) < n {
		few := min(20, n-len(sessions))
		for range few {
			line.Add(opening)
			line.Add(joiningOf(group))
		}
		if err := line.Send(); err != nil {
			return nil, err
		}
		for i := range 2 * few {
			reply, err := line.Read()
			if err != nil {
				return nil, err
			}
			if i%2 == 0 {
				sessions = append(sessions, reply.Text())
			}
		}
	}
	return sessions, nil
}

// put makes a lease and a key that goes with it.
func put(ctx context.Context, c *clientv3.Client, key string) (clientv3.LeaseID, error) {
	lease, err := c.Grant(ctx, ttl)
	if err != nil {
		return 0, err
	}
	_, err = c.Put(ctx, key, "member", clientv3.WithLease(lease.ID))
	return lease.ID, err
}

// lines opens n connections, spread over the nodes.
func lines(e *servers.Ensemble, n int) (list []*loop.Line, err error) {
	for i := range n {
		line, err := loop.DialRESP(e.Addrs[i%len(e.Addrs)])
		if err != nil {
			closeLines(list)
			return nil, err
		}
		list = append(list, line)
	}
	return list, nil
}

func closeLines(list []*loop.Line) {
	for _, l := range list {
		_ = l.Close() // nothing was on its way
	}
}

// atOnce does something for 0 to n-1, all at once, and gives what went wrong.
func atOnce(n int, do func(i int) error) error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = do(i) })
	}
	all.Wait()
	return errors.Join(errs...)
}
