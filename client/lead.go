package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/lease"
)

// leading is one run of what a member does while it leads. The session's mu guards the member's field.
type leading struct {
	ctx  context.Context // of the function
	end  context.CancelCauseFunc
	term uint64
	done chan struct{} // closed when the function has returned
}

// Lead does what only one member of the group may do at a time. It waits until the member leads and runs f
// with the term, which is a fencing token (see GuardTerm), and with a context that ends when the leadership
// does: by Leave, Close or Resign, by a TRANSFER, when too few members are left, when the session is over,
// or when no word came for so long that the ensemble may have given it away. When f has returned then,
// whatever it returned, Lead waits until the member leads again, and so on.
//
// The handing over is orderly: the leadership is given to nobody else, and neither Leave, Close nor Resign
// tells the ensemble, before f has returned; OnRevoke, if there is one, runs after it and before the
// ensemble is told. This holds for as long as the promise lasts under which the member believed: at most P
// (the session's TTL, or its Grace if that is shorter) after its last heartbeat. So who is cut off, or
// returns too late, is not waited for, and what it writes then must be fenced.
//
// An f that returns before its context has ended is done with leading: Lead gives the leadership up, to the
// next in line if there is one, and returns what f returned. It also gives it up when ctx ends, waits for f
// first, and returns the cause of ctx. When the member is none any more it returns why (see Err). The
// member stays in its group and may be chosen again; who does not want that leaves, or closes the session.
//
// One Lead of a member runs at a time; another fails with caucus.ErrConflict. F runs in the goroutine of
// the caller, so that a panic is the caller's; nothing is given up then. F must not call Leave, Close, Resign
// or Transfer, which wait for it: it returns instead. Once its context has ended, calls of the Session may
// wait for it too, so what it must still write then goes through the Client.
func (m *Member) Lead(ctx context.Context, f func(ctx context.Context, term uint64) error) error {
	if err := m.beginLead(); err != nil {
		return err
	}
	defer m.endLead()
	for {
		w, err := m.awaitLead(ctx)
		if err != nil {
			return err
		}
		err, early := m.work(w, f)
		if ctx.Err() != nil {
			err, early = context.Cause(ctx), true
		}
		if early {
			return errors.Join(err, m.yield(ctx))
		}
	}
}

// beginLead notes that Lead runs, so that the ends of leaderships wait for it.
func (m *Member) beginLead() error {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	switch {
	case m.s.over != nil:
		return m.s.over
	case m.gone != nil:
		return m.gone
	case m.leads:
		return caucus.Errorf(caucus.ErrConflict, "client: another Lead of this member of %s runs", m.group)
	}
	m.leads = true
	m.guard()
	return nil
}

func (m *Member) endLead() {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	m.leads = false
	if m.s.over == nil && m.gone == nil { // else the group may be another Member's by now
		m.guard()
	}
}

// awaitLead waits until the member leads.
func (m *Member) awaitLead(ctx context.Context) (w *leading, err error) {
	for m.yields() { // an earlier attempt to give the leadership up may not have been heard
		if err := m.Resign(ctx); err != nil && (!passing(err) || ctx.Err() != nil || m.Err() != nil) {
			return nil, err
		}
	}
	err = m.until(ctx, func() bool {
		w = m.startLeading(ctx)
		return w != nil
	})
	return w, err
}

// startLeading begins a run if the member leads.
func (m *Member) startLeading(ctx context.Context) *leading {
	now := m.s.c.cfg.clock()
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	v, ok := m.heldAt(lease.Leadership, now)
	if !ok {
		return nil
	}
	w := &leading{term: v.Token, done: make(chan struct{})}
	w.ctx, w.end = context.WithCancelCause(ctx)
	m.running = w
	return w
}

// work runs f, and says whether it returned before it was asked to.
func (m *Member) work(w *leading, f func(context.Context, uint64) error) (err error, early bool) {
	defer func() {
		m.s.mu.Lock()
		defer m.s.mu.Unlock()
		m.running = nil
		w.end(nil)
		close(w.done)
	}()
	err = f(w.ctx, w.term)
	return err, w.ctx.Err() == nil
}

// stopLeading ends the run that there is, and waits for it.
func (m *Member) stopLeading() {
	m.s.mu.Lock()
	w := m.running
	m.s.mu.Unlock()
	if w != nil {
		w.end(fmt.Errorf("client: the member leads group %s no more", m.group))
		<-w.done
	}
}

// yield gives the leadership up at the end of Lead, whose context may be over.
func (m *Member) yield(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.s.hang)
	defer cancel()
	err := m.Resign(ctx)
	if err == nil || m.Err() != nil {
		return nil
	}
	return fmt.Errorf("client: the leadership of %s is not given up: %w", m.group, err)
}

// Resign gives the leadership up, to the next in line; if there is none the member leads again, under a
// new term. From the moment of the call it is not believed in. What Lead runs, and then OnRevoke, end
// before the ensemble is told. For a member that does not lead it does nothing. After caucus.ErrUncertain
// the member does not believe that it leads until another Resign or Transfer, or Lead, has made sure that it
// was heard.
func (m *Member) Resign(ctx context.Context) error {
	_, err := m.handOver(ctx, caucus.Command{"GROUP", "RESIGN", m.group})
	if errors.Is(err, caucus.ErrConflict) || errors.Is(err, caucus.ErrNoLeader) {
		return nil
	}
	return err
}

// Transfer is Resign in favour of another member, and gives the term under which that will lead. It does what
// Client.Transfer does, but when this member leads it is done at once.
func (m *Member) Transfer(ctx context.Context, to string) (term uint64, err error) {
	return m.handOver(ctx, caucus.Command{"GROUP", "TRANSFER", m.group, to})
}

// handOver ends the leadership by a command that takes effect at once.
func (m *Member) handOver(ctx context.Context, cmd caucus.Command) (term uint64, err error) {
	m.giveUpLead(true)
	m.letGo()
	reply, err := m.s.doOnce(ctx, cmd)
	if !errors.Is(err, caucus.ErrUncertain) {
		m.giveUpLead(false)
	}
	return uint64(reply.Int), err
}

// giveUpLead ends the belief in the leadership, before the ensemble is told and after (see lease.GiveUp).
// While it is told, no answer begins a new one.
func (m *Member) giveUpLead(yielding bool) {
	now := m.s.c.cfg.clock()
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	m.yielding = yielding
	m.s.lease.GiveUp(m.key(lease.Leadership))
	m.stale = true
	m.announce(now)
	m.s.nudge()
}

func (m *Member) yields() bool {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	return m.yielding
}
