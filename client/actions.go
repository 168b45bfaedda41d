package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/lease"
)

// Action is something that a group has agreed by vote to do at a time.
type Action struct {
	Poll  uint64
	Topic string
	At    time.Time // on the ensemble's clock
}

// usualTolerance is the tolerance of who states none.
const usualTolerance = 100 * time.Millisecond

// actions are those that a member knows of. They are heard of by the result of a vote, and read when the
// member's ears were closed; each is armed once, and then fired by the member's own clock (SAFETY B15).
type actions struct {
	fire      func(Action)
	missed    func(Action, error)
	tolerance time.Duration

	joined int64 // by CLOCK_BOOTTIME, microseconds; what was due before is none of ours

	mu    sync.Mutex
	known map[uint64]time.Time // when each is due, by poll
}

func newActions(o JoinOptions, joined lease.Reading) *actions {
	if o.OnAction == nil {
		return nil
	}
	a := &actions{fire: o.OnAction, missed: o.OnMissed, known: map[uint64]time.Time{},
		tolerance: cmp.Or(o.Tolerance, usualTolerance), joined: joined.Boot}
	if a.missed == nil {
		a.missed = func(Action, error) {}
	}
	return a
}

// forgotten is how long an action is remembered after its time, longer than the ensemble tells of it.
const forgotten = 20 * time.Minute

// take says whether an action is new.
func (a *actions) take(action Action, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, known := a.known[action.Poll]; known {
		return false
	}
	for poll, at := range a.known {
		if now.Sub(at) > forgotten {
			delete(a.known, poll)
		}
	}
	a.known[action.Poll] = action.At
	return true
}

// hearAction arms the action that a result tells of, if it does.
func (m *Member) hearAction(ctx context.Context, payload string) {
	if kind, _ := kindOf(payload); kind != "result" || m.actions == nil {
		return
	}
	if e, err := ParseEvent(payload); err == nil && e.Outcome == "yes" && e.At != 0 {
		m.arm(ctx, Action{Poll: e.Poll, Topic: e.Topic, At: time.UnixMilli(e.At)})
	}
}

// arm lets an action be fired at its time, if it was not known.
func (m *Member) arm(ctx context.Context, a Action) {
	if now, _, _ := m.s.Now(); m.actions.take(a, now) {
		m.s.served.Go(func() { m.await(ctx, a) })
	}
}

// recallActions reads what may not have been heard, until that has worked.
func (m *Member) recallActions(ctx context.Context) {
	polls, err := m.polls(ctx)
	var wait pause
	for err == nil {
		if joined, ok := m.s.ensembleTime(m.actions.joined); ok {
			m.recalled(ctx, polls, joined)
			return
		}
		err = wait.wait(ctx)
	}
}

func (m *Member) recalled(ctx context.Context, polls []caucus.Reply, joined time.Time) {
	for _, p := range polls {
		v, state := voteListed(p)
		if state == "yes" && !v.At.IsZero() && !v.At.Before(joined) {
			m.arm(ctx, Action{Poll: v.Poll, Topic: v.Topic, At: v.At})
		}
	}
}

// How an action is awaited: in steps, since the estimate gets better, and with a heartbeat shortly before.
const (
	actionStep = 250 * time.Millisecond
	actionNear = time.Second
)

// await waits for the time of an action, and fires it, or says why not.
func (m *Member) await(ctx context.Context, a Action) {
	asked := false
	for {
		now, within, ok := m.s.Now()
		left := a.At.Sub(now)
		switch {
		case !ok:
			left = actionStep
		case left <= 0:
			m.act(a, -left, within)
			return
		case left < actionNear && !asked:
			asked = true
			m.s.nudge()
		}
		timer := time.NewTimer(min(left, actionStep))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			m.abandon(a)
			return
		}
	}
}

// abandon says that an action will not be fired, unless the program itself has ended the membership.
func (m *Member) abandon(a Action) {
	m.s.mu.Lock()
	wanted := m.leaving || errors.Is(m.s.over, errSessionClosed)
	m.s.mu.Unlock()
	if !wanted {
		m.actions.missed(a, m.Err())
	}
}

// act fires an action whose time has come, unless it may be later than the tolerance, or the member is none
// any more.
func (m *Member) act(a Action, late, within time.Duration) {
	if !m.remains() {
		m.abandon(a)
		return
	}
	if late+within > m.actions.tolerance {
		m.actions.missed(a, fmt.Errorf("client: %v late by a clock that is known within %v; the tolerance is %v",
			late, within, m.actions.tolerance))
		return
	}
	m.actions.fire(a)
}
