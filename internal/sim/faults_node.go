package sim

import "github.com/caucus-project/caucus/internal/replica"

func nodeFaults() []faultKind {
	return []faultKind{
		onNode("a process dies", func(f *fault, n *node) { f.crash(n, false, f.while(2)) }),
		onNode("a power failure", func(f *fault, n *node) { f.crash(n, true, f.while(2)) }),
		onNode("a node is away for long", func(f *fault, n *node) {
			f.crash(n, f.chance(30), f.between(f.w.plan.length/3, f.w.plan.length))
		}),
		{"several nodes crash at once", (*fault).crashMany},
		{"nodes start anew in turn", (*fault).rollOver},
		onNode("a node stands still", func(f *fault, n *node) {
			d := f.between(millisecond, f.w.plan.pause)
			f.tell("%s stands still for %s s", n.name, clockText(d))
			n.pause(d)
		}),
		{"the leader hands over", func(f *fault) {
			if lead := f.w.leading(); lead != nil {
				f.tell("%s hands over", lead.name)
				lead.handOver()
			}
		}},
	}
}

// crash stops a node, and starts it again after a while.
func (f *fault) crash(n *node, power bool, away int64) {
	rudely := power && f.chance(50)
	f.tell("%s crashes for %s s, with power %v, seen by nobody %v", n.name, clockText(away), power, rudely)
	n.stop(power, rudely)
	f.w.checks.count("crashes")
	f.w.after(away, n.startAgain)
}

// startAgain starts a node, unless it has been or never will be.
func (n *node) startAgain() {
	if n.r == nil && n.w.failed == nil && n.id != 0 && !n.retired {
		n.start()
	}
}

// crashMany takes a majority at once, or all.
func (f *fault) crashMany() {
	list := f.w.up()
	f.rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	if f.chance(50) {
		list = list[:len(list)/2+min(1, len(list))]
	}
	power, back := f.chance(50), f.while(1)
	for _, n := range list {
		f.crash(n, power, back+f.between(0, f.w.plan.pause)*int64(f.below(2)))
	}
}

// rollOver stops one node after the other in good order, as an operator does who brings a new version.
func (f *fault) rollOver() {
	f.tell("all nodes start anew in turn")
	at := int64(0)
	for _, n := range f.w.up() {
		at += f.between(20*millisecond, 300*millisecond)
		down := f.between(5*millisecond, 200*millisecond)
		f.w.after(at, func() {
			n.handOver()
			f.w.after(20*millisecond, func() {
				if !f.w.calm {
					n.stop(false, false)
					f.w.after(down, n.startAgain)
				}
			})
		})
	}
}

// handOver lets a node that leads ask another to do it.
func (n *node) handOver() {
	n.input(func(now replica.Time) {
		if n.r.HandOver(now) {
			n.w.checks.count("handed over")
		}
	})
}
