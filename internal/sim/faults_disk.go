package sim

import "github.com/caucus-project/caucus/internal/replica"

func diskFaults() []faultKind {
	return []faultKind{
		onNode("a disk hangs", func(f *fault, n *node) {
			d := f.while(1)
			f.tell("the disk of %s hangs for %s s", n.name, clockText(d))
			n.hungTo = f.w.now + d
		}),
		onNode("a disk is slow", func(f *fault, n *node) {
			d := f.while(3)
			f.tell("the disk of %s is slow for %s s", n.name, clockText(d))
			n.slowTo = f.w.now + d
		}),
		onNode("a disk is full", func(f *fault, n *node) {
			d := f.while(2)
			f.tell("the disk of %s is full for %s s", n.name, clockText(d))
			n.space(0)
			f.w.after(d, func() { n.space(roomy) })
		}),
	}
}

// roomy is a disk that is not full.
const roomy = 1 << 40

// space tells a node how much room its disk has.
func (n *node) space(free uint64) {
	n.w.note(n.name, "space", free)
	n.input(func(now replica.Time) { n.r.Space(now, free, 0) })
}
