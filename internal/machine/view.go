package machine

// View is the state at one entry. It never changes and may be read by any goroutine while the machine goes
// on.
type View struct{ state *state }

// View takes the state as it is, in constant time.
func (m *Machine) View() *View { return &View{m.state.copy()} }

// Rewind puts the state back to what it was when the view was taken, or forward to that of another machine of
// the same commands. The view stays as it is, so that one state can be gone on from in many ways. Counts
// are no part of the state and go on.
func (m *Machine) Rewind(to *View) { m.state = *to.state.copy() }

// Index gives the index of the last entry in the view.
func (v *View) Index() uint64 { return v.state.index }

// Term gives the raft term of the last entry in the view.
func (v *View) Term() uint64 { return v.state.term }

// Census says how many of each a state holds.
type Census struct {
	Sessions, Groups, Settling, Members int
	Keys, Expiring                      int
	Memory                              int64 // bytes that the keys are counted with (SAFETY B13)
	Limit                               int64 // of that, 0 for none
	Moving                              int   // slots whose holders are asked to release them
	Stuck                               []Stuck
	Polls                               int // that are open

	MaxSessions, MaxGroups, MaxMembers int64 // limits, 0 for none; MaxMembers is for each group
}

// Stuck is who holds up a group: asked for slots, it has released none for longer than its TTL.
type Stuck struct {
	Group, Member string
	Slots         int // that it is asked for
}

// Census counts what the view holds, in the order of the groups' names. It visits all groups. Now is the
// ensemble's clock, in microseconds since 1970: nothing may have been logged for a while.
func (v *View) Census(now int64) Census {
	s := v.state
	c := Census{Sessions: s.sessions.Len(), Groups: s.groups.Len(), Keys: s.keys.count,
		Expiring: s.keys.expiring, Memory: s.Memory(), Limit: s.limits.memory,
		MaxSessions: s.limits.sessions, MaxGroups: s.limits.groups, MaxMembers: s.limits.members}
	s.groups.Scan(func(_ string, g *group) bool {
		c.Members += g.members.Len()
		if !g.settled {
			c.Settling++
		}
		c.Moving += g.moving
		c.Polls += g.open
		if mb := s.stuck(g, now); mb != nil {
			c.Stuck = append(c.Stuck, Stuck{g.name, mb.name, mb.moving})
		}
		return true
	})
	return c
}
