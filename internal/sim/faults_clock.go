package sim

func clockFaults() []faultKind {
	return []faultKind{
		onNode("a node's wall clock is set", func(f *fault, n *node) {
			f.setClock(n.name, &n.clock, 100*hour)
		}),
		onNode("a node's wall clock jumps a little", func(f *fault, n *node) {
			f.setClock(n.name, &n.clock, second)
		}),
		onNode("a node's clocks drift", func(f *fault, n *node) { f.drift(n.name, &n.clock) }),
		onMember("a member's wall clock is set", func(f *fault, m *member) {
			f.setClock(m.name, &m.clock, pick(f, []int64{second, 100 * hour}))
		}),
		onMember("a member's clocks drift", func(f *fault, m *member) { f.drift(m.name, &m.clock) }),
	}
}

// setClock makes a wall clock jump, and sometimes back after a while.
func (f *fault) setClock(who string, c *clock, most int64) {
	by := f.between(-most, most)
	f.tell("the wall clock of %s jumps by %s s", who, clockText(by))
	c.skew += by
	if f.chance(30) {
		f.w.after(f.while(2), func() { c.skew -= by })
	}
}

// drift changes the rate of a process's clocks: the monotonic one stays within what is promised, the wall
// clock is worth nothing.
func (f *fault) drift(who string, c *clock) {
	mono := pick(f, []int64{-mostDrift, mostDrift, f.between(-mostDrift, mostDrift)})
	wall := f.between(-300_000, 300_000)
	f.tell("the clocks of %s run at %d ppm, and the wall clock at %d more", who, mono, wall)
	c.run(mono, wall)
}
