package client

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/caucus-project/caucus"
)

// book holds the addresses of nodes: those given, then those learnt.
type book struct {
	mu    sync.Mutex
	given []string
	addrs []string
}

// maxLearnt bounds how many addresses are kept beside those given.
const maxLearnt = 64

func newBook(given []string) *book { return &book{given: given, addrs: given} }

// all gives the addresses, beginning with the one after the given one.
func (b *book) all(after string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.Index(b.addrs, after) + 1
	return slices.Concat(b.addrs[i:], b.addrs[:i])
}

// learn takes over the addresses in an answer to ENSEMBLE NODES, in place of what was learnt before.
func (b *book) learn(nodes caucus.Reply) {
	addrs := slices.Clone(b.given)
	for _, node := range nodes.Items {
		addr := node.Field("addr").Text()
		if addr != "" && !slices.Contains(addrs, addr) && len(addrs) < len(b.given)+maxLearnt {
			addrs = append(addrs, addr)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.addrs = addrs
}

// pause is the growing wait between rounds of tries.
type pause struct{ next time.Duration }

const (
	firstPause = 10 * time.Millisecond
	lastPause  = 250 * time.Millisecond
)

// wait waits a little longer than the last time, by chance up to half as long again so that clients do not
// come back in step. It fails with ctx.
func (p *pause) wait(ctx context.Context) error {
	p.next = min(max(firstPause, p.next*2), lastPause)
	timer := time.NewTimer(p.next + rand.N(p.next/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
