package replica

import (
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
)

// waiters is the leader's eye on nodes whose clients stand in line for elements. One that is dead, or of
// which nothing was heard for an election timeout, must swallow nothing, so its clients are taken out of
// the line (SAFETY B7).
type waiters struct {
	told map[process]int64 // when that was logged, monotonic
	due  int64             // when it is looked next, monotonic
}

// process is a boot of a node.
type process struct {
	node uint64
	boot entry.Boot
}

// decide logs who is absent. It looks at once when a node was lost, else with each heartbeat.
func (w *waiters) decide(r *Replica, l *leadership) {
	if r.now.Mono < w.due {
		return
	}
	w.due = r.now.Mono + r.cfg.Heartbeat
	r.m.Waiters(func(node uint64, boot entry.Boot) {
		p := process{node, boot}
		at, told := w.told[p]
		if r.runs(node, boot) && !r.silent(node) || told && r.now.Mono-at < r.cfg.Election {
			return
		}
		w.told[p] = r.now.Mono
		l.notes = append(l.notes, machine.Absent(node, boot))
	})
}
