package doctor

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/caucus-project/caucus/internal/overview"
)

// State says how much a finding matters.
type State string

// Nothing is to be done, something should be looked at, or something must be done.
const (
	OK   State = "ok"
	Warn State = "warn"
	Bad  State = "bad"
)

// Finding is what one check has found, of one node or of all.
type Finding struct {
	Check string `json:"check"`
	Node  string `json:"node,omitempty"` // name, or address of who has none; empty: it is about all
	State State  `json:"state"`
	Found string `json:"found"`
	Do    string `json:"do,omitempty"` // empty when nothing is to be done
}

// Told is what came of asking one node.
type Told struct {
	Addr  string            // the client address that was asked
	Name  string            // of the node that should be there; empty for an address that no node has
	Error string            // why it did not answer; empty when it did
	Info  map[string]string // INFO everything, by field
	Open  bool              // it answered without a password, from where it was asked
}

// who names the node for a person.
func (t *Told) who() string {
	if t.Name == "" {
		return t.Addr
	}
	return t.Name
}

// number gives a field of INFO, false when the node does not tell it.
func (t *Told) number(field string) (n int64, ok bool) {
	n, err := strconv.ParseInt(t.Info[field], 10, 64)
	return n, err == nil
}

// is says whether a field of INFO is 1.
func (t *Told) is(field string) bool { return t.Info[field] == "1" }

// Examine makes all checks on an ensemble as one node shows it and on what its nodes told. A check that finds
// nothing wrong has one finding, which says so.
func Examine(now time.Time, e *overview.Ensemble, told []Told) []Finding {
	x := &exam{now: now, ensemble: e, told: told}
	for _, c := range checks() {
		x.check = c.name
		before := len(x.found)
		if well := c.look(x); len(x.found) == before && well != "" {
			x.found = append(x.found, Finding{Check: c.name, State: OK, Found: well})
		}
	}
	return x.found
}

// Worst gives the worst of the states.
func Worst(all []Finding) State {
	rank := []State{OK, Warn, Bad}
	worst := 0
	for _, f := range all {
		worst = max(worst, slices.Index(rank, f.State))
	}
	return rank[worst]
}

// check looks at one thing, and says what is well when it finds nothing; "" when it could not tell.
type check struct {
	name string
	look func(x *exam) (well string)
}

// checks lists all checks, those first without which the others mean little.
func checks() []check {
	return []check{
		{"answers", (*exam).answers}, {"quorum", (*exam).quorum}, {"voters", (*exam).voters},
		{"links", (*exam).links}, {"addresses", (*exam).addresses}, {"versions", (*exam).versions},
		{"lag", (*exam).lag}, {"clocks", (*exam).clocks}, {"disks", (*exam).disks},
		{"snapshots", (*exam).snapshots}, {"memory", (*exam).memory}, {"clients", (*exam).clients},
		{"certificates", (*exam).certificates}, {"doors", (*exam).doors},
	}
}

// exam is one examination under way.
type exam struct {
	now      time.Time
	ensemble *overview.Ensemble
	told     []Told
	check    string // that is being made
	found    []Finding
}

func (x *exam) warn(node, do, found string, args ...any) { x.note(Warn, node, do, found, args) }
func (x *exam) bad(node, do, found string, args ...any)  { x.note(Bad, node, do, found, args) }

func (x *exam) note(s State, node, do, found string, args []any) {
	x.found = append(x.found, Finding{x.check, node, s, fmt.Sprintf(found, args...), do})
}

// answered gives those who told something.
func (x *exam) answered() (list []*Told) {
	for i := range x.told {
		if x.told[i].Error == "" {
			list = append(list, &x.told[i])
		}
	}
	return list
}

// values gives a field of INFO of all who told it, least first.
func (x *exam) values(field string) (list []int64) {
	for _, t := range x.answered() {
		if n, ok := t.number(field); ok {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return list
}
