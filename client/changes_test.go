package client_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
)

// keyHistory is the changes of keys as all nodes of an ensemble have them: one at each revision.
type keyHistory struct {
	mu            sync.Mutex
	newest, floor int
}

func (c *keyHistory) answer(_ *fakeLine, cmd caucus.Command) *caucus.Reply {
	c.mu.Lock()
	defer c.mu.Unlock()
	change := func(revision int, word, key string) caucus.Reply {
		return caucus.Array(caucus.Int(int64(revision)), caucus.Bulk(word), caucus.Bulk(key))
	}
	switch cmd[0] {
	case "READONLY":
		return reply(caucus.OK())
	case "CHANGES":
	default:
		return nil
	}
	if cmd[2] == "$" {
		return reply(caucus.Array(change(c.newest, "", "")))
	}
	from, err := strconv.Atoi(cmd[2])
	if err != nil || from < c.floor {
		return fail(caucus.ErrGap, fmt.Sprint(c.floor, " is the oldest"))
	}
	var items []caucus.Reply
	for r := from; r <= c.newest; r++ {
		items = append(items, change(r, "set", fmt.Sprint("k", r)))
	}
	if items == nil {
		return nil // it waits
	}
	return reply(caucus.Array(items...))
}

func (c *keyHistory) set(newest, floor int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.newest, c.floor = newest, floor
}

// The changes are given without a gap and without a double, whatever becomes of the node that tells them, and
// what is no longer kept is told.
func TestChangesGoOnAtAnotherNode(t *testing.T) {
	h := &keyHistory{newest: 7}
	one, two := startFake(t, h.answer), startFake(t, h.answer)
	c := dial(t, client.Config{Addrs: []string{one.addr, two.addr}})
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	go func() { // when somebody waits behind the seventh
		one.await("CHANGES FROM 8 COUNT 1000 MATCH k* BLOCK 10000", 1)
		h.set(9, 0)
		one.cut()
		two.cut()
	}()
	got := ""
	for change, err := range c.Changes(ctx, "k*") {
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			break
		}
		got += fmt.Sprintln(change.Revision, change.Command, change.Key, change.From, change.Oldest)
		switch change.Revision {
		case 9:
			h.set(20, 19)
			one.stop()
		case 20:
			cancel()
		}
	}
	if want := "8 set k8 0 0\n9 set k9 0 0\n18 gap  10 19\n19 set k19 0 0\n20 set k20 0 0\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// A loop may be left, or begin where it likes; one whose reads could be stale is refused.
func TestChangesFrom(t *testing.T) {
	h := &keyHistory{newest: 7, floor: 3}
	one := startFake(t, h.answer)
	c := dial(t, client.Config{Addrs: []string{one.addr}})
	got := ""
	for change, err := range c.ChangesFrom(t.Context(), "", 5) {
		if got += fmt.Sprint(change.Revision, " "); err != nil || change.Revision == 6 {
			break
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for change, err := range c.ChangesFrom(ctx, "", 0) {
		got += fmt.Sprint(change.Command, err)
		cancel() // as by the signal that has the loop left
		break
	}
	if got != "5 6 gap<nil>" {
		t.Errorf("got %q", got)
	}
	stale := dial(t, client.Config{Addrs: []string{one.addr}, Stale: true})
	for _, err := range stale.Changes(t.Context(), "") {
		if !errors.Is(err, caucus.ErrBad) {
			t.Errorf("of stale reads: %v", err)
		}
	}
}
