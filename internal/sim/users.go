package sim

import (
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/replica"
)

// warden gives and takes the rights of the writers who are users, and notes in the journal that he did, in
// the same batch: so the journal has, in the order in which they were applied, what they wrote and what they
// might (SAFETY A10). No node judges them before that, as if all of them lagged behind.
type warden struct{ w *World }

// Marks in the journal, in front of a user's name.
const (
	given = "+"
	taken = "-"
)

// begin makes some of the writers users, if the seed is about them.
func (g warden) begin() {
	for _, wr := range g.w.writers {
		if g.w.chance(70) {
			wr.user = wr.name
		}
	}
	g.w.after(g.w.between(0, 100*millisecond), g.next)
}

// next changes what somebody may do, until the world becomes calm.
func (g warden) next() {
	w := g.w
	if w.calm {
		return
	}
	w.after(w.between(10*millisecond, 300*millisecond), g.next)
	wr, n := pick(w, w.writers), pick(w, w.up())
	if wr.user == "" || n == nil {
		return
	}
	change, mark := machine.SetUser("", wr.user, []string{"on", "~*", "+@all"}), given
	if w.chance(50) {
		mark = taken
		change = pick(w, []entry.Op{machine.SetUser("", wr.user, []string{"-@all"}),
			machine.SetUser("", wr.user, []string{"resetkeys"}),
			machine.SetUser("", wr.user, []string{"-get", "-append"}),
			{Args: caucus.Command{"ACL", "DELUSER", wr.user}}})
	}
	w.note("warden", mark+wr.user)
	w.checks.count("rights " + map[string]string{given: "given", taken: "taken"}[mark])
	w.nextID++
	ops := []entry.Op{change, {Args: caucus.Command{"APPEND", journal, mark + wr.user + ";"}}}
	batch := &replica.Batch{}
	for i := range ops {
		ops[i].Conn, ops[i].Request = w.nextID, uint64(i+1)
		batch.Steps = append(batch.Steps, entry.Step{Op: &ops[i], Write: true})
	}
	n.input(func(now replica.Time) {
		batch.Deadline = now.Mono + patience
		n.r.Submit(now, batch)
	})
}

// marked says whether each change of rights is noted in the journal. It need not be where a disk was full:
// then what grows is refused, and a change of rights does not.
func (w *World) marked() bool { return w.plan.users && w.checks.counts["fault: a disk is full"] == 0 }

// compareRights sees that nothing of a user stands in the journal where he had no rights.
func (w *World) compareRights() {
	if w.marked() {
		w.rightful(w.nodes[0].value(journal))
	}
}

// mayRead sees that who was told the journal had the right to read it when it was so.
func (wr *writer) mayRead(text string) {
	if wr.w.marked() && !wr.w.rightful(text)[wr.name] {
		wr.w.fail("SAFETY A10: %s was told the journal when it had no rights: %s", wr.name, text)
	}
}

// rightful looks at a journal, or the beginning of one, and gives who might write at its end.
func (w *World) rightful(text string) (may map[string]bool) {
	may = map[string]bool{}
	for _, wr := range w.writers {
		may[wr.name] = wr.user == ""
	}
	for word := range strings.SplitSeq(strings.TrimSuffix(text, ";"), ";") {
		switch name, _, _ := strings.Cut(strings.TrimLeft(word, given+taken), "-"); {
		case strings.HasPrefix(word, given):
			may[name] = true
		case strings.HasPrefix(word, taken):
			may[name] = false
		case word != "" && !may[name]:
			w.fail("SAFETY A10: %s is in the journal where %s had no rights", word, name)
		}
	}
	return may
}
