package sim

func networkFaults() []faultKind {
	return []faultKind{
		onNode("a node is cut off", func(f *fault, n *node) { f.isolate(n, f.while(2)) }),
		onNode("a node is cut off for long", func(f *fault, n *node) {
			f.isolate(n, f.between(f.w.plan.length/3, f.w.plan.length))
		}),
		{"a way is cut", (*fault).oneWay},
		{"a connection breaks", (*fault).breakConnection},
		{"the network falls in two", (*fault).partition},
		{"all but one see only some", (*fault).bridge},
		{"a link flaps", (*fault).flap},
		{"the network is slow", func(f *fault) {
			w, by, d := f.w, f.between(0, 30*millisecond), f.between(10*millisecond, 300*millisecond)
			f.tell("the network is slow by %s s for %s s", clockText(by), clockText(d))
			w.net.slow = by
			w.after(d, func() { w.net.slow = 0 })
		}},
	}
}

// way is from one node to another, by their ids.
type way = [2]uint64

// block keeps some ways from getting anything through for a while.
func (w *World) block(ways []way, d int64) {
	for _, l := range ways {
		w.net.blocked[l] = true
	}
	w.after(d, func() {
		for _, l := range ways {
			delete(w.net.blocked, l)
		}
		for _, l := range ways {
			if a, b := w.node(l[0]), w.node(l[1]); a != nil && b != nil && a.r != nil && b.r != nil {
				w.reconnect(a, b)
			}
		}
	})
}

// ways gives those between two sides, both ways, or with oneWay only from the first to the second.
func ways(here, there []*node, oneWay bool) (list []way) {
	for _, a := range here {
		for _, b := range there {
			if list = append(list, way{a.id, b.id}); !oneWay {
				list = append(list, way{b.id, a.id})
			}
		}
	}
	return list
}

// without gives all nodes but one.
func (w *World) without(n *node) (list []*node) {
	for _, other := range w.nodes {
		if other != n {
			list = append(list, other)
		}
	}
	return list
}

// isolate cuts a node off from all others.
func (f *fault) isolate(n *node, d int64) {
	f.tell("%s is cut off for %s s", n.name, clockText(d))
	f.w.block(ways([]*node{n}, f.w.without(n), false), d)
}

func (f *fault) oneWay() {
	n, other := f.node(), pick(f, f.w.nodes)
	if n == nil || n == other {
		return
	}
	d := f.while(2)
	f.tell("nothing gets from %s to %s for %s s", n.name, other.name, clockText(d))
	f.w.block([]way{{n.id, other.id}}, d)
}

func (f *fault) breakConnection() {
	n, other := f.node(), f.node()
	if n == nil || n == other || !f.w.net.both(n.id, other.id) {
		return
	}
	f.tell("the connections of %s and %s break", n.name, other.name)
	f.w.cut(n.id, other.id)
}

// sides divides the nodes in two, as chance will have it.
func (f *fault) sides() (here, there []*node) {
	for _, n := range f.w.nodes {
		if f.chance(50) {
			here = append(here, n)
		} else {
			there = append(there, n)
		}
	}
	return here, there
}

// partition divides the nodes in two sides, which do not see each other.
func (f *fault) partition() {
	here, there := f.sides()
	if len(here) == 0 || len(there) == 0 {
		return
	}
	d, oneWay := f.while(2), f.chance(20)
	f.tell("%s and %s see nothing of each other for %s s, one way %v", names(here), names(there), clockText(d),
		oneWay)
	f.w.block(ways(here, there, oneWay), d)
}

// bridge divides the nodes in two sides, and one node sees them all.
func (f *fault) bridge() {
	between := f.node()
	here, there := f.sides()
	list := ways(here, there, false)
	for i := 0; i < len(list); {
		if between != nil && (list[i][0] == between.id || list[i][1] == between.id) {
			list = append(list[:i], list[i+1:]...)
			continue
		}
		i++
	}
	if between == nil || len(list) == 0 {
		return
	}
	d := f.while(2)
	f.tell("%s and %s see nothing of each other for %s s, but %s all", names(here), names(there), clockText(d),
		between.name)
	f.w.block(list, d)
}

func names(list []*node) (text string) {
	for _, n := range list {
		text += n.name + " "
	}
	return text[:max(0, len(text)-1)]
}

// flap cuts what a node or two nodes have between them, again and again.
func (f *fault) flap() {
	n := f.node()
	if n == nil {
		return
	}
	others := f.w.without(n)
	if f.chance(50) && len(others) > 0 {
		others = []*node{pick(f, others)}
	}
	d := f.while(3)
	f.tell("what %s has with %s flaps for %s s", n.name, names(others), clockText(d))
	f.flaps(n, others, f.w.now+d)
}

func (f *fault) flaps(n *node, others []*node, end int64) {
	w := f.w
	if w.calm || w.now >= end {
		return
	}
	down := f.between(5*millisecond, 150*millisecond)
	w.block(ways([]*node{n}, others, false), down)
	if f.chance(50) {
		for _, other := range others {
			w.cut(n.id, other.id)
		}
	}
	w.after(down+f.between(5*millisecond, 150*millisecond), func() { f.flaps(n, others, end) })
}
