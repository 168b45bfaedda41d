package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/caucus-project/caucus"
)

// writer writes one key after another and remembers which writes were acknowledged, and when.
type writer struct {
	mu   sync.Mutex
	acks []ack
}

type ack struct {
	n           int
	sent, acked int64
}

const writePause = 10 * time.Millisecond

// write goes on until ctx ends. A write that fails or whose outcome is unknown is none that was acknowledged.
func (w *writer) write(ctx context.Context, to caucus.Doer) {
	for n := 0; ctx.Err() == nil; n++ {
		sent := ticks()
		if _, err := to.Do(ctx, caucus.Command{"SET", writtenKey(n), strconv.Itoa(n)}); err == nil {
			w.mu.Lock()
			w.acks = append(w.acks, ack{n, sent, ticks()})
			w.mu.Unlock()
		}
		idle(ctx, writePause)
	}
}

func writtenKey(n int) string { return fmt.Sprintf("demo:write:%d", n) }

// firstAfter gives when the first write that was sent after a moment was acknowledged.
func (w *writer) firstAfter(at int64) (int64, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.acks {
		if a.sent > at {
			return a.acked, true
		}
	}
	return 0, false
}

func (w *writer) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.acks)
}

// checkWrites looks whether every acknowledged write is there, on the nodes that are left.
func (s *story) checkWrites(ctx context.Context) error {
	s.writes.mu.Lock()
	defer s.writes.mu.Unlock()
	missing := 0
	for _, a := range s.writes.acks {
		r, err := s.client.Do(ctx, caucus.Command{"GET", writtenKey(a.n)})
		if err != nil {
			return fmt.Errorf("read back what was written: %w", err)
		}
		if r.Text() != strconv.Itoa(a.n) {
			missing++
		}
	}
	acked := len(s.writes.acks)
	s.claim(missing == 0 && acked > 0, "acknowledged writes: %s of %s are there on the two nodes left",
		thousands(acked-missing), thousands(acked))
	return nil
}
