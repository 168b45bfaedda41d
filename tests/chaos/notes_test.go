//go:build linux

package chaos

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/tests/chaos/history"
	"golang.org/x/sys/unix"
)

// moment reads the clock by which everything is noted, in nanoseconds: the machine's own, which nobody sets
// and all processes share.
func moment() int64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		panic(err) // there is no Linux without it
	}
	return now.Nano()
}

// notes are records that many make.
type notes[R any] struct {
	mu   sync.Mutex
	list []R
}

func (n *notes[R]) add(r R) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, r)
}

// all gives the records up to now.
func (n *notes[R]) all() []R {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.list[:len(n.list):len(n.list)]
}

// rounds are parts of a run that are judged by themselves, with keys of their own, so that what grows with a
// history stays small.
type rounds[R any] struct {
	mu   sync.Mutex
	list []*R
}

// round is how long one lasts.
const round = 30 * time.Second

// now gives the present one and its number, from 0.
func (r *rounds[R]) now(c *crew) (n int, one *R) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n = int((moment() - c.began) / int64(round))
	for len(r.list) <= n {
		r.list = append(r.list, new(R))
	}
	return n, r.list[n]
}

// patience is how long a call may take, also one of many attempts.
const patience = 10 * time.Second

// write makes a call that changes something, read one that does not. They give what is to be noted of it.
func (c *crew) write(id int, do func(ctx context.Context) error) (history.Call, error) {
	one, err := c.read(id, do)
	if one.Fate == history.Done {
		c.pulse.beat(time.Now())
	}
	return one, err
}

func (c *crew) read(id int, do func(ctx context.Context) error) (history.Call, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	from := moment()
	err := do(ctx)
	one := history.Call{Span: history.Span{From: from, To: moment()}, Fate: history.FateOf(err), Client: id}
	c.calls.add(one)
	for _, never := range []error{caucus.ErrBad, caucus.ErrWrongType, caucus.ErrExecAbort, caucus.ErrNoPerm,
		caucus.ErrNoAuth, caucus.ErrDenied} {
		if errors.Is(err, never) {
			c.violated("%s: a call that is right was refused as wrong: %w", c.name, err)
		}
	}
	return one, err
}

// written reads what was written down in a key, one word after the other.
func written(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ';' })
}

// writeDown is the command that does so.
func writeDown(key, word string) caucus.Command { return caucus.Command{"APPEND", key, word + ";"} }

// judged makes an error of what a checker has found. What it could not decide is told, and counts as nothing.
func (c *crew) judged(what string, v history.Verdict) error {
	for _, text := range v.Unknown {
		c.t.Logf("%s: UNDECIDED: %s: %s", c.name, what, text)
		c.undecided = append(c.undecided, what+": "+text)
	}
	c.t.Logf("%s: %s: %d records judged", c.name, what, v.Judged)
	if len(v.Wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%s: %s", what, strings.Join(v.Wrong, "\n"))
}

// visits has a client open sessions, one after the other, and work with each until it is over, until the
// work is done or ctx ends. Of those that the site cannot reach it tries again.
func (c *crew) visits(ctx context.Context, id int, opts client.SessionOptions,
	work func(ctx context.Context, s *client.Session, visit string)) {
	for n := 0; ctx.Err() == nil; n++ {
		conn, err := c.dial(ctx, id)
		if err != nil {
			continue
		}
		if s, err := conn.Session(ctx, opts); err == nil {
			within, cancel := context.WithCancel(ctx)
			go func() {
				select {
				case <-s.Lost():
					cancel()
				case <-within.Done():
				}
			}()
			work(within, s, fmt.Sprintf("%s%d.%d", c.name[:1], id, n))
			cancel()
			_ = s.Close() // it may not reach anybody, and ends by itself then
		}
		_ = conn.Close()
	}
}

// eventually waits until something holds, in a field that is whole.
func eventually(ctx context.Context, what string, holds func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	last := errors.New("not tried")
	if err := wait(ctx, what, func() bool { last = holds(ctx); return last == nil }); err != nil {
		return fmt.Errorf("%w: %w", err, last)
	}
	return nil
}
