package sim

import (
	"fmt"
	"math/rand/v2"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/replica"
)

// plan is what a seed is about.
type plan struct {
	seed            uint64
	voters          int
	length          int64 // of the time with faults
	writers         int
	members         int
	keys            int
	think           int64 // of writers between two pipelines, at most
	groups          []groupPlan
	codec           bool // frames go through their codec
	wild            bool // the network loses, repeats and reorders
	loss, repeat    int  // percent
	slowDisk        int  // percent
	pause           int64
	joins           bool
	votes           bool // members call polls and vote
	changes         bool // an operator removes, replaces and promotes nodes
	snapshotEntries uint64
	digestEntries   uint64
	keepEntries     uint64
	maxEntry        int
	weights         []int // of the faults
	exact           bool  // nothing takes time, and all clocks are right
	locks           bool  // members contend for a lock
	follows         bool  // somebody follows the changes of keys
	letters         bool  // at rest members write to each other
	insiders        bool  // nodes are members of their group
}

// groupPlan is a group and what its members state.
type groupPlan struct {
	name   string
	settle int64
	min    int64
	slots  int64
	sets   bool // members change what it was made with
}

// drawPlan draws what a seed is about. Each seed has its own mix, since all faults at once hide what one
// alone would show.
func drawPlan(seed uint64) plan {
	rng := rand.New(rand.NewPCG(seed, 0x706c616e))
	draw := func(low, high int) int { return low + rng.IntN(high-low+1) }
	p := plan{seed: seed, voters: 3, length: int64(draw(1500, 5000)) * millisecond,
		writers: draw(1, 4), members: draw(1, 5), keys: draw(1, 3), think: int64(draw(5, 150)) * millisecond,
		codec: seed%4 == 0, wild: draw(0, 2) > 0, loss: draw(0, 6), repeat: draw(0, 6), slowDisk: draw(0, 20),
		pause: int64(draw(50, 900)) * millisecond, joins: draw(0, 3) == 0,
		snapshotEntries: uint64(draw(10, 80)), keepEntries: uint64(draw(1, 30)), maxEntry: draw(64, 4096)}
	p.digestEntries = uint64(draw(10, 200))
	if draw(0, 9) == 0 {
		p.voters = draw(1, 5)
	}
	for i := range draw(1, 2) {
		settles := []int64{0, 0, 20, 200, 600}
		p.groups = append(p.groups, groupPlan{name: fmt.Sprintf("g%d", i), settle: settles[draw(0, 4)],
			min: int64(max(1, draw(0, 2)))})
	}
	for range faultKinds {
		p.weights = append(p.weights, max(0, draw(-2, 5)))
	}
	p.changes = draw(0, 3) == 0
	p.votes = draw(0, 1) == 0
	p.locks = draw(0, 1) == 0
	p.groups[0].slots = []int64{0, 0, 4, 7}[draw(0, 3)]
	p.groups[0].sets = draw(0, 3) == 0
	p.letters = draw(0, 1) == 0
	p.insiders = draw(0, 1) == 0
	p.follows = draw(0, 1) == 0
	return p
}

// faultKinds is how many kinds of faults there are.
const faultKinds = 13

// planFaults lets faults come, one after the other, each for a while.
func (w *World) planFaults() {
	if w.plan.joins {
		w.after(w.between(0, w.plan.length), func() { w.newcomer() })
	}
	if w.plan.changes {
		w.operator.w = w
		w.operator.work()
	}
	var next func()
	next = func() {
		if !w.calm {
			w.fault()
			w.after(w.between(5*millisecond, 400*millisecond), next)
		}
	}
	w.after(w.between(50*millisecond, 400*millisecond), next)
}

func (w *World) fault() {
	sum := 0
	for _, weight := range w.plan.weights {
		sum += weight
	}
	if sum == 0 {
		return
	}
	at := w.rng.IntN(sum)
	for kind, weight := range w.plan.weights {
		if at -= weight; at < 0 {
			w.befall(kind)
			return
		}
	}
}

func (w *World) befall(kind int) {
	n, m := pick(w, w.up()), pick(w, w.members)
	if n == nil {
		return
	}
	switch kind {
	case 0:
		w.crash(n, true)
	case 1:
		w.crash(n, false)
	case 2:
		w.isolate(n)
	case 3:
		w.oneWay(n, pick(w, w.nodes))
	case 4:
		if other := pick(w, w.up()); other != n && w.net.both(n.id, other.id) {
			w.note("sim", "cut", n.id, other.id)
			w.cut(n.id, other.id)
		}
	case 5:
		n.pause(w.between(millisecond, w.plan.pause))
	case 6:
		n.hungTo = w.now + w.between(10*millisecond, w.plan.pause)
		w.note(n.name, "disk hangs", uint64(n.hungTo))
	case 7:
		m.pause(w.between(millisecond, 2*w.plan.pause), w.chance(30))
	case 8:
		w.memberEnds(m)
	case 9:
		w.disturb(pick(w, n.conns))
	case 10:
		w.net.slow = w.between(0, 30*millisecond)
		w.after(w.between(10*millisecond, 300*millisecond), func() { w.net.slow = 0 })
	case 11:
		n.clock.skew += w.between(-100*hour, 100*hour)
		w.note(n.name, "wall clock set")
	case 12:
		n.space(0)
		w.after(w.between(20*millisecond, 2*w.plan.pause), func() { n.space(roomy) })
	}
}

// crash stops a node, and starts it again after a while.
func (w *World) crash(n *node, power bool) {
	n.stop(power, power && w.chance(50))
	w.checks.count("crashes")
	w.after(w.between(10*millisecond, 2*w.plan.pause), func() {
		if n.r == nil && w.failed == nil && n.id != 0 && !n.retired {
			n.start()
		}
	})
}

// roomy is a disk that is not full.
const roomy = 1 << 40

// space tells a node how much room its disk has.
func (n *node) space(free uint64) {
	n.w.note(n.name, "space", free)
	n.input(func(now replica.Time) { n.r.Space(now, free, 0) })
}

// block keeps one direction from getting through for a while.
func (w *World) block(lines [][2]uint64) {
	for _, l := range lines {
		w.net.blocked[l] = true
	}
	w.after(w.between(20*millisecond, 2*w.plan.pause), func() {
		for _, l := range lines {
			delete(w.net.blocked, l)
		}
		for _, l := range lines {
			if a, b := w.node(l[0]), w.node(l[1]); a != nil && b != nil && a.r != nil && b.r != nil {
				w.reconnect(a, b)
			}
		}
	})
}

// isolate cuts a node off from all others.
func (w *World) isolate(n *node) {
	w.note("sim", "isolate", n.id)
	var lines [][2]uint64
	for _, other := range w.nodes {
		if other != n {
			lines = append(lines, [2]uint64{n.id, other.id}, [2]uint64{other.id, n.id})
		}
	}
	w.block(lines)
}

func (w *World) oneWay(n, other *node) {
	if n != other {
		w.note("sim", "one way", n.id, other.id)
		w.block([][2]uint64{{n.id, other.id}})
	}
}

// memberEnds lets a process leave, resign, move, be talked about, or die; who died is born again after a
// while, or never.
func (w *World) memberEnds(m *member) {
	if m == nil || m.dead || m.stalled > 0 {
		return
	}
	p := pick(w, m.places)
	switch w.rng.IntN(7) {
	case 0:
		p.leaving = p.name != ""
		m.next()
	case 1:
		p.resign = m.lease.Believes(p.key(1), m.clock.reading())
		m.next()
	case 2:
		m.move()
	case 3:
		m.talkAbout(p, "TRANSFER")
	case 4:
		m.talkAbout(p, "EVICT")
	default:
		m.crash(w.chance(40))
		w.checks.count("deaths")
		if w.chance(70) {
			w.after(w.between(0, second), m.born)
		}
	}
}

// talkAbout lets a member send an order about another one of its group.
func (m *member) talkAbout(p *place, verb string) {
	if m.w.plan.insiders && m.w.chance(30) {
		p.order = caucus.Command{"GROUP", verb, machine.NodesGroup, pick(m.w, m.w.nodes).name}
		m.next()
		return
	}
	for _, other := range pick(m.w, m.w.members).places {
		if other.group == p.group && other.name != "" {
			p.order = caucus.Command{"GROUP", verb, p.group.name, other.name}
		}
	}
	m.next()
}

// disturb lets something happen to a client's connection.
func (w *World) disturb(c *conn) {
	if c == nil {
		return
	}
	switch w.rng.IntN(3) {
	case 0:
		c.stuck = w.now + w.between(10*millisecond, 2*second)
		w.note("sim", "stuck", c.id)
	case 1:
		w.note("sim", "reset", c.id)
		c.reset()
	case 2:
		w.note("sim", "shut", c.id)
		c.shut()
	}
}
