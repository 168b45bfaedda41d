package loop

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sys/unix"
)

// Switchboard sends SET or GET over many connections, which one goroutine serves: it waits until answers
// have come over any of them, reads each, and sends the next flight over the same connection before it
// looks at another. So an operation costs a read, a write, and little beside what the kernel does for
// those; the load is made on the processors that the servers need. On two of them a second
// goroutine cost more CPU for an operation, though in pipelines against Redis it was sometimes ahead.
type Switchboard struct {
	talk
	rng     *rand.Rand
	wires   []wire
	epoll   int
	events  []unix.EpollEvent // as many as connections, so that none is passed over
	in      []byte            // one byte more than an answer has, so that too long a one is seen
	flying  int               // connections with a flight under way
	latency *hdrhistogram.Histogram
}

// RESP opens n connections, spread over servers on the loopback, over each of which SET or GET is sent,
// so many at a time.
func RESP(addrs []string, n, depth int, read bool) (*Switchboard, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	t := talkOf(depth, read)
	s := &Switchboard{talk: t, rng: rand.New(rand.NewPCG(1, uint64(n))), epoll: epoll,
		events: make([]unix.EpollEvent, n), in: make([]byte, len(t.answer)+1)}
	for i := range n {
		if err := s.connect(addrs[i%len(addrs)]); err != nil {
			s.Close()
			return nil, err
		}
	}
	return s, nil
}

func (s *Switchboard) connect(addr string) error {
	w, err := dialWire(addr)
	if err != nil {
		return err
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(len(s.wires))} // which comes back with it
	s.wires = append(s.wires, w)
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, w.fd, &event))
}

// Close closes all connections. What the kernel says of it tells nobody anything.
func (s *Switchboard) Close() {
	for _, w := range s.wires {
		_ = unix.Close(w.fd)
	}
	_ = unix.Close(s.epoll)
}

// Run begins a flight over each connection, and the next when one is answered, for so long; a flight that
// has begun is finished. An error ends the run. Flights may be under way then, so there is no other run.
func (s *Switchboard) Run(ctx context.Context, long time.Duration) (Report, error) {
	begun := time.Now()
	s.latency = newHistogram()
	err := s.run(ctx, begun.Add(long))
	r := newReport(time.Since(begun))
	for _, w := range s.wires {
		r.add(w.operations)
	}
	r.latency = s.latency
	return r, err
}

// look is how often a run looks whether it is to be broken off.
const look = time.Second / 4

func (s *Switchboard) run(ctx context.Context, until time.Time) error {
	for i := range s.wires {
		s.wires[i].operations = 0
		if err := s.fly(&s.wires[i], time.Now()); err != nil {
			return err
		}
	}
	for next := time.Now().Add(look); s.flying > 0; {
		if err := s.round(until); err != nil {
			return err
		}
		if now := time.Now(); now.After(next) {
			next = now.Add(look)
			if err := errors.Join(ctx.Err(), s.overdue(now)); err != nil {
				return err
			}
		}
	}
	return nil
}

// round waits until something has come, and serves each connection over which it has once.
func (s *Switchboard) round(until time.Time) error {
	n, err := unix.EpollWait(s.epoll, s.events, int(look/time.Millisecond))
	if err != nil && err != unix.EINTR {
		return os.NewSyscallError("epoll_wait", err)
	}
	for _, e := range s.events[:max(n, 0)] {
		if err := s.hear(&s.wires[e.Fd], until); err != nil {
			return fmt.Errorf("connection %d of %d: %w", e.Fd+1, len(s.wires), err)
		}
	}
	return nil
}

func (s *Switchboard) fly(w *wire, now time.Time) error {
	w.sent, w.came = now, 0
	s.flying++
	return w.send(s.next(s.rng))
}

// hear reads what has come over a connection. When that is the whole answer, the next flight goes.
func (s *Switchboard) hear(w *wire, until time.Time) error {
	n, err := w.read(s.in)
	switch {
	case n == 0:
		return err
	case w.sent.IsZero() || !s.right(s.in[:n], w.came):
		return fmt.Errorf("answered with %.200q, where an answer begins with %.20q", s.in[:n], s.answer)
	}
	if w.came += n; w.came < len(s.answer) {
		return nil
	}
	now := time.Now()
	record(s.latency, now.Sub(w.sent))
	w.operations += uint64(len(s.places))
	w.sent = time.Time{}
	s.flying--
	if now.After(until) {
		return nil
	}
	return s.fly(w, now)
}

// overdue is an error when an answer has not come in time.
func (s *Switchboard) overdue(now time.Time) error {
	for i, w := range s.wires {
		if !w.sent.IsZero() && now.Sub(w.sent) >= patience {
			return fmt.Errorf("connection %d of %d: no answer within %v", i+1, len(s.wires), patience)
		}
	}
	return nil
}
