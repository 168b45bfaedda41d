package node

import (
	"context"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/feed"
	"github.com/caucus-project/caucus/internal/talk"
)

// hall is as much of a node as waiting needs.
func hall(t *testing.T) *Node {
	n := &Node{hub: feed.New(feed.Limits{Hard: 1}, time.Now)}
	n.ctx, n.cancel = context.WithCancelCause(t.Context())
	n.era.Store(newEra())
	return n
}

// A snapshot tells listeners nothing of what it skips, so it is itself a reason to read again.
func TestB7_ASnapshotIsWorthReadingAgain(t *testing.T) {
	n := hall(t)
	w := n.listen(t.Context(), &talk.Wait{Channel: "c"})
	defer w.close()
	for range 2 {
		n.era.Swap(newEra()).end()
		if err := w.next(); err != nil || w.over() {
			t.Fatal(err, w.over())
		}
	}
}

// Who is cut off, because he had no time to listen, listens anew.
func TestB7_WhoIsCutOffListensAgain(t *testing.T) {
	n := hall(t)
	w := n.listen(t.Context(), &talk.Wait{Channel: "c"})
	defer w.close()
	n.hub.Publish("c", "too much")
	if err := w.next(); err != nil || w.over() {
		t.Fatal(err, w.over())
	}
	if n.hub.Subscribers("c") != 1 {
		t.Error("nobody listens any more")
	}
}

// What ends a wait: its time, the end of the node, and that nobody is there to be answered.
func TestB7_WhatEndsAWait(t *testing.T) {
	n := hall(t)
	w := n.listen(t.Context(), &talk.Wait{Channel: "c", Millis: 1})
	if err := w.next(); err != nil || !w.over() {
		t.Error(err, w.over())
	}
	w.close()
	left, leave := context.WithCancel(t.Context())
	w = n.listen(left, &talk.Wait{Channel: "c"})
	leave()
	if err := w.next(); err != errLeft {
		t.Error(err)
	}
	w.close()
	w = n.listen(t.Context(), &talk.Wait{Channel: "c"})
	n.cancel(errStopped)
	if err := w.next(); err != errStopping {
		t.Error(err)
	}
	w.close()
	if n.waiting.Load() != 0 || n.hub.Subscribers("c") != 0 {
		t.Error("somebody waits for ever")
	}
}
