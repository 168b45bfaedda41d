package tests

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/nodetest"
)

// counting is a client that counts in a key, at whichever node, while nodes stop and start.
type counting struct {
	key   string
	acked atomic.Int64 // the last number that was acknowledged
}

// work sets the key to one number after the other until it is told to stop. Of one whose outcome is unknown
// it goes on with the next.
func (w *counting) work(ctx context.Context, addrs []string) error {
	cl, err := client.Dial(ctx, client.Config{Addrs: addrs})
	if err != nil {
		return err
	}
	defer cl.Close()
	for n := int64(1); ; n++ {
		_, err := cl.Do(ctx, caucus.Command{"SET", w.key, strconv.FormatInt(n, 10)})
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			w.acked.Store(n)
		case !errors.Is(err, caucus.ErrUncertain):
			return fmt.Errorf("SET %s %d: %w", w.key, n, err)
		}
	}
}

// upgraded is an ensemble of three under load, whose nodes change their version.
type upgraded struct {
	*nodetest.Cluster
	t      *testing.T
	stop   func()
	load   []*counting
	failed []error
	busy   sync.WaitGroup
}

func newUpgraded(t *testing.T) *upgraded {
	t.Helper()
	u := &upgraded{Cluster: nodetest.Start(t, 3, nodetest.Loud()), t: t}
	ctx, stop := context.WithCancel(t.Context())
	u.stop = stop
	u.failed = make([]error, 2)
	for i := range u.failed {
		w := &counting{key: "count:" + strconv.Itoa(i)}
		u.load = append(u.load, w)
		u.busy.Go(func() { u.failed[i] = w.work(ctx, u.Addrs()) })
	}
	t.Cleanup(func() { stop(); u.busy.Wait() })
	u.goesOn()
	return u
}

// goesOn waits until every client was acknowledged something that it asked for from now on.
func (u *upgraded) goesOn() {
	u.t.Helper()
	for _, w := range u.load {
		before := w.acked.Load()
		nodetest.Eventually(u.t, w.key+" goes on", func() bool { return w.acked.Load() > before+1 })
	}
}

// become has a node stop in good order and start with another version, beside which the load goes on.
func (u *upgraded) become(i int, binary string) {
	u.t.Helper()
	u.Stop(i)
	u.Install(i, binary)
	u.Restart(i)
	u.Settled()
	u.goesOn()
}

// level gives the feature level of the ensemble as a node has it.
func (u *upgraded) level(i int) string {
	u.t.Helper()
	reply, err := nodetest.Ask(u.Addr(i), "INFO", "ensemble")
	if err != nil {
		u.t.Fatal(err)
	}
	_, after, _ := strings.Cut(reply.Text(), "\nfeature_level:")
	level, _, _ := strings.Cut(after, "\r\n")
	return level
}

func (u *upgraded) levels(want string) {
	u.t.Helper()
	nodetest.Eventually(u.t, "feature level "+want, func() bool {
		for i := range u.Size() {
			if u.level(i) != want {
				return false
			}
		}
		return true
	})
}

// snapshot has a node write one, which is what it starts from the next time.
func (u *upgraded) snapshot(i int) {
	u.t.Helper()
	if _, err := nodetest.Ask(u.Addr(i), "CHECKPOINT"); err != nil {
		u.t.Error(err)
	}
}

// refused starts a node that its version does not let go on: it ends, and says which version it lacks.
func (u *upgraded) refused(i int) {
	u.t.Helper()
	p := u.Begin(i)
	status, err := p.Status(nodetest.Patience)
	if err != nil || status != 1 {
		u.t.Errorf("status %d, %v", status, err)
	}
	for _, want := range []string{"feature level 2", "this version has 1",
		"start the version that the other nodes run"} {
		if !strings.Contains(p.Log(), want) {
			u.t.Errorf("nothing is said of %q:\n%s", want, p.Log())
		}
	}
}

// ended stops the load and looks whether all that was acknowledged is there.
func (u *upgraded) ended() {
	u.t.Helper()
	u.stop()
	u.busy.Wait()
	for i, w := range u.load {
		if u.failed[i] != nil {
			u.t.Error(u.failed[i])
		}
		reply, err := nodetest.Ask(u.Addr(0), "GET", w.key)
		n, bad := strconv.ParseInt(reply.Text(), 10, 64)
		if err != nil || bad != nil || n < w.acked.Load() {
			u.t.Errorf("%s is %v, %v, and %d was acknowledged", w.key, reply, err, w.acked.Load())
		}
	}
	u.Agree()
}

// SAFETY B20, with real binaries: nodes get the next version one after the other, under load. Until the
// last one has it any may go back, also from snapshots that the next version wrote. With the last the level
// rises, and from then on the old version refuses, from the log and from a snapshot alike, and loses
// nothing; who starts the next version again goes on.
func TestB20_RollingUpgradeAndBack(t *testing.T) {
	t.Parallel()
	u, next := newUpgraded(t), nodetest.Next(t)
	u.levels("1")
	for _, i := range []int{2, 1} {
		u.become(i, next)
		u.snapshot(i)
		u.levels("1")
	}
	u.become(1, "")
	u.levels("1")
	u.become(0, next)
	u.levels("1")
	u.become(1, next)
	u.levels("2")

	u.Stop(2)
	u.Install(2, "")
	u.refused(2)
	u.goesOn()
	u.Install(2, next)
	u.Restart(2)
	u.Settled()
	u.snapshot(2)
	u.become(2, next) // its log before the snapshot is gone
	u.Stop(2)
	u.Install(2, "")
	u.refused(2)
	u.Install(2, next)
	u.Restart(2)
	u.Settled()
	u.ended()
}

// SAFETY B20: who comes with a version that lacks the ensemble's level is not let in, and told why.
func TestB20_AnOldNewcomerIsNotLetIn(t *testing.T) {
	t.Parallel()
	c, next := nodetest.Start(t, 1), nodetest.Next(t)
	c.Stop(0)
	c.Install(0, next)
	c.Restart(0)
	nodetest.Eventually(t, "the level rises", func() bool {
		reply, err := nodetest.Ask(c.Addr(0), "INFO", "ensemble")
		return err == nil && strings.Contains(reply.Text(), "\nfeature_level:2\r\n")
	})
	p, err := nodetest.Run("serve", "--id", "old", "--listen", "127.0.0.1:0", "--peer-listen", "127.0.0.1:0",
		"--http",
		"off", "--data", t.TempDir(), "--join", c.Addr(0))
	if err != nil {
		t.Fatal(err)
	}
	status, err := p.Status(nodetest.Patience)
	if err != nil || status != 1 || !strings.Contains(p.Log(),
		`is at feature level 2, and the version of "old" has 1`) {
		t.Errorf("status %d, %v:\n%s", status, err, p.Log())
	}
	if _, err := nodetest.Ask(c.Addr(0), "SET", "k", "v"); err != nil {
		t.Error(err)
	}
}
