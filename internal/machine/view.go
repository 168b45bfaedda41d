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
