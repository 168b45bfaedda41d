package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/lease"
)

// Member is this process's place in a group. Its methods are safe for concurrent use.
type Member struct {
	s      *Session
	group  string
	name   string
	deafen context.CancelFunc // ends the listener

	attended chan struct{} // closed when its handlers listen for the first time; nil without any

	actions  *actions              // nil when it takes no part in them
	onRevoke func(context.Context) // may be nil
	letting  sync.Mutex            // held while it runs

	onRelease func(context.Context, []int) // may be nil
	stopping  sync.Mutex                   // held while it runs

	// Guarded by the session's mu.
	stale   bool // a hint or a change of version makes a new read worth while
	deaf    bool // no event can come just now
	leaving bool // nothing is asked or believed any more
	gone    error
	sharing
	leads     bool     // Lead runs
	running   *leading // what it runs now, nil while nothing
	yielding  bool     // Resign is under way, or may have been heard
	timed     bool     // heartbeat is known
	heartbeat int64    // how often the group's members say at least that they live, in milliseconds; 0: as usual
	told      belief
	changed   chan struct{} // closed and made anew when told changes
	lost      chan struct{} // closed when told says that it is out
}

// belief is what a member was last told that it may believe.
type belief struct {
	out         bool // in the group no more
	index, lead bool
	share, term lease.Value
	turn        uint64 // of its slots
	alive       bool   // it may work on those that it has
}

// of says whether a thing was believed in.
func (b belief) of(kind lease.Kind) bool {
	return kind == lease.Index && b.index || kind == lease.Leadership && b.lead
}

// Name gives the member's name, which the ensemble chose unless JoinOptions did.
func (m *Member) Name() string { return m.name }

// Group gives the group's name.
func (m *Member) Group() string { return m.group }

func (m *Member) key(kind lease.Kind) lease.Key { return lease.Key{Group: m.group, Kind: kind} }

// Assignment gives the member's share of the work, and whether it may act on it now: not while the group
// is settling, and not when, by this process's own clocks, the ensemble may have given the share to
// another. It never waits. What you do after the call takes time: check again often, or fence with the
// epoch.
func (m *Member) Assignment() (caucus.Assignment, bool) {
	v, ok := m.held(lease.Index)
	return assignmentOf(v), ok
}

func assignmentOf(v lease.Value) caucus.Assignment {
	return caucus.Assignment{Index: v.Index, Total: v.Total, Epoch: v.Token}
}

// IsLeader says whether the member leads the group now, under the same rule as Assignment, and in which
// term. The term is a fencing token. It never waits.
func (m *Member) IsLeader() (term uint64, ok bool) {
	v, ok := m.held(lease.Leadership)
	return v.Token, ok
}

func (m *Member) held(kind lease.Kind) (lease.Value, bool) {
	now := m.s.c.cfg.clock()
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	return m.heldAt(kind, now)
}

// heldAt is held; the caller holds mu.
func (m *Member) heldAt(kind lease.Kind, now lease.Reading) (lease.Value, bool) {
	v, ok := m.s.lease.Held(m.key(kind), now)
	if !ok && m.told.of(kind) {
		m.announce(now) // it ended by the clock: take note, or its coming back would be no change
	}
	return v, ok
}

// Changed gives a channel that is closed when Assignment, IsLeader, Slots or Err may answer otherwise.
// Ask for it before you ask them, and for a new one each time; then no change is missed. The end of a
// belief by the clock alone, with no word from the ensemble, may be told late: never act without asking
// the member.
func (m *Member) Changed() <-chan struct{} {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	return m.changed
}

// WaitAssignment waits until the member has a share of the work.
func (m *Member) WaitAssignment(ctx context.Context) (a caucus.Assignment, err error) {
	err = m.until(ctx, func() (ok bool) {
		a, ok = m.Assignment()
		return ok
	})
	return a, err
}

// until waits for a change of the member after which ok, which it asks at once as well.
func (m *Member) until(ctx context.Context, ok func() bool) error {
	for {
		changed := m.Changed()
		if ok() {
			return nil
		}
		if err := m.Err(); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Lost gives a channel that is closed when the member is in its group no more; Err then says why.
func (m *Member) Lost() <-chan struct{} { return m.lost }

// Err says why the member is in its group no more: the session is over, it left, or somebody removed it. Nil
// while it is.
func (m *Member) Err() error {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	if m.s.over != nil {
		return m.s.over
	}
	return m.gone
}

// SetMetadata replaces the member's metadata, any bytes, at most 64 KiB. Nothing is unsettled by it; all are
// told by the event "metadata".
func (m *Member) SetMetadata(ctx context.Context, metadata string) error {
	_, err := m.s.doOnce(ctx, caucus.Command{"GROUP", "META", m.group, metadata})
	return err
}

var errLeft = errors.New("client: left the group")

// Leave takes the member out of its group. From the moment of the call it believes nothing, whatever
// comes of it; after an error it may be called again. OnRevoke runs before the ensemble is told.
func (m *Member) Leave(ctx context.Context) error {
	m.giveUp()
	m.letGo()
	m.letGoSlots()
	m.endRelease()
	_, err := m.s.do(ctx, caucus.Command{"GROUP", "LEAVE", m.group})
	m.giveUp()
	if err != nil && !errors.Is(err, caucus.ErrNoGroup) && !errors.Is(err, caucus.ErrNoMember) {
		return err
	}
	m.deafen()
	now := m.s.c.cfg.clock()
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	m.gone = errLeft
	m.unguard()
	m.announce(now)
	if m.s.members[m.group] == m {
		delete(m.s.members, m.group)
	}
	return nil
}

// giveUp ends the beliefs of a member that leaves, before it asks and again after (see lease.GiveUp).
func (m *Member) giveUp() {
	now := m.s.c.cfg.clock()
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	m.leaving = true
	m.s.lease.GiveUp(m.key(lease.Index))
	m.s.lease.GiveUp(m.key(lease.Leadership))
	m.s.lease.GiveUp(m.slot(lease.AllSlots))
	m.haveSlots(nil)
	m.announce(now)
}

// curious says whether there is something to read. The caller holds mu, as of all that follows.
func (m *Member) curious(now lease.Reading) bool {
	return m.stale || m.deaf || !m.s.lease.Believes(m.key(lease.Index), now)
}

// takeIndex takes the answer to GROUP INDEX.
func (m *Member) takeIndex(asked lease.Asked, r caucus.Reply) {
	switch err := r.Err(); {
	case m.inDoubt(err):
	case err != nil || len(r.Items) < 3:
		m.s.lease.GiveUp(m.key(lease.Index))
	default:
		m.grant(asked, lease.Index, lease.Value{
			Index: int(r.Items[0].Int), Total: int(r.Items[1].Int), Token: uint64(r.Items[2].Int),
		})
	}
}

// takeLeader takes the answer to GROUP LEADER.
func (m *Member) takeLeader(asked lease.Asked, r caucus.Reply) {
	switch err := r.Err(); {
	case m.inDoubt(err):
	case err != nil || len(r.Items) < 2 || r.Items[0].Text() != m.name || m.yielding:
		m.s.lease.GiveUp(m.key(lease.Leadership))
	default:
		m.grant(asked, lease.Leadership, lease.Value{Token: uint64(r.Items[1].Int)})
	}
}

// inDoubt says whether a read could not be answered, so that it says nothing. It takes note of an answer
// that says that the member is in the group no more.
func (m *Member) inDoubt(err error) bool {
	if errors.Is(err, caucus.ErrTryAgain) || errors.Is(err, caucus.ErrLoading) {
		m.stale = true
		return true
	}
	if errors.Is(err, caucus.ErrNoGroup) || errors.Is(err, caucus.ErrNoMember) {
		m.gone = fmt.Errorf("client: not a member of %s any more: %w", m.group, err)
	}
	return false
}

func (m *Member) grant(asked lease.Asked, kind lease.Kind, v lease.Value) {
	if !m.s.lease.Grant(asked, m.key(kind), v) {
		m.stale = true
	}
}

func (m *Member) announce(now lease.Reading) {
	var b belief
	b.share, b.index = m.s.lease.Held(m.key(lease.Index), now)
	b.term, b.lead = m.s.lease.Held(m.key(lease.Leadership), now)
	b.turn, b.alive = m.turn, len(m.slots) > 0 && m.s.lease.LeftOfSlots(now) > 0
	b.out = m.gone != nil || m.s.over != nil
	if b.out && !m.told.out {
		close(m.lost)
	}
	if b != m.told {
		m.told = b
		close(m.changed)
		m.changed = make(chan struct{})
	}
}

// listen hears the group's events until ctx ends. They are hints: each asks for a heartbeat now, whose
// answer ends or begins a belief. So what was revoked is given up, and granted anew, within two round
// trips.
func (m *Member) listen(ctx context.Context) {
	after := ""
	var wait pause
	for ctx.Err() == nil {
		e, err := m.s.c.hear(ctx, after, caucus.Command{"SUBSCRIBE", caucus.EventChannel(m.group)})
		if err != nil {
			if wait.wait(ctx) != nil {
				return
			}
			continue
		}
		wait = pause{}
		m.hint(false)
		if m.actions != nil {
			m.s.served.Go(func() { m.recallActions(ctx) })
		}
		for err == nil {
			var payload string
			if payload, err = e.next(0); err == nil {
				m.heard(ctx, payload)
			}
		}
		after = e.addr
		e.close()
		m.hint(true)
	}
}

// heard takes an event.
func (m *Member) heard(ctx context.Context, payload string) {
	if m.matters(payload) {
		m.hint(false)
	}
	m.hearAction(ctx, payload)
}

// hint asks for a new read now, of slots as well: they may be the first that the member has.
func (m *Member) hint(deaf bool) {
	m.s.mu.Lock()
	m.stale, m.reads, m.deaf = true, true, deaf
	m.s.mu.Unlock()
	m.s.nudge()
}

// kindOf gives the kind of an event, "" for what is none, and what follows.
func kindOf(payload string) (kind, rest string) {
	rest, ok := strings.CutPrefix(payload, `{"event":"`)
	if !ok {
		return "", ""
	}
	kind, rest, _ = strings.Cut(rest, `"`)
	return kind, rest
}

// matters says whether an event may have changed who does what. Those that come with another are not
// counted twice.
func (m *Member) matters(payload string) bool {
	kind, rest := kindOf(payload)
	switch kind {
	case "settling", "settled", "leader", "leaderless", "deleted", "":
		return true
	case "slots":
		return strings.Contains(rest, `"member":"`+m.name+`"`) // a name has nothing that JSON would escape
	}
	return false
}
