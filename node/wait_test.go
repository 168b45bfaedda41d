package node

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/feed"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/replica"
	"github.com/caucus-project/caucus/internal/talk"
	"github.com/caucus-project/caucus/internal/waist"
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
		if err := w.next(); err != nil || w.limit.Err() != nil {
			t.Fatal(err, w.limit.Err())
		}
	}
}

// Who is cut off, because he had no time to listen, listens anew.
func TestB7_WhoIsCutOffListensAgain(t *testing.T) {
	n := hall(t)
	w := n.listen(t.Context(), &talk.Wait{Channel: "c"})
	defer w.close()
	n.hub.Publish("c", "too much")
	if err := w.next(); err != nil || w.limit.Err() != nil {
		t.Fatal(err, w.limit.Err())
	}
	if n.hub.Subscribers("c") != 1 {
		t.Error("nobody listens any more")
	}
}

// What cannot be what is waited for wakes nobody, and what can be is heard with it.
func TestB7_WhatDoesNotMatterIsNotReadFor(t *testing.T) {
	n := hall(t)
	n.hub = feed.New(feed.Limits{}, time.Now)
	w := n.listen(t.Context(), &talk.Wait{Channel: "c", Matters: func(p string) bool { return p == "result" }})
	defer w.close()
	for _, payload := range []string{"vote", "message", "result", "message"} {
		n.hub.Publish("c", payload)
	}
	if err := w.next(); err != nil || len(w.heard) != 1 || w.heard[0].Payload != "result" {
		t.Fatal(err, w.heard)
	}
	n.hub.Publish("c", "message")
	n.era.Load().end()
	if err := w.next(); err != nil || len(w.heard) != 0 {
		t.Error(err, w.heard)
	}
}

// What ends a wait: its time, the end of the node, and that nobody is there to be answered.
func TestB7_WhatEndsAWait(t *testing.T) {
	n := hall(t)
	w := n.listen(t.Context(), &talk.Wait{Channel: "c", Millis: 1})
	if err := w.next(); err != nil || w.limit.Err() == nil || len(w.heard) > 0 {
		t.Error(err, w.heard)
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
	if n.hub.Subscribers("c") != 0 {
		t.Error("somebody waits for ever")
	}
}

// However much is heard, a wait ends in its time.
func TestB7_AFloodProlongsNoWait(t *testing.T) {
	q := newQueue(t, "VOTE RESULT g 7 WAIT 50")
	if reads := q.flood(`{"event":"result"}`); reads < 2 {
		t.Errorf("it read %d times", reads)
	}
	if q.n.waiting.Load() != 0 {
		t.Error("somebody waits for ever")
	}
}

// flood publishes an event whenever the node reads, and counts how often it does until it answers nil.
func (q *queue) flood(event string) (reads int) {
	for {
		select {
		case <-q.n.owner.wake:
		case r := <-q.replies:
			if !r[0].IsNil() {
				reads = -1
			}
			return reads
		}
		in, _ := q.n.owner.take()
		for _, s := range in.batches {
			reads++
			q.n.hub.Publish("caucus:g:g", event)
			s.batch.Tag.(*request).answer <- replica.Answer{Results: []entry.Result{{Reply: caucus.NilArray()}}}
		}
	}
}

// queue is a node without a replica, at which a client asks for something that it waits for.
type queue struct {
	n       *Node
	replies chan []caucus.Reply
}

func newQueue(t *testing.T, line string) *queue {
	q := &queue{n: bareNode(Config{}), replies: make(chan []caucus.Reply, 1)}
	q.n.owner = newOwner(q.n, nil)
	go func() {
		c := q.n.converse(waist.ConnInfo{})
		q.replies <- c.DoAll(t.Context(), []caucus.Command{strings.Fields(line)})
	}()
	return q
}

// answer answers what the node asks next, which it gives.
func (q *queue) answer(r caucus.Reply) *entry.Op {
	for {
		<-q.n.owner.wake
		in, _ := q.n.owner.take()
		for _, s := range in.batches {
			b := s.batch
			if req, ok := b.Tag.(*request); ok {
				req.answer <- replica.Answer{Batch: b, Results: []entry.Result{{Reply: r}}}
				return b.Steps[0].Op
			}
		}
	}
}

var inLine = caucus.Push(caucus.Int(600_000))

// Who waits in line asks again only when a snapshot may have skipped the end of the wait, and hears of an end
// at once otherwise, be it before the node knows that the wait has begun (B7).
func TestB7_TheEndOfAWaitIsTold(t *testing.T) {
	q := newQueue(t, "LOCK ACQUIRE l WAIT 0")
	op := q.answer(inLine)
	other := machine.WaitEnd{Conn: op.Conn, Request: op.Request + 1, Reply: caucus.Int(8)}
	q.n.turns.tell([]machine.WaitEnd{other, {Conn: op.Conn, Request: op.Request, Reply: caucus.Int(9)}})
	if r := <-q.replies; r[0].Int != 9 {
		t.Errorf("got %+v", r)
	}
	q = newQueue(t, "LOCK ACQUIRE l WAIT 0")
	q.answer(inLine)
	for _, r := range []caucus.Reply{inLine, caucus.Int(7)} {
		q.n.era.Swap(newEra()).end()
		if op := q.answer(r); op.Args[0] != ".inline" {
			t.Errorf("it asks %q", op.Args)
		}
	}
	if r := <-q.replies; r[0].Int != 7 || len(q.n.turns.open) != 0 {
		t.Errorf("got %+v", r)
	}
}

// Of a wait for elements whose end a snapshot has skipped nobody knows any more what it was (B7).
func TestB7_WhatASnapshotSkippedIsUncertain(t *testing.T) {
	q := newQueue(t, "BLPOP q 0")
	told := caucus.Push(caucus.Int(0), caucus.Int(42))
	q.answer(told)
	for _, r := range []caucus.Reply{told, caucus.Fail(caucus.ErrUncertain, "it has ended")} {
		q.n.era.Swap(newEra()).end()
		if op := q.answer(r); op.Args[0] != ".inpop" || op.Args[1] != "42" {
			t.Errorf("it asks by %q", op.Args)
		}
	}
	if r := (<-q.replies)[0]; caucus.ParseError(r.Str).Word != caucus.ErrUncertain.Word {
		t.Errorf("got %+v", r)
	}
}
