package sim

import (
	"fmt"

	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/replica"
)

// newcomer makes a node that asks to be let in.
func (w *World) newcomer() *node {
	n := newNode(w, 0)
	w.named++
	n.name = fmt.Sprintf("n%d", w.named)
	w.nodes = append(w.nodes, n)
	n.join()
	return n
}

// join asks to be let in, as often as it takes: only who leads can, and it may die before it answers.
func (n *node) join() {
	w := n.w
	if n.id != 0 {
		return
	}
	w.after(w.between(100*millisecond, 500*millisecond), n.join)
	door := w.nodes[n.asked%len(w.nodes)] // in turn, as a node does
	n.asked++
	if door.id == 0 || door.r == nil || door.paused() {
		return
	}
	record := n.record()
	door.input(func(now replica.Time) { door.r.Join(now, record, n.admitted) })
}

// admitted takes the answer of the ensemble: the node begins with nothing, and gets the rest as a learner.
func (n *node) admitted(a replica.Admission) {
	n.w.after(n.w.between(100, 10*millisecond), func() {
		if a.Err != nil && n.level < n.w.checks.topLevel {
			n.w.checks.count("too old to join")
			n.level = machine.Next
		}
		if n.id == 0 && a.ID != 0 {
			n.id = a.ID
			n.w.note(n.name, "admitted", a.ID)
			n.w.checks.count("joined")
			n.start()
		}
	})
}
