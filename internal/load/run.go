package load

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// run is one run under way.
type run struct {
	cfg    Config
	ctx    context.Context
	until  time.Time     // zero: no end by time
	budget atomic.Int64  // commands that may still be sent
	value  string        // of every SET
	start  chan struct{} // closed when all connections stand
}

// Run makes the load and reports. It ends with ctx at the latest, which is no error: what was measured
// until then is reported. An error says that the configuration makes no sense.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if cfg.Warmup > 0 {
		warm := cfg
		warm.Duration, warm.Commands, warm.Watch = cfg.Warmup, 0, nil
		warm.run(ctx)
	}
	return cfg.run(ctx), nil
}

// run connects everybody first, so that dialling is not measured, and then lets them go at once.
func (c Config) run(ctx context.Context) *Report {
	r := &run{cfg: c, ctx: ctx, value: text(c.ValueSize), start: make(chan struct{})}
	r.budget.Store(int64(min(c.Commands, 1<<62)))
	callers := make([]*caller, c.Conns)
	var ready, done sync.WaitGroup
	ready.Add(c.Conns)
	for i := range callers {
		callers[i] = newCaller(r, i, newReport())
		done.Go(func() { callers[i].work(&ready) })
	}
	ready.Wait()
	begun := time.Now()
	if c.Duration > 0 {
		r.until = begun.Add(c.Duration)
	}
	close(r.start)
	over := make(chan struct{})
	go func() {
		done.Wait()
		close(over)
	}()
	c.watch(callers, begun, over)
	return sum(callers, begun)
}

// watch tells how it goes until it is over.
func (c Config) watch(callers []*caller, begun time.Time, over <-chan struct{}) {
	rhythm := time.NewTicker(c.Every)
	defer rhythm.Stop()
	for {
		select {
		case <-over:
			return
		case <-rhythm.C:
			if c.Watch != nil {
				c.Watch(sum(callers, begun))
			}
		}
	}
}

// sum adds up what all have come to.
func sum(callers []*caller, begun time.Time) *Report {
	total := newReport()
	total.Elapsed = time.Since(begun)
	for _, c := range callers {
		c.mu.Lock()
		total.add(c.report)
		c.mu.Unlock()
	}
	return total
}

// take gives how many commands the next pipeline may have, 0 when the run is over.
func (r *run) take() int {
	if r.ctx.Err() != nil || !r.until.IsZero() && !time.Now().Before(r.until) {
		return 0
	}
	if r.cfg.Commands == 0 {
		return r.cfg.Depth
	}
	left := r.budget.Add(-int64(r.cfg.Depth)) + int64(r.cfg.Depth)
	return int(min(max(left, 0), int64(r.cfg.Depth)))
}

// text gives so many bytes that are no run of one letter.
func text(size int) string {
	b := make([]byte, size)
	for i := range b {
		b[i] = 'a' + byte(i%26)
	}
	return string(b)
}
