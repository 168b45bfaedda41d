package sim

import (
	"container/heap"
	"fmt"

	"github.com/caucus-project/caucus/internal/machine"
)

// Simulated time is in microseconds.
const (
	millisecond = 1000
	second      = 1000 * millisecond
)

// World is one simulated ensemble with its clients. One goroutine uses it.
type World struct {
	plan    plan
	dice          // of all that is no fault
	now     int64 // true time, since the beginning
	queue   queue
	order   uint64
	trace   trace
	failed  error
	kind    string // of the failure: which check said so
	cluster [16]byte
	custom  custom // the program's own commands

	nodes   []*node // those that are part of the ensemble, or ask to be let in
	net     network
	writers []*writer
	clerks  []*clerk
	porters []*porter
	members []*member
	checks  checks
	calm    bool // faults are over
	named   int  // nodes that were given a name
	rolling int  // restarts with another version that are under way

	befallen []string // the faults so far, in words

	operator operator
	follower *follower // nil for none
	nextID   uint64
}

// event is something that happens at a moment. Of two at the same moment the one that was planned first
// is first.
type event struct {
	at    int64
	order uint64
	do    func()
}

type queue []event

func (q queue) Len() int      { return len(q) }
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].order < q[j].order
}
func (q *queue) Push(x any) { *q = append(*q, x.(event)) }
func (q *queue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = event{}
	*q = (*q)[:last]
	return e
}

func newWorld(p plan, lines int) *World {
	w := &World{plan: p, dice: newDice(p.seed, 0x73696d+p.luck<<32), now: second}
	w.operator.w = w
	w.trace.start(lines)
	w.checks.start()
	for i := range w.cluster {
		w.cluster[i] = byte(p.seed >> (i % 8 * 8))
	}
	w.net.start(w)
	w.openBank()
	return w
}

// begin makes the first nodes, which found the ensemble together, and the clients.
func (w *World) begin() {
	for id := uint64(1); id <= uint64(w.plan.voters); id++ {
		w.nodes = append(w.nodes, newNode(w, id))
		w.named++
	}
	for _, n := range w.nodes {
		n.found(w.founders())
		n.start()
	}
	for i := range w.plan.writers {
		w.writers = append(w.writers, newWriter(w, i))
	}
	if w.plan.users {
		warden{w}.begin()
	}
	for i := range w.plan.clerks {
		w.clerks = append(w.clerks, newClerk(w, i))
	}
	for i := range w.plan.porters {
		w.porters = append(w.porters, newPorter(w, i))
	}
	if w.plan.follows {
		w.follower = newFollower(w)
	}
	for i := range w.plan.members {
		w.members = append(w.members, newMember(w, i))
	}
}

func (w *World) founders() []machine.Node {
	list := make([]machine.Node, w.plan.voters)
	for i := range list {
		list[i] = w.nodes[i].record()
		list[i].Boots, list[i].Boot = 0, [16]byte{}
	}
	return list
}

// live lets the faults of the plan come.
func (w *World) live() {
	w.planFaults()
	w.runUntil(w.now+w.plan.length, func() bool { return false })
}

// at plans an event at a true time.
func (w *World) at(t int64, do func()) {
	w.order++
	heap.Push(&w.queue, event{at: max(t, w.now), order: w.order, do: do})
}

// after plans an event some time from now.
func (w *World) after(d int64, do func()) { w.at(w.now+d, do) }

// step lets the next event happen and looks at what is so after it.
func (w *World) step() {
	e := heap.Pop(&w.queue).(event)
	w.now = e.at
	w.trace.events++
	e.do()
	w.checks.step(w)
}

// runUntil lets things happen until the given time, or until done says so, and says which of the two it
// was.
func (w *World) runUntil(end int64, done func() bool) bool {
	for w.failed == nil {
		if done() {
			return true
		}
		if len(w.queue) == 0 || w.queue[0].at > end {
			w.now = max(w.now, end)
			return false
		}
		w.step()
	}
	return false
}

// fail notes the first thing that went wrong; nothing happens after it.
func (w *World) fail(format string, args ...any) {
	if w.failed == nil {
		w.failed = fmt.Errorf("at %s: "+format, append([]any{clockText(w.now)}, args...)...)
		w.kind = format
	}
}

// newID draws a random id.
func (w *World) newID() (id [16]byte) {
	for i := 0; i < 16; i += 8 {
		v := w.rng.Uint64()
		for j := range 8 {
			id[i+j] = byte(v >> (8 * j))
		}
	}
	return id
}

// up gives the nodes that run.
func (w *World) up() []*node {
	var list []*node
	for _, n := range w.nodes {
		if n.r != nil {
			list = append(list, n)
		}
	}
	return list
}
