package machine

// View is the state at one entry. It never changes and may be read by any goroutine while the machine goes
// on.
type View struct{ state *state }

// View takes the state as it is, in constant time.
func (m *Machine) View() *View { return &View{m.state.copy()} }

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
}

// Census counts what the view holds. It visits all groups.
func (v *View) Census() Census {
	s := v.state
	c := Census{Sessions: s.sessions.Len(), Groups: s.groups.Len(), Keys: s.keys.count,
		Expiring: s.keys.expiring, Memory: s.keys.memory, Limit: s.maxMemory}
	s.groups.Scan(func(_ string, g *group) bool {
		c.Members += g.members.Len()
		if !g.settled {
			c.Settling++
		}
		return true
	})
	return c
}
