package founding

import (
	"fmt"
	"slices"
)

// Action is what a node does next.
type Action uint8

// The actions.
const (
	Wait  Action = iota // for those in Decision.Waits
	Join                // the ensemble of the node at Decision.Through
	Found               // an ensemble of one, which the others will join
	Fail                // with Decision.Err: waiting would not mend it
)

// Decision is what follows from what was heard.
type Decision struct {
	Action  Action
	Waits   []Waiting
	Through string // client address
	Voters  int    // so many must vote before anybody is served
	// Metadata is what the lists state of this node, or it itself, for Join and Found; "" when nobody does.
	Metadata string
	Err      error
}

// Waiting is one reason to wait.
type Waiting struct {
	For string // name or address
	Why string
}

// Decide says what the node does. It founds only when every listed node that is not waived has said that it
// is fresh and has heard exactly those whom this node heard, so that all these answers are younger than the
// youngest directory; and only when its own name is the lowest of theirs, so that no two of them found.
func (r *Roll) Decide() Decision {
	if d, ok := r.member(); ok {
		return d
	}
	metadata, err := r.consistent()
	if err != nil {
		return Decision{Action: Fail, Err: err}
	}
	if waits := r.waits(); len(waits) > 0 {
		return Decision{Waits: waits}
	}
	lowest, own := r.me.Name, r.me.Name
	for i := range r.answers {
		if !r.waived(i) {
			lowest = min(lowest, r.call(i))
		}
	}
	if lowest != own {
		return Decision{Waits: []Waiting{{lowest, "it founds the ensemble, its name being the lowest"}}}
	}
	return Decision{Action: Found, Voters: majority(r.size()), Metadata: metadata}
}

// size is how many nodes found together, those that are waived included.
func (r *Roll) size() int {
	n := 1
	for i := range r.answers {
		if !r.isMe(i) {
			n++
		}
	}
	return n
}

// member looks for a listed node that belongs to an ensemble: that one is joined.
func (r *Roll) member() (Decision, bool) {
	first := -1
	for i, a := range r.answers {
		switch {
		case a.said == nil || a.said.State != Member:
		case first < 0:
			first = i
		case a.said.Cluster != r.answers[first].said.Cluster:
			return Decision{Action: Fail, Err: fmt.Errorf("%s belongs to ensemble %x and %s to ensemble %x: "+
				"take those of one of them off the list", r.call(first), r.answers[first].said.Cluster,
				r.call(i), a.said.Cluster)}, true
		}
	}
	if first < 0 {
		return Decision{}, false
	}
	metadata, err := r.metadataOf(r.me.Name)
	if err != nil {
		return Decision{Action: Fail, Err: err}, true
	}
	return Decision{Action: Join, Through: r.me.List[first].Addr, Metadata: metadata}, true
}

// waits gives what keeps the listed nodes from founding.
func (r *Roll) waits() (waits []Waiting) {
	here, found := r.present(), r.listed
	for i, a := range r.answers {
		switch {
		case r.waived(i):
		case a.said == nil:
			waits = append(waits, Waiting{r.call(i), a.why})
		case r.isMe(i) && r.me.List[i].Name != "" && r.me.List[i].Name != r.me.Name:
			waits = append(waits, Waiting{r.me.List[i].Name, "this node itself answers at its address, " +
				r.me.List[i].Addr})
		case r.isMe(i):
			found = true
		case a.said.State == Joining:
			waits = append(waits, Waiting{r.call(i), "it is joining an ensemble"})
		case !slices.Equal(a.said.Heard, here):
			waits = append(waits, Waiting{r.call(i), r.unlike(a.said, here)})
		}
	}
	if !found && len(waits) == 0 {
		waits = []Waiting{{describe(r.me.List), "none of them belongs to an ensemble yet, " +
			"and this node, which is not on the list, only joins"}}
	}
	return waits
}

// unlike says why another has not heard the same nodes.
func (r *Roll) unlike(other *Statement, here []Incarnation) string {
	if r.me.Exact && other.Exact && !names(roster(*other), r.me.Name) {
		return fmt.Sprintf("its list does not name this node, which joins those on it when they have founded: %s",
			describe(other.List))
	}
	for i, a := range r.answers {
		if a.said != nil && !slices.Contains(other.Heard, a.said.Incarnation) {
			return fmt.Sprintf("it has not heard %s; its list is: %s", r.call(i), describe(other.List))
		}
	}
	if !slices.Contains(other.Heard, r.me.Incarnation) {
		return fmt.Sprintf("it has not heard this node; its list is: %s", describe(other.List))
	}
	return fmt.Sprintf("it has heard %d nodes and this one %d; its list is: %s",
		len(other.Heard), len(here), describe(other.List))
}
