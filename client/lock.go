package client

import (
	"context"
	"sync"

	"github.com/caucus-project/caucus"
)

// LockOptions say how to stand in the line of a lock. The zero value will do.
type LockOptions struct {
	// Name and Metadata are those of the session's place in the line, as of a member. TryLock, which stands in
	// no line, leaves them to the ensemble.
	Name, Metadata string
	// OnRevoke, when not nil, stops what this process does under the lock, as JoinOptions.OnRevoke does for a
	// leadership: before somebody else has the lock, and before Unlock or Close gives it back. When ctx ends as
	// the lock comes, it may be called though Lock fails.
	OnRevoke func(ctx context.Context)
}

// Lock is a lock that a session was given. It is the leadership of the group lock/NAME (caucus.LockGroup),
// so what is said of leaderships holds of it: the ensemble gives it to nobody else before this process, by
// its own clocks, has stopped believing in it (SAFETY A3). Its methods are safe for concurrent use.
type Lock struct {
	m    *Member
	term uint64
	turn *turn

	unlocking sync.Mutex // held while the lock is given back; guards left
	left      bool       // it was
}

// Lock waits in line until the session holds the lock; when ctx ends before, it leaves the line. The line
// is fair, and the place in it outlives connections and nodes. It is the session that holds a lock, so one
// of its goroutines at a time: another that asks waits, as everybody does. Name is at most 250 bytes.
func (s *Session) Lock(ctx context.Context, name string, opts LockOptions) (*Lock, error) {
	t, err := s.takeTurn(ctx, caucus.LockGroup(name))
	if err != nil {
		return nil, err
	}
	return s.standInLine(ctx, t, JoinOptions{Name: opts.Name, Metadata: opts.Metadata, OnRevoke: opts.OnRevoke})
}

// TryLock is Lock for who does not wait: ok says whether the session has got the lock. If it has not, since
// another session or goroutine holds it or waits for it, nobody sees that it was asked for.
func (s *Session) TryLock(ctx context.Context, name string, opts LockOptions) (l *Lock, ok bool, err error) {
	t, err := s.tryTurn(caucus.LockGroup(name))
	if t == nil {
		return nil, false, err
	}
	ctx, cancel := s.c.cfg.bounded(ctx)
	defer cancel()
	reply, err := s.do(ctx, caucus.Command{"LOCK", "ACQUIRE", name})
	switch {
	case passing(err):
		s.quit(t, nil)
		return nil, false, err
	case err != nil || reply.IsNil():
		s.passTurn(t)
		return nil, false, err
	}
	l, err = s.standInLine(ctx, t, JoinOptions{OnRevoke: opts.OnRevoke}) // it does so already, as its first
	return l, err == nil, err
}

// standInLine waits as a member of the lock's group until that holds the lock.
func (s *Session) standInLine(ctx context.Context, t *turn, opts JoinOptions) (*Lock, error) {
	m, joined, err := s.join(ctx, t.group, opts)
	if err == nil && !joined {
		err = caucus.Errorf(caucus.ErrConflict, "client: the session is a member of %s by Join", t.group)
	}
	switch {
	case passing(err): // it may have been heard
		s.quit(t, nil)
		return nil, err
	case err != nil:
		s.passTurn(t)
		return nil, err
	}
	l := &Lock{m: m, turn: t}
	if err := m.until(ctx, l.granted); err != nil {
		s.quit(t, m)
		return nil, err
	}
	return l, nil
}

func (l *Lock) granted() (ok bool) {
	l.term, ok = l.m.IsLeader()
	return ok
}

// Term gives the fencing token of the lock: GUARD lock/NAME TERM term.
func (l *Lock) Term() uint64 { return l.term }

// Held says whether the lock is held now, by this process's own clocks. It never waits. What you do after the
// call takes time: ask again often, or fence with the term.
func (l *Lock) Held() bool {
	term, ok := l.m.IsLeader()
	return ok && term == l.term
}

// Changed gives a channel that is closed when Held or Err may answer otherwise, as Member.Changed does.
func (l *Lock) Changed() <-chan struct{} { return l.m.Changed() }

// Err says why the session stands in the lock's line no more: it is over, or the lock was given back. Nil
// while it does, also when the lock itself was transferred to somebody else.
func (l *Lock) Err() error { return l.m.Err() }

// Unlock gives the lock back, and is needed also when it is held no more, unless the session is over. From
// the moment of the call it is not believed in, whatever comes of it; after an error it may be called again.
// OnRevoke runs before the ensemble is told, and must not call Unlock.
func (l *Lock) Unlock(ctx context.Context) error {
	l.unlocking.Lock()
	defer l.unlocking.Unlock()
	if l.left {
		return nil
	}
	if err := l.m.Leave(ctx); err != nil {
		return err
	}
	l.left = true
	l.m.s.passTurn(l.turn)
	return nil
}

// quit takes the session out of the line of a lock, by itself, until that has worked; then the turn passes.
// M is its place there; nil: it may have one.
func (s *Session) quit(t *turn, m *Member) {
	leave := func() error {
		_, err := s.do(s.life, caucus.Command{"GROUP", "LEAVE", t.group})
		return err
	}
	if m != nil {
		leave = func() error { return m.Leave(s.life) }
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over != nil {
		return
	}
	s.served.Go(func() {
		defer s.passTurn(t)
		var wait pause
		for passing(leave()) && wait.wait(s.life) == nil {
		}
	})
}

// turn lets one goroutine of a session at a time ask for a lock and hold it: the ensemble knows only the
// session. The session's mu guards it.
type turn struct {
	group string
	users int           // who has it, and who waits for it
	free  chan struct{} // holds one when nobody has it
}

// turnOf gives the turn of a group, with one more user. The caller holds mu.
func (s *Session) turnOf(group string) (t *turn, isNew bool) {
	t, known := s.turns[group]
	if !known {
		t = &turn{group: group, free: make(chan struct{}, 1)}
		s.turns[group] = t
	}
	t.users++
	return t, !known
}

// takeTurn waits for the turn.
func (s *Session) takeTurn(ctx context.Context, group string) (*turn, error) {
	s.mu.Lock()
	t, mine := s.turnOf(group)
	s.mu.Unlock()
	if mine {
		return t, nil
	}
	var err error
	select {
	case <-t.free:
		return t, nil
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-s.lost:
		err = s.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaveTurn(t)
	return nil, err
}

// tryTurn gives nil when somebody has the turn.
func (s *Session) tryTurn(group string) (*turn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.turns[group]; taken || s.over != nil {
		return nil, s.over
	}
	t, _ := s.turnOf(group)
	return t, nil
}

// passTurn lets the next have the turn.
func (s *Session) passTurn(t *turn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.free <- struct{}{}
	s.leaveTurn(t)
}

func (s *Session) leaveTurn(t *turn) {
	if t.users--; t.users == 0 {
		delete(s.turns, t.group)
	}
}
