package tests

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/nodetest"
)

// What QCluster's page promises of a cluster, done with ours. docs/qcluster.md says which of its names is
// shown where.

// No node is special: whichever is lost, the others take writes and know of each other's, and it comes back.
func TestRunsWithoutAMaster(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	for lost := range c.Size() {
		c.Kill(lost)
		for i := range 2 {
			at, other := (lost+1+i)%3, (lost+2-i)%3
			key := fmt.Sprint("key", lost, i)
			if _, err := nodetest.Ask(c.Addr(at), "SET", key, "kept"); err != nil {
				t.Error(err)
			}
			if r, err := nodetest.Ask(c.Addr(other), "GET", key); err != nil || r.Text() != "kept" {
				t.Errorf("without %s %s says that %s is %v, %v", c.Name(lost), c.Name(other), key, r, err)
			}
		}
		c.Restart(lost)
		c.Settled()
	}
	c.Agree()
}

// A master keeps a state and gives its minions work. When it goes a minion becomes the master and goes on
// from that state, and what the former would write is refused.
func TestMasterAndMinions(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	work, terms := make(chan client.Message, 1000), make(chan uint64, 9)
	ctx, cancel := context.WithCancel(t.Context())
	var masters sync.WaitGroup
	t.Cleanup(masters.Wait)
	defer cancel()
	var sessions []*client.Session
	for i := range c.Size() {
		s, _ := visit(t, c, i, client.SessionOptions{})
		m, err := s.Join(ctx, "service", client.JoinOptions{Handlers: &client.Handlers{
			OnMessage: func(m *client.Member, msg client.Message) {
				if msg.Sender != m.Name() {
					work <- msg
				}
			}}})
		if err != nil {
			t.Fatal(err)
		}
		sessions = append(sessions, s)
		masters.Go(func() {
			_ = m.Lead(ctx, func(ctx context.Context, term uint64) error { // it ends with the session, or the test
				terms <- term
				for ctx.Err() == nil {
					_ = oneStep(ctx, c.Addr(i), s, term) // what went wrong is tried again
				}
				return nil
			})
		})
	}
	var former uint64
	for i := range 2 {
		term := <-terms
		for given := 0; given < 6; {
			select {
			case msg := <-work:
				if msg.Term == term {
					given++
				}
			case <-time.After(nodetest.Patience):
				t.Fatalf("the minions were given %d times work under term %d", given, term)
			}
		}
		if term <= former {
			t.Errorf("term %d follows %d", term, former)
		}
		former = term
		if err := sessions[i].Close(); err != nil {
			t.Fatal(err)
		}
	}
	<-terms
	if done, err := guarded(c.Addr(0), former, caucus.Command{"SET", "next", "-1"}); done || err != nil {
		t.Errorf("the former master wrote: %v, %v", done, err)
	}
	cancel()
	r, err := nodetest.Ask(c.Addr(1), "GET", "done")
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range strings.Fields(r.Text()) {
		if n != strconv.Itoa(i) {
			t.Fatalf("the masters did %s", r.Text())
		}
	}
}

// oneStep is what a master does: the next step of the work, by the state, and word to the minions.
func oneStep(ctx context.Context, addr string, s *client.Session, term uint64) error {
	next, err := nodetest.Ask(addr, "GET", "next")
	if err != nil {
		return err
	}
	n, _ := strconv.Atoi(next.Text())
	done, err := guarded(addr, term, caucus.Command{"APPEND", "done", strconv.Itoa(n) + " "},
		caucus.Command{"SET", "next", strconv.Itoa(n + 1)})
	if err == nil && done {
		_, err = s.Send(ctx, "service", strconv.Itoa(n), client.Recipient{})
	}
	return err
}

// guarded writes while a term leads, in one piece, and says whether it was done.
func guarded(addr string, term uint64, cmds ...caucus.Command) (done bool, err error) {
	line, err := nodetest.Dial(addr)
	if err != nil {
		return false, err
	}
	defer line.Close()
	guard := caucus.Command{"GUARD", "service", "TERM", strconv.FormatUint(term, 10)}
	all := slices.Concat([]caucus.Command{{"MULTI"}, guard}, cmds, []caucus.Command{{"EXEC"}})
	if err := line.Send(all...); err != nil {
		return false, err
	}
	var r caucus.Reply
	for range all {
		if r, err = line.Read(); err == nil {
			err = r.Err()
		}
		if err != nil {
			return false, err
		}
	}
	return !r.IsNil(), nil
}
