package replica

import (
	"slices"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
)

// admit puts a refusal in the place of each operation that may not go into the log. The rest of the batch
// stays as it is, and so do the places of all.
func (l *leadership) admit(r *Replica, ops []entry.Op) []entry.Op {
	kept := ops
	for i := range ops {
		why := l.refusal(r, &ops[i])
		if why == nil {
			continue
		}
		if &kept[0] == &ops[0] {
			kept = slices.Clone(ops) // the origin may need what it sent for another leader
		}
		kept[i] = machine.Refused(&ops[i], why)
	}
	return kept
}

// refusal says why an operation may not go into the log, with nil if it may: it makes the state larger
// while space is tight (SAFETY B13), or is a custom command that this node, which would have to carry it
// out, does not have. Once it is in the log it stops every node that lacks it.
func (l *leadership) refusal(r *Replica, op *entry.Op) *caucus.Error {
	if l.spacing.tight != "" && r.m.Grows(op) {
		return caucus.Errorf(caucus.ErrNoSpace, "%s", l.spacing.tight)
	}
	lacks := r.m.Lacks(op)
	if lacks == nil {
		return nil
	}
	if what := lacks.Error(); !l.lacks[what] {
		l.lacks[what] = true
		r.warn("a command of another node was refused, because this node, which leads, lacks it", "why", what)
	}
	return caucus.Errorf(caucus.ErrBad, "refused by node '%s', which leads: %v", r.cfg.Node.Name, lacks)
}
