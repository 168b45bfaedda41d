package sim

import (
	"errors"
	"slices"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/replica"
)

// operator is somebody who changes the set of nodes: one change at a time, and until it has come true. Two at
// once could take more voters than an ensemble can lose, which is nobody's fault but his.
type operator struct {
	w    *World
	busy string // what he is at, "" for nothing
	try  int    // the present attempt; answers to others come too late
}

// operatorFaults are no faults, but come upon the ensemble like them.
func operatorFaults() []faultKind {
	return []faultKind{
		{"the operator names a leader", (*fault).transfer},
		{"the operator removes a node", (*fault).removal},
		{"a node's disk is lost and it comes back", (*fault).wipe},
		{"a node is added", (*fault).addition},
	}
}

// chosen gives a node that the operator may be at, nil when he is busy.
func (f *fault) chosen() *node {
	if n := pick(f, f.w.nodes); n.id != 0 && f.w.operator.busy == "" {
		return n
	}
	return nil
}

func (f *fault) transfer() {
	if n := f.chosen(); n != nil {
		f.tell("the operator wants %s to lead", n.name)
		f.w.operator.wish(replica.Wish{Kind: replica.Lead, Name: n.name},
			func() { f.w.checks.count("transfers") })
	}
}

// removal takes a node out of the ensemble, and sometimes puts another in its place afterwards.
func (f *fault) removal() {
	n, another := f.chosen(), f.chance(60)
	if n == nil {
		return
	}
	f.tell("the operator removes %s, to add another %v", n.name, another)
	f.w.operator.wish(replica.Wish{Kind: replica.Remove, Name: n.name}, func() {
		f.w.checks.count("removals")
		if another {
			f.w.newcomer()
		}
	})
}

// addition adds a node, which is to vote, as long as there are not many more than at first.
func (f *fault) addition() {
	if w := f.w; len(w.nodes) < w.plan.voters+2 {
		n := w.newcomer()
		f.tell("%s is added", n.name)
	}
}

// wish asks for something at one node after the other.
func (o *operator) wish(wish replica.Wish, done func()) {
	o.busy = "removal or transfer of " + wish.Name
	o.w.note("operator", "wishes", uint64(wish.Kind))
	o.ask(wish, 0, done)
}

// ask makes one attempt. One that was refused for certain may be given up; one that was not answered may
// still come true, so it is made again until it has.
func (o *operator) ask(wish replica.Wish, refused int, done func()) {
	w := o.w
	o.try++
	try := o.try
	if door := pick(w, w.up()); door != nil {
		door.input(func(now replica.Time) {
			door.r.Wish(now, wish, func(a replica.Outcome) {
				w.after(w.between(100, 10*millisecond), func() {
					if o.try == try {
						o.answered(wish, a.Err, refused, done)
					}
				})
			})
		})
	}
	w.after(second, func() {
		if o.try == try {
			o.ask(wish, -1<<20, done)
		}
	})
}

func (o *operator) answered(wish replica.Wish, err *caucus.Error, refused int, done func()) {
	w := o.w
	o.try++
	switch {
	case err == nil:
		o.busy = ""
		done()
		return
	case errors.Is(err, caucus.ErrTryAgain) && refused < 30:
		refused++
	case errors.Is(err, caucus.ErrUncertain):
		refused = -1 << 20
	default:
		o.busy = ""
		return
	}
	w.after(w.between(20*millisecond, 150*millisecond), func() { o.ask(wish, refused, done) })
}

// wipe loses a voter's disk, when the others can bear it. It comes back under its name with nothing, and
// takes its former place.
func (f *fault) wipe() {
	n := f.expendable()
	if n == nil {
		return
	}
	f.tell("the disk of %s is lost", n.name)
	n.stop(true, f.chance(50))
	n.replace()
}

// expendable gives a voter whose disk the others can do without, nil when there is none now.
func (f *fault) expendable() *node {
	n, lead := f.chosen(), f.w.leading()
	if lead == nil || n == nil {
		return nil
	}
	s := lead.r.Status()
	if len(s.Voters) < 3 || s.Changing || !slices.Contains(s.Voters, n.id) ||
		len(lead.r.Conf().GetVotersOutgoing()) > 0 {
		return nil
	}
	return n
}

// replace has a new directory take the place of a node's, under its name (SAFETY B4).
func (n *node) replace() {
	w := n.w
	w.operator.busy = "replacement of " + n.name
	n.retire()
	fresh := newNode(w, 0)
	fresh.name = n.name
	w.nodes = append(w.nodes, fresh)
	fresh.join()
	w.operator.watch(n.id, fresh)
}

// watch waits until a wiped node has its place back.
func (o *operator) watch(old uint64, fresh *node) {
	w := o.w
	w.after(100*millisecond, func() {
		lead := w.leading()
		if lead == nil || fresh.id == 0 || !slices.Contains(lead.r.Status().Voters, fresh.id) ||
			slices.Contains(lead.r.Status().Voters, old) {
			o.watch(old, fresh)
			return
		}
		o.busy = ""
		w.checks.count("replacements")
	})
}

// leading gives the node that leads in the newest term, nil when there is none.
func (w *World) leading() (lead *node) {
	for _, n := range w.up() {
		if n.r.Leads() && (lead == nil || n.r.Status().Term > lead.r.Status().Term) {
			lead = n
		}
	}
	return lead
}

// turnsAway says whether a node knows that another was removed and is needed no more: ids are used once.
func (n *node) turnsAway(other *node) bool {
	if n.r == nil || other.id == 0 {
		return false
	}
	state := n.r.State()
	_, known := state.Node(other.id)
	leaving, _ := state.Leaving()
	return !known && !slices.Contains(leaving, other.id) && other.id < state.NextNode()
}

// dismiss lets those notice who were removed that they are turned away.
func (n *node) dismiss() {
	w := n.w
	for _, other := range w.up() {
		if n.turnsAway(other) {
			w.after(w.between(500, 20*millisecond), func() { w.visit(other, n) })
		}
	}
}

// visit is one node dialling another, who may turn it away for good.
func (w *World) visit(n, other *node) {
	if n.r != nil && w.net.both(n.id, other.id) && other.turnsAway(n) {
		n.stop(false, false)
		n.retire()
	}
}

// retire takes a node out of the world. It is never started again.
func (n *node) retire() {
	w := n.w
	n.retired = true
	w.note(n.name, "retired", n.id)
	w.nodes = slices.DeleteFunc(slices.Clone(w.nodes), func(other *node) bool { return other == n })
}
