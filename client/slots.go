package client

import (
	"context"
	"slices"
	"strconv"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/lease"
)

// The slots of a group stay with a member until it releases them or its session ends, whatever else is
// revoked from it (SAFETY A17). So the belief in them does not end with a version, and nothing that is sent
// meanwhile could give them away: heartbeats go on while OnRelease runs.

// sharing is what a member knows of its slots. The session's mu guards it.
type sharing struct {
	reads     bool  // they are asked for with the next heartbeat that reads anything
	wanted    bool  // somebody asks for them, here or when it joined
	slots     []int // that it holds, ascending, as of the newest answer
	asked     []int // those of them that it is asked to release
	epoch     uint64
	parting   []int // that it works on no more: OnRelease runs for them, or they are being released
	releasing *releasing
	turn      uint64 // counts the changes of what Slots answers
	hurry     func() // ends the context of OnRelease, nil while it does not run for what was asked
}

// releasing is a release that is under way.
type releasing struct {
	slots []int
	life  context.Context // of the attempts to tell the ensemble
	end   func()          // of these
	done  chan struct{}   // closed when it is over
}

func (m *Member) slot(n int) lease.Key {
	return lease.Key{Group: m.group, Kind: lease.Slots, Slot: n}
}

// Slots gives the slots that the member may work on now, ascending, and the epoch to fence with: GUARD group
// SLOT slot EPOCH epoch. Those that it is asked to release are not among them any more. Nothing else takes a
// slot away, so the others go on through settlings; all end when, by this process's own clocks, the ensemble
// may have ended the session. It never waits, and is learnt soon after Join: see Changed.
func (m *Member) Slots() (slots []int, epoch uint64) {
	now := m.s.c.cfg.clock()
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	m.readSlots()
	return m.slotsAt(now)
}

// slotsAt is Slots; the caller holds mu, as of all that follows but where it says otherwise.
func (m *Member) slotsAt(now lease.Reading) (slots []int, epoch uint64) {
	if !m.relies(now) {
		return nil, m.epoch
	}
	for _, n := range m.slots {
		if m.mayUse(n, now) {
			slots = append(slots, n)
		}
	}
	return slots, m.epoch
}

// relies says whether there is a promise by which slots may be believed in.
func (m *Member) relies(now lease.Reading) bool {
	ok := m.s.lease.LeftOfSlots(now) > 0
	if !ok && m.told.alive {
		m.announce(now) // it ended by the clock: take note, or its coming back would be no change
	}
	return ok
}

// OwnsSlot says whether the member may work on a slot now, as Slots does with less effort, and the epoch.
// SlotOf says to which slot a work item belongs.
func (m *Member) OwnsSlot(slot int) (epoch uint64, ok bool) {
	now := m.s.c.cfg.clock()
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	m.readSlots()
	return m.epoch, m.relies(now) && m.mayUse(slot, now)
}

func (m *Member) mayUse(n int, now lease.Reading) bool {
	_, parting := slices.BinarySearch(m.parting, n)
	return !parting && m.s.lease.Believes(m.slot(n), now)
}

// readSlots lets heartbeats ask for slots from now on.
func (m *Member) readSlots() {
	if !m.wanted {
		m.reads, m.wanted, m.stale = true, true, true
		m.s.nudge()
	}
}

// takeSlots takes the answers to GROUP SLOTS, without and with REVOKING.
func (m *Member) takeSlots(asked lease.Asked, held, revoking caucus.Reply) {
	for _, r := range []caucus.Reply{held, revoking} {
		if err := r.Err(); m.inDoubt(err) {
			return
		} else if err != nil || len(r.Items) < 2 {
			m.s.lease.GiveUp(m.slot(lease.AllSlots))
			m.haveSlots(nil)
			return
		}
	}
	if !m.s.lease.Counts(asked, m.slot(0)) {
		m.stale = true
		return
	}
	has := slotsIn(held)
	m.epoch = uint64(held.Items[1].Int)
	m.reads = m.wanted || m.epoch > 0 // who is given slots unasked must release them all the same
	m.believe(asked, has)
	if m.asked = slotsIn(revoking); len(m.asked) > 0 && m.releasing == nil {
		r := &releasing{slots: m.asked, done: make(chan struct{})}
		r.life, r.end = context.WithCancel(m.s.life)
		m.releasing, m.parting = r, r.slots
		m.turn++
		m.s.served.Go(func() { m.release(r) })
	}
}

// believe takes the slots that are held. Those that were and are no more can only have been forgotten by the
// ensemble.
func (m *Member) believe(asked lease.Asked, has []int) {
	for _, n := range has {
		if _, parting := slices.BinarySearch(m.parting, n); !parting {
			m.s.lease.Grant(asked, m.slot(n), lease.Value{})
		}
	}
	for _, n := range m.slots {
		if _, still := slices.BinarySearch(has, n); !still {
			m.s.lease.GiveUp(m.slot(n))
		}
	}
	m.haveSlots(has)
}

func (m *Member) haveSlots(has []int) {
	if !slices.Equal(m.slots, has) {
		m.slots = has
		m.turn++
	}
}

func slotsIn(r caucus.Reply) []int {
	list := make([]int, 0, len(r.Items[0].Items))
	for _, item := range r.Items[0].Items {
		list = append(list, int(item.Int))
	}
	return list
}

// release gives up slots that the ensemble asks for, when what acts for them has stopped, and says so
// until it is certain that it was heard: believing in them again before would be too early (SAFETY A4).
// It runs by itself.
func (m *Member) release(r *releasing) {
	defer close(r.done)
	defer r.end()
	m.stopFor(r.slots)
	m.giveUpSlots(r.slots)
	m.tellReleased(r)
	m.giveUpSlots(r.slots)
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	m.releasing, m.parting, m.stale = nil, nil, true
	m.turn++
	m.s.announce()
	m.s.nudge()
}

// tellReleased gives slots back to the ensemble. Some may be asked for no more, because who was to get them
// is gone: these stay with the member, which begins with them anew.
func (m *Member) tellReleased(r *releasing) {
	cmd := caucus.Command{"GROUP", "RELEASE", m.group}
	m.s.mu.Lock()
	for _, n := range r.slots {
		if _, still := slices.BinarySearch(m.asked, n); still {
			cmd = append(cmd, strconv.Itoa(n))
		}
	}
	m.s.mu.Unlock()
	if len(cmd) == 3 {
		return
	}
	var wait pause
	for r.life.Err() == nil {
		if _, err := m.s.do(r.life, cmd); err == nil || !passing(err) || wait.wait(r.life) != nil {
			return
		}
	}
}

// endRelease ends a release that is under way, before the member leaves: one that was sent later would be of
// what it holds when it has joined again. What was sent and not answered is void, since the session is then
// resumed on another connection.
func (m *Member) endRelease() {
	m.s.mu.Lock()
	r := m.releasing
	m.s.mu.Unlock()
	if r != nil {
		r.end()
		<-r.done
	}
}

// stopFor runs OnRelease for slots that are asked for.
func (m *Member) stopFor(slots []int) {
	if m.onRelease == nil {
		return
	}
	m.stopping.Lock()
	defer m.stopping.Unlock()
	ctx, cancel := context.WithCancel(m.s.life)
	defer cancel()
	m.s.mu.Lock()
	m.hurry = cancel
	m.s.mu.Unlock()
	m.onRelease(ctx, slices.Clone(slots))
	m.s.mu.Lock()
	m.hurry = nil
	m.s.mu.Unlock()
}

// giveUpSlots ends the belief in slots for which nobody acts any more. If they come back it is news.
func (m *Member) giveUpSlots(slots []int) {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	for _, n := range slots {
		m.s.lease.GiveUp(m.slot(n))
		m.s.lease.Release(m.slot(n))
	}
	m.haveSlots(slices.DeleteFunc(slices.Clone(m.slots), func(n int) bool {
		_, given := slices.BinarySearch(slots, n)
		return given
	}))
}

// letGoSlots stops what acts for slots that are believed in no more, though they were not asked for. It
// returns when that is done, whoever does it.
func (m *Member) letGoSlots() {
	if m.onRelease == nil {
		return
	}
	m.stopping.Lock()
	defer m.stopping.Unlock()
	now := m.s.c.cfg.clock()
	m.s.mu.Lock()
	slots, left := m.s.lease.OwedSlots(m.group, now)
	m.s.mu.Unlock()
	if len(slots) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), micros(left))
	defer cancel()
	m.onRelease(ctx, slots)
	keys := make([]lease.Key, 0, len(slots))
	for _, n := range slots {
		keys = append(keys, m.slot(n))
	}
	m.released(keys)
}

// forgetSlots ends the belief in all slots, since the ensemble was made anew of a survivor and knows of none
// (SAFETY B4). It returns when nobody acts for them any more; until then the ensemble is told nothing.
func (s *Session) forgetSlots() {
	members := s.all()
	s.mu.Lock()
	for _, m := range members {
		if m.hurry != nil {
			m.hurry()
		}
		s.lease.GiveUp(m.slot(lease.AllSlots))
		m.haveSlots(nil)
		m.asked, m.stale = nil, true
	}
	s.announce()
	s.mu.Unlock()
	forAll(members, (*Member).letGoSlots)
}

// hurrySlots ends the time that OnRelease has once the belief in slots is over. It gives the members that
// have slots to let go of.
func (s *Session) hurrySlots(now lease.Reading) (owing []*Member) {
	over := s.lease.LeftOfSlots(now) == 0
	for _, m := range s.members {
		if over && m.hurry != nil {
			m.hurry()
		}
		if slots, _ := s.lease.OwedSlots(m.group, now); len(slots) > 0 {
			owing = append(owing, m)
		}
	}
	return owing
}
