package client

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/lease"
)

// What a member's process does for a belief may need time to stop: a program that was started, a
// transaction under way. JoinOptions.OnRevoke stops it. Until it has returned, nothing is sent on the
// session's own connection, because the ensemble takes the next request there for proof that the
// revocation was heard (SAFETY A3); meanwhile the session is kept alive by its id over the client's other
// connection, which proves nothing. If it takes too long, the ensemble grants anew when the old promise
// is over, as from anybody who is silent.

// Holding is what a member may act on at one moment.
type Holding struct {
	Assignment caucus.Assignment // zero unless Assigned
	Term       uint64            // zero unless Leads
	Assigned   bool
	Leads      bool
	// Left is for how long what is held may be believed if no further promise comes; 0 when there is no promise
	// to rely on.
	Left time.Duration
	// Promise is for how long the newest promise was given in all, counted from when it was asked for. Belief
	// ends at 98 % of it, so Left is that less the time since.
	Promise time.Duration
	// Slots and their epoch are what Member.Slots answers, nil when the member may work on none.
	Slots     []int
	SlotEpoch uint64
}

// Holding gives the assignment and the leadership as they may be believed at one and the same moment, and
// for how long. It is for those who hand the belief on, to a process that they start: Assignment and
// IsLeader answer the same with less.
func (m *Member) Holding() Holding {
	now := m.s.c.cfg.clock()
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	index, assigned := m.s.lease.Held(m.key(lease.Index), now)
	term, leads := m.s.lease.Held(m.key(lease.Leadership), now)
	h := Holding{
		Assignment: assignmentOf(index), Term: term.Token, Assigned: assigned, Leads: leads,
		Left:    micros(m.s.lease.Left(now)),
		Promise: time.Duration(m.s.lease.PromiseMillis()) * time.Millisecond,
	}
	h.Slots, h.SlotEpoch = m.slotsAt(now)
	return h
}

func micros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }

// guard has the ends of the member's beliefs wait for those who act for them: OnRevoke and what Lead runs,
// and for slots OnRelease. The caller holds mu.
func (m *Member) guard() {
	m.s.lease.Guard(m.key(lease.Index), m.onRevoke != nil)
	m.s.lease.Guard(m.key(lease.Leadership), m.onRevoke != nil || m.leads)
	m.s.lease.Guard(m.slot(0), m.onRelease != nil)
	if (m.onRevoke != nil || m.leads || m.onRelease != nil) && !m.s.lapses {
		m.s.lapses = true
		m.s.served.Go(m.s.watchLapse)
	}
}

// unguard has nothing wait any more. The caller holds mu.
func (m *Member) unguard() {
	for _, key := range []lease.Key{m.key(lease.Index), m.key(lease.Leadership), m.slot(0)} {
		m.s.lease.Guard(key, false)
	}
}

// owed gives what the member held, has ended, and was not seen to; and for how long nobody else is granted
// it.
func (m *Member) owed() (keys []lease.Key, left time.Duration) {
	now := m.s.c.cfg.clock()
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	for _, kind := range []lease.Kind{lease.Index, lease.Leadership} {
		n, owed := m.s.lease.Owed(m.key(kind), now)
		if owed && (keys == nil || micros(n) < left) {
			left = micros(n)
		}
		if owed {
			keys = append(keys, m.key(kind))
		}
	}
	return keys, left
}

// letGo stops what acts for beliefs that have ended. It returns when that is done, whoever does it.
func (m *Member) letGo() {
	m.letting.Lock()
	defer m.letting.Unlock()
	for keys, left := m.owed(); keys != nil; keys, left = m.owed() {
		m.stop(keys, left)
		m.released(keys)
	}
}

// stop stops what acts for them.
func (m *Member) stop(keys []lease.Key, left time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), left)
	defer cancel()
	if slices.Contains(keys, m.key(lease.Leadership)) {
		m.stopLeading()
	}
	if m.onRevoke != nil {
		m.onRevoke(ctx)
	}
}

// released notes that nobody acts for former beliefs any more. What Lead has begun again meanwhile, because
// the belief came back for a moment, must be stopped again.
func (m *Member) released(keys []lease.Key) {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	for _, key := range keys {
		if key.Kind != lease.Leadership || m.running == nil {
			m.s.lease.Release(key)
		}
	}
	m.stale = true
	m.s.nudge()
}

func (s *Session) all() []*Member {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.members))
}

// debtors gives the members that owe something.
func (s *Session) debtors() []*Member {
	return slices.DeleteFunc(s.all(), func(m *Member) bool {
		keys, _ := m.owed()
		return keys == nil
	})
}

// discharge sees to all that is owed before anything else is sent on l, which the caller has taken. It
// gives the connection to go on with.
func (s *Session) discharge(ctx context.Context, l *link) *link {
	debtors := s.debtors()
	if len(debtors) == 0 {
		return l
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		forAll(debtors, func(m *Member) {
			m.reaffirm(ctx)
			m.letGo()
		})
	}()
	rhythm := time.NewTicker(s.hang)
	defer rhythm.Stop()
	for ctx.Err() == nil {
		select {
		case <-done:
			return l
		case <-l.dead: // the session must be resumed, or its grace runs out
		case <-rhythm.C:
			s.vouch(ctx, l)
		}
		if next, err := s.mend(ctx, l); err == nil {
			l = next
		}
	}
	<-done
	return l
}

// forAll does something for all members at once, and waits.
func forAll(members []*Member, do func(*Member)) {
	var all sync.WaitGroup
	for _, m := range members {
		all.Go(func() { do(m) })
	}
	all.Wait()
}

// vouch keeps the session alive without acknowledging anything.
func (s *Session) vouch(ctx context.Context, l *link) {
	ctx, cancel := context.WithTimeout(ctx, s.hang)
	defer cancel()
	sent := s.c.cfg.clock()
	reply, err := s.c.Do(ctx, caucus.Command{"SESSION", "KEEPALIVE", s.id})
	if err != nil || len(reply.Items) != 1 {
		return // the next one may fare better; a TTL is three of these long
	}
	if reply.Items[0].Int <= 0 {
		l.doubtful = true // it has ended, or its connection was seen to close: RESUME will tell
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = sent
}

// reaffirm asks, on a connection where that acknowledges nothing, what the member holds under the present
// version. What was revoked may not have been the member's, or not all of it: that is owed no more. It
// gives up when the ensemble may grant anew.
func (m *Member) reaffirm(ctx context.Context) {
	var wait pause
	for {
		keys, left := m.owed()
		if keys == nil || left == 0 || !m.remains() {
			return
		}
		within, cancel := context.WithTimeout(ctx, min(left, m.s.hang))
		err := m.ask(within)
		cancel()
		if err == nil || wait.wait(ctx) != nil {
			return
		}
	}
}

// remains says whether the member may still hold anything.
func (m *Member) remains() bool {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	return !m.leaving && m.gone == nil && m.s.over == nil
}

// ask reads both of what a member can hold, aside from the session's connection.
func (m *Member) ask(ctx context.Context) error {
	now := m.s.c.cfg.clock()
	m.s.mu.Lock()
	asked := m.s.lease.Ask(now)
	m.s.mu.Unlock()
	index, err := m.s.c.Do(ctx, caucus.Command{"GROUP", "INDEX", m.group, "MEMBER", m.name})
	if passing(err) {
		return err
	}
	leader, err := m.s.c.Do(ctx, caucus.Command{"GROUP", "LEADER", m.group})
	if passing(err) {
		return err
	}
	now = m.s.c.cfg.clock()
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	if !m.leaving {
		m.takeIndex(asked, index)
		m.takeLeader(asked, leader)
		m.announce(now)
	}
	return nil
}

// watchLapse sees to beliefs that end by the clock alone, with no word from the ensemble, until the
// session is over.
func (s *Session) watchLapse() {
	for {
		timer := time.NewTimer(s.tillLapse())
		select {
		case <-timer.C:
			lapsed, slots := s.lapsed()
			forAll(lapsed, (*Member).letGo)
			forAll(slots, (*Member).letGoSlots)
		case <-s.lost:
			timer.Stop()
			return // the keeper sees to what is left
		}
	}
}

// tillLapse says when to look at the clocks next: when the newest promise is over, and often, since they may
// leap.
func (s *Session) tillLapse() time.Duration {
	now := s.c.cfg.clock()
	s.mu.Lock()
	defer s.mu.Unlock()
	often := s.hang / 4
	if left := micros(s.lease.LeftOfSlots(now)); left > 0 {
		return min(left, often)
	}
	return often
}

// lapsed gives the members that can wait no longer, and those that have slots to let go of.
func (s *Session) lapsed() (lapsed, owing []*Member) {
	now := s.c.cfg.clock()
	s.mu.Lock()
	s.lease.Lapse(now)
	s.announce()
	owing = s.hurrySlots(now)
	s.mu.Unlock()
	return slices.DeleteFunc(s.debtors(), func(m *Member) bool {
		_, left := m.owed()
		return left > 0
	}), owing
}
