package client

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/follow"
)

// JoinOptions say how to be in a group, and what the group should be like. What is zero is not stated:
// then the group's own options hold, or for a new group the defaults. Stating something else than the
// group has is caucus.ErrConflict.
type JoinOptions struct {
	Name     string        // of the member; empty: the ensemble gives one
	Metadata string        // any bytes, JSON by convention, at most 64 KiB
	Priority int           // -100 to 100; the highest leads first
	Settle   time.Duration // how long membership must be still before work is divided; or Immediately
	Min      int           // members needed before anybody leads or work is divided
	Slots    int           // shares of work to spread over the members
	NoLeader bool          // the group has none
	// Heartbeat is how often members say at least that they live, 10 ms to a third of the group's TTL. Without
	// it they do so three times in the life of a promise of the ensemble.
	Heartbeat time.Duration
	// VoteTimeout is how long a vote is open that states no Timeout, 10 ms to an hour; 1.5 s unless stated.
	VoteTimeout time.Duration

	// OnRevoke, when not nil, stops what this process does for what the member held: it is called when an
	// assignment or a leadership was taken away, was given up by Leave or Close, or is believed no
	// longer. Belief is over by then, and the ensemble is told that it is only when OnRevoke has
	// returned: nobody else is granted it before. What turns out not to have been the member's loss calls
	// it not; it asks Holding what is still held, if anything. Ctx ends when the ensemble grants anew in
	// any case; by then everything must have stopped, so begin to use force earlier. It has ended already
	// when no word came and the belief ended by the clock, which may be told late. It is called once at a
	// time, and must not call Leave or Close.
	OnRevoke func(ctx context.Context)

	// OnRelease, when not nil, stops what this process does for slots that somebody else is to get; Slots has
	// them no more. The ensemble is told that they are free only when it has returned, and until then grants
	// them to nobody, so it may take its time: ctx ends only when the session is over or this process may
	// believe so by its own clocks. It is also called, with ctx ended or about to, for slots that are over in
	// that way, and before Leave and Close give them up. It is called once at a time, and must not call Leave
	// or Close. Without it slots are released as soon as they are asked for.
	OnRelease func(ctx context.Context, slots []int)

	// Handlers, when not nil, are told what happens in the group. They are the member's from then on, and must
	// not be changed. Join waits until they listen, or ctx ends, so that no message is missed that is sent
	// behind it; they may be called before it returns.
	Handlers *Handlers

	// OnAction, when not nil, is called at the time of each action that the group has agreed on, if this is a
	// member of it then, whether or not it was asked: on the ensemble's clock as Session.Now knows it, by the
	// process's own, so that no message is waited for then. Each is called once, in a goroutine of its own that
	// Session.Close waits for.
	OnAction func(Action)
	// OnMissed is told, instead of OnAction, of an action that may be later than the tolerance, or whose time
	// comes when the session was lost, and why; not of one whose time comes after Leave or Close was called.
	// May be nil.
	OnMissed func(Action, error)
	// Tolerance is how late an action may be at most, what is not known of the ensemble's clock included. Zero
	// means 100 ms.
	Tolerance time.Duration
}

func (o JoinOptions) command(group string) caucus.Command {
	cmd := caucus.Command{"GROUP", "JOIN", group}
	text := func(name, value string) {
		if value != "" {
			cmd = append(cmd, name, value)
		}
	}
	number := func(name string, n int) {
		if n != 0 {
			cmd = append(cmd, name, strconv.Itoa(n))
		}
	}
	text("AS", o.Name)
	text("META", o.Metadata)
	number("PRIORITY", o.Priority)
	period := func(name string, d time.Duration) {
		if d != 0 {
			cmd = append(cmd, name, millis(d))
		}
	}
	period("SETTLE", o.Settle)
	period("HEARTBEAT", o.Heartbeat)
	period("VOTETIMEOUT", o.VoteTimeout)
	number("MIN", o.Min)
	number("SLOTS", o.Slots)
	if o.NoLeader {
		cmd = append(cmd, "NOLEADER")
	}
	return cmd
}

// Join makes the session a member of a group, which is made if it does not exist. Joining again gives the
// same Member, with the OnRevoke, OnRelease and Handlers that it has.
func (s *Session) Join(ctx context.Context, group string, opts JoinOptions) (*Member, error) {
	m, isNew, err := s.join(ctx, group, opts)
	if isNew && opts.Handlers != nil {
		ctx, cancel := s.c.cfg.bounded(ctx)
		defer cancel()
		select {
		case <-m.attended:
		case <-ctx.Done(): // they will be later
		case <-s.lost:
		}
	}
	return m, err
}

// join is Join, and says whether the Member is a new one.
func (s *Session) join(ctx context.Context, group string, opts JoinOptions) (m *Member, isNew bool,
	err error) {
	var place *follow.Place
	if opts.Handlers != nil {
		if place, err = s.c.placeIn(ctx, group); err != nil {
			return nil, false, err
		}
	}
	reply, err := s.do(ctx, opts.command(group))
	if err != nil {
		return nil, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over != nil {
		return nil, false, s.over
	}
	old := s.members[group]
	if old != nil && old.gone == nil {
		old.leaving, old.stale = false, true
		s.nudge()
		return old, false, nil
	}
	if old != nil {
		old.deafen()
	}
	m = &Member{s: s, group: group, name: reply.Text(), onRevoke: opts.OnRevoke,
		onRelease: opts.OnRelease, actions: newActions(opts, s.c.cfg.clock()), stale: true, deaf: true,
		changed: make(chan struct{}), lost: make(chan struct{})}
	m.reads, m.wanted = true, opts.Slots > 0 || opts.OnRelease != nil
	life, stop := context.WithCancel(s.life)
	m.deafen = stop
	m.guard()
	s.members[group] = m
	s.served.Go(func() { m.listen(life) })
	if place != nil {
		m.attended = make(chan struct{})
		ready := sync.OnceFunc(func() { close(m.attended) })
		s.served.Go(func() { m.attend(life, opts.Handlers, place, ready) })
	}
	s.nudge()
	return m, true, nil
}
