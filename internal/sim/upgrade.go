package sim

import (
	"errors"
	"fmt"
	"slices"

	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
)

// versionFaults are no faults either, but come upon the ensemble like them.
func versionFaults() []faultKind {
	return []faultKind{
		{"a node gets the next version", func(f *fault) { f.install(machine.Next) }},
		{"a node goes back to its old version", func(f *fault) { f.install(entry.Level) }},
		{"all nodes get the next version in turn", (*fault).rollOut},
	}
}

// install gives a node another version, whether it runs or not; sometimes two nodes at once.
func (f *fault) install(level uint16) {
	n := pick(f, f.w.nodes)
	power, down := f.chance(20), f.between(2*millisecond, 300*millisecond)
	if n.level != level {
		f.tell("%s gets the version of feature level %d", n.name, level)
		n.become(level, power, down)
	}
	if f.chance(20) {
		f.install(level)
	}
}

// rollOut gives one node after the other the next version, in good order. Sometimes one goes back when it is
// the last's turn, so that it may come too late.
func (f *fault) rollOut() {
	f.tell("all nodes get the version of feature level %d in turn", machine.Next)
	at := int64(0)
	for _, n := range f.w.nodes {
		at += f.between(20*millisecond, 300*millisecond)
		down := f.between(5*millisecond, 200*millisecond)
		f.w.after(at, func() {
			n.handOver()
			f.w.after(20*millisecond, func() {
				if !f.w.calm && n.level < machine.Next {
					n.become(machine.Next, false, down)
				}
			})
		})
	}
	if n := pick(f, f.w.nodes); f.chance(60) {
		f.w.after(at+f.between(-50*millisecond, 250*millisecond), func() {
			if !f.w.calm && n.level == machine.Next && !n.retired {
				n.become(entry.Level, false, f.between(millisecond, 20*millisecond))
			}
		})
	}
}

// version draws the feature level of a new node's version.
func (w *World) version() uint16 {
	if w.plan.ahead > 0 && w.chance(w.plan.ahead) {
		return machine.Next
	}
	return entry.Level
}

// become stops a node, and starts it again with another version.
func (n *node) become(level uint16, power bool, down int64) {
	w := n.w
	w.note(n.name, "version", uint64(level))
	w.checks.count(map[bool]string{true: "upgrades", false: "downgrades"}[level > n.level])
	n.stop(power, false)
	n.level = level
	n.back(down)
}

// back starts a node after a while. Until then the world is not at rest.
func (n *node) back(down int64) {
	w := n.w
	w.rolling++
	w.after(down, func() {
		w.rolling--
		n.startAgain()
	})
}

// finishRollout upgrades those who are left, one after the other, when faults are over. In some worlds it
// does not, and two versions stay side by side.
func (w *World) finishRollout() {
	isNext := func(n *node) bool { return n.level == machine.Next }
	if w.plan.stays || !slices.ContainsFunc(w.nodes, isNext) {
		return
	}
	w.rolling++
	var next func()
	next = func() {
		for _, n := range w.nodes {
			if !isNext(n) {
				n.become(machine.Next, false, w.between(2*millisecond, 300*millisecond))
				w.after(400*millisecond, next)
				return
			}
		}
		w.rolling--
	}
	next()
}

// supported is the feature level that all nodes support.
func (w *World) supported() uint16 {
	level := uint16(machine.Next)
	for _, n := range w.nodes {
		level = min(level, n.level)
	}
	return level
}

// outdated says whether a node stops because its version is too old for what the ensemble has come to.
// Whoever reads why installs the next one, and the node goes on.
func (n *node) outdated(why error) bool {
	w := n.w
	if !errors.Is(why, machine.ErrNewer) || n.level == machine.Next {
		return false // it will be the failure that it is
	}
	w.checks.count("outdated")
	w.note(n.name, "outdated", uint64(n.level))
	if n.r == nil {
		n.disk.stop(false)
	}
	n.stop(false, false)
	n.level = machine.Next
	n.back(w.between(10*millisecond, 500*millisecond))
	return true
}

// unlevel says what is wrong with the level of a node at rest, "" for nothing. Who found its version too old
// was right, so the ensemble has come to the next level.
func (w *World) unlevel(n *node) string {
	want := w.supported()
	if w.checks.counts["outdated"] > 0 {
		want = machine.Next
	}
	if level := n.r.State().Level(); level != want {
		return fmt.Sprintf("%s is at feature level %d and not at %d", n.name, level, want)
	}
	return ""
}

// levels is how a node's state was when its level was looked at last: what it was and who supported which.
type levels struct {
	level uint16
	nodes []machine.Node
}

// shipped counts snapshots between nodes of different versions.
func (c *checks) shipped(from, to *node) {
	switch {
	case from == nil || from.level == to.level:
	case from.level < to.level:
		c.count("snapshots of an old version for a new one")
	default:
		c.count("snapshots of a new version for an old one")
	}
}

// level sees that a node's level never falls, that it rises only when all nodes of the table support it,
// and that no node goes on at a level that its version does not know (SAFETY B20).
func (c *checks) level(n *node, reset bool) {
	w, s := n.w, n.r.State()
	was := n.seen
	n.seen = &levels{s.Level(), s.Nodes()}
	c.topLevel = max(c.topLevel, s.Level())
	switch {
	case s.Level() > n.level:
		w.fail("SAFETY B20: %s, whose version has feature level %d, is at level %d", n.name, n.level, s.Level())
	case was == nil || reset:
	case s.Level() < was.level:
		w.fail("SAFETY B20: the feature level of %s fell from %d to %d", n.name, was.level, s.Level())
	case s.Level() > was.level:
		c.raised(n, was)
	}
}

// raised sees that everybody supports a level that has risen. Of who said meanwhile that it does, or does no
// more, it is not known which of the two came first; who started twice meanwhile may have said both.
func (c *checks) raised(n *node, was *levels) {
	level, before := n.r.State().Level(), map[uint64]machine.Node{}
	for _, one := range was.nodes {
		before[one.ID] = one
	}
	for _, one := range n.r.State().Nodes() {
		if one.Level < level && before[one.ID].Level < level && one.Boots < before[one.ID].Boots+2 {
			n.w.fail("SAFETY B20: the feature level is %d, and %s supports %d", level, one.Name, one.Level)
		}
	}
	if level == machine.Next {
		c.count("raised")
	}
}
