package replica

import "github.com/caucus-project/caucus/internal/machine"

// raise logs a new feature level once every node has announced that it supports it (SAFETY B20). An ensemble
// begins at level 0, so every ensemble goes this way once.
func (l *leadership) raise(r *Replica) {
	if !l.armed || r.m.Level() >= r.m.Supports() || l.landed < l.raised {
		return
	}
	lowest := r.m.Supports()
	for _, n := range r.m.Nodes() {
		lowest = min(lowest, n.Level)
	}
	for i := range l.gathered { // which the note would stand before
		if n, ok := machine.Announced(&l.gathered[i]); ok {
			lowest = min(lowest, n.Level)
		}
	}
	if lowest > r.m.Level() {
		l.raised = l.proposed + 1
		l.notes = append(l.notes, machine.RaiseLevel(lowest))
	}
}
