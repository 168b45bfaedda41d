package founding

import (
	"fmt"
	"slices"
	"strings"
)

// Roll is one node's call of the roll: who is on its list, and what each said last. It is used by one
// goroutine at a time.
type Roll struct {
	me      Statement
	listed  bool // the node itself belongs to those who found, whether its list names it or not
	without []string
	answers []answer // in the order of me.List
}

// answer is what came of asking one listed node last.
type answer struct {
	said *Statement // nil: nothing
	why  string     // nothing came
}

// Options say how a roll is called.
type Options struct {
	// Listed says that the list is of the others only, and that the node belongs to those who found. Otherwise
	// it does only when one of the addresses turns out to be its own.
	Listed bool
	// Without names listed nodes, by name or address, that are not waited for when they are silent.
	Without []string
}

// New begins a roll call for a node that belongs to no ensemble. Of me, State and Cluster are set here.
func New(me Statement, opts Options) (*Roll, error) {
	me.State, me.Cluster = Fresh, [16]byte{}
	r := &Roll{me: me, listed: opts.Listed, without: opts.Without, answers: make([]answer, len(me.List))}
	for i := range r.answers {
		r.answers[i].why = "not heard yet"
	}
	return r, r.mayLack()
}

// mayLack refuses to go without so many that the others could never serve.
func (r *Roll) mayLack() error {
	for _, w := range r.without {
		if !slices.ContainsFunc(r.me.List, func(e Entry) bool { return w == e.Name || w == e.Addr }) {
			return fmt.Errorf("founding without %q: no such node is on the list (%s)", w, describe(r.me.List))
		}
	}
	all := len(r.me.List)
	if r.listed {
		all++
	}
	if left := all - len(r.without); left < majority(all) {
		return fmt.Errorf("founding without %s leaves %d of %d nodes, and nobody is served before %d vote: "+
			"take those that are gone for good off the list instead",
			strings.Join(r.without, " and "), left, all, majority(all))
	}
	return nil
}

func majority(n int) int { return n/2 + 1 }

// Heard notes what the i-th node of the list says.
func (r *Roll) Heard(i int, s Statement) { r.answers[i] = answer{said: &s} }

// Silent notes that the i-th node of the list could not be asked, and why.
func (r *Roll) Silent(i int, why string) { r.answers[i] = answer{why: why} }

// Joining notes that the node has asked to be let into an ensemble, or that this has come to nothing. From
// the one to the other nobody may count it among the fresh: it may be let in at any moment.
func (r *Roll) Joining(yes bool) {
	r.me.State = Fresh
	if yes {
		r.me.State = Joining
	}
}

// Say gives what the node says of itself.
func (r *Roll) Say() Statement {
	s := r.me
	s.Heard = r.present()
	return s
}

// present gives the incarnations of all who answered, and one's own.
func (r *Roll) present() []Incarnation {
	all := []Incarnation{r.me.Incarnation}
	for _, a := range r.answers {
		if a.said != nil {
			all = append(all, a.said.Incarnation)
		}
	}
	return gather(all)
}

// isMe says whether the i-th address turned out to be the node's own.
func (r *Roll) isMe(i int) bool {
	said := r.answers[i].said
	return said != nil && said.Incarnation == r.me.Incarnation
}

// waived says whether the i-th node is silent and need not be waited for.
func (r *Roll) waived(i int) bool {
	e := r.me.List[i]
	return r.answers[i].said == nil && (slices.Contains(r.without, e.Addr) ||
		e.Name != "" && slices.Contains(r.without, e.Name))
}

// call gives what the i-th node of the list is called.
func (r *Roll) call(i int) string {
	if said := r.answers[i].said; said != nil {
		return said.Name
	}
	return label(r.me.List[i])
}

func label(e Entry) string {
	if e.Name == "" {
		return e.Addr
	}
	return e.Name
}

// describe gives a list in words.
func describe(list []Entry) string {
	words := make([]string, len(list))
	for i, e := range list {
		words[i] = label(e)
		if e.Name != "" {
			words[i] += " at " + e.Addr
		}
	}
	return strings.Join(words, ", ")
}
