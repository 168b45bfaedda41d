package work

import (
	"context"
	"errors"
	"slices"
	"syscall"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/bench/loop"
	"github.com/caucus-project/caucus/bench/outcome"
	"github.com/caucus-project/caucus/bench/procs"
	"github.com/caucus-project/caucus/bench/servers"
)

// failover is how long nothing can be written through the other nodes after the leading one was killed.
func failover() Work {
	return Work{Row: outcome.Row{Work: "kill -9 of the leading node to the next acknowledged write",
		Against: "etcd", Unit: outcome.Millis, Wanted: outcome.Wanted{Most: 1.0 / 30, Worst: 300},
		Bears: 8}, // a run has few kills
		ours: crashingCaucus(syscall.SIGKILL), theirs: crashingEtcd(syscall.SIGKILL)}
}

// silence is the same for a leading node that falls silent, its connections open.
func silence() Work {
	return Work{Row: outcome.Row{Work: "SIGSTOP of the leading node to the next acknowledged write",
		Against: "etcd", Unit: outcome.Millis, Wanted: outcome.Wanted{Most: 0.7}, Bears: 4},
		ours: crashingCaucus(syscall.SIGSTOP), theirs: crashingEtcd(syscall.SIGSTOP)}
}

// crashing is an ensemble whose leading node is lost again and again.
type crashing struct {
	*servers.Ensemble
	signal syscall.Signal                               // by which it is lost
	write  func(ctx context.Context, through int) error // tries once to write a key through a node
}

func crashingCaucus(signal syscall.Signal) open {
	return func(ctx context.Context, house servers.House) (side, error) {
		e, err := house.OpenCaucus(ctx, 3)
		if err != nil {
			return nil, err
		}
		return crashing{e, signal, func(_ context.Context, through int) error {
			line, err := loop.DialRESP(e.Addrs[through])
			if err != nil {
				return err
			}
			defer line.Close()
			_, err = line.Do(caucus.Command{"SET", "failover", "x"})
			return err
		}}, nil
	}
}

func crashingEtcd(signal syscall.Signal) open {
	return func(ctx context.Context, house servers.House) (side, error) {
		e, err := house.OpenEtcd(ctx, 3)
		if err != nil {
			return nil, err
		}
		clients, err := e.EtcdClients(3)
		if err != nil {
			return nil, errors.Join(err, e.Stop())
		}
		return withEtcd(crashing{e, signal, func(ctx context.Context, through int) error {
			_, err := clients[through].Put(ctx, "failover", "x")
			return err
		}}, clients), nil
	}
}

// held is how long a node leads before it is killed: a leader that could not hold is followed more
// slowly (SAFETY A7), and this is not about those.
const held = time.Second

// run implements side. It loses one leader at least, and more until the time is over. The value is the
// median, and the worst is what all were within.
func (c crashing) run(ctx context.Context, long time.Duration, m meter) (outcome.Sample, error) {
	var times, foreign []float64
	for begun := time.Now(); len(times) == 0 || time.Since(begun) < long; {
		took, others, err := c.crash(ctx, m)
		if err != nil {
			return outcome.Sample{}, err
		}
		times, foreign = append(times, millis(took)), append(foreign, others)
	}
	middle := outcome.Median(times)
	return outcome.Sample{Value: middle, Half: middle, Most: slices.Max(times),
		Times: len(times), Worst: slices.Max(times), Foreign: outcome.Median(foreign)}, nil
}

// crash loses the leading node once, takes the time until a write is acknowledged, and brings it back.
// Who else uses the machine is looked at before: what a killed one has used is not known after.
func (c crashing) crash(ctx context.Context, m meter) (took time.Duration, foreign float64, err error) {
	leader, err := c.Leading(ctx)
	if err != nil {
		return 0, 0, err
	}
	known := m.known()
	before := procs.Now(known...)
	if err := pause(ctx, held); err != nil {
		return 0, 0, err
	}
	foreign = procs.Foreign(before, procs.Now(known...))
	through := (leader + 1) % len(c.Addrs)
	if err := c.write(ctx, through); err != nil { // all is well, and the connection stands
		return 0, 0, err
	}
	begun := time.Now()
	if err := c.Signal(leader, c.signal); err != nil {
		return 0, 0, err
	}
	if err := c.written(ctx, through); err != nil {
		return 0, 0, err
	}
	took = time.Since(begun)
	return took, foreign, c.back(ctx, leader)
}

// back brings a lost node back.
func (c crashing) back(ctx context.Context, i int) error {
	if c.signal == syscall.SIGSTOP {
		return c.Signal(i, syscall.SIGCONT)
	}
	return c.Restart(ctx, i)
}

// between is the time between two clients that begin to write. Each tries until it succeeds, so that one
// whose write was lost with the leader, and waits for an answer, does not hide that others could write.
const between = 20 * time.Millisecond

// written waits until any client has written.
func (c crashing) written(ctx context.Context, through int) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	done := make(chan struct{}, 1)
	for {
		go c.client(ctx, through, done)
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(between):
		}
	}
}

func (c crashing) client(ctx context.Context, through int, done chan<- struct{}) {
	for ctx.Err() == nil {
		if c.write(ctx, through) == nil {
			select {
			case done <- struct{}{}:
			default: // somebody was first
			}
			return
		}
		_ = pause(ctx, time.Millisecond) // the loop sees when it is over
	}
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
