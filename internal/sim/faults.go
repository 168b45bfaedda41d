package sim

import (
	"fmt"
	"slices"
)

// fault is something that goes wrong at a moment. What it needs of chance it draws from its own number, so
// that it stays what it is when others are left out.
type fault struct {
	number int
	at     int64 // since the beginning
	kind   string
	dice
	w *World
}

// faultKind is a way in which something goes wrong. One that finds nobody to befall does nothing.
type faultKind struct {
	name   string
	befall func(f *fault)
}

// faultKinds are all that there are.
func faultKinds() []faultKind {
	return slices.Concat(nodeFaults(), diskFaults(), clockFaults(), networkFaults(), clientFaults(),
		operatorFaults(), versionFaults(), damageFaults())
}

// FaultKinds gives the names of all, as they are counted.
func FaultKinds() (names []string) {
	for _, k := range faultKinds() {
		names = append(names, "fault: "+k.name)
	}
	for _, s := range new(standing).list() {
		names = append(names, "fault: "+s.what)
	}
	return names
}

// planFaults lets the faults of the plan come, each at its time.
func (w *World) planFaults() {
	w.befallen = w.plan.standingText()
	w.checks.count(fmt.Sprintf("seeds with %d voters", w.plan.voters))
	for _, s := range w.plan.standing.list() {
		if *s.percent > 0 {
			w.checks.count("fault: " + s.what)
		}
	}
	kinds := map[string]func(f *fault){}
	for _, k := range faultKinds() {
		kinds[k.name] = k.befall
	}
	for _, f := range w.plan.faults {
		f.dice, f.w = newDice(w.plan.seed, 0x6661756c74<<16+uint64(f.number)), w
		w.after(f.at, func() { kinds[f.kind](&f) })
	}
}

// tell notes what is about to befall whom.
func (f *fault) tell(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	f.w.note("sim", text, uint64(f.number))
	f.w.checks.count("fault: " + f.kind)
	f.w.befallen = append(f.w.befallen, fmt.Sprintf("#%d at %s %s", f.number, clockText(f.w.now), text))
}

// node gives one of the nodes that run, nil when none does. As long as it is there it is the same, whoever
// else runs.
func (f *fault) node() *node {
	from := f.below(1 << 16)
	for i := range f.w.nodes {
		if n := f.w.nodes[(from+i)%len(f.w.nodes)]; n.r != nil {
			return n
		}
	}
	return nil
}

// while draws how long something lasts, up to so many times what is usual in this seed.
func (f *fault) while(times int64) int64 { return f.between(10*millisecond, times*f.w.plan.pause) }

// onNode makes a kind of a fault of one node that runs.
func onNode(name string, befall func(f *fault, n *node)) faultKind {
	return faultKind{name, func(f *fault) {
		if n := f.node(); n != nil {
			befall(f, n)
		}
	}}
}

// onMember makes a kind of a fault of one member that lives and is awake.
func onMember(name string, befall func(f *fault, m *member)) faultKind {
	return faultKind{name, func(f *fault) {
		if m := pick(f, f.w.members); m != nil && !m.dead && m.stalled == 0 {
			befall(f, m)
		}
	}}
}
