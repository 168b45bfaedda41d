package founding

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/caucus-project/caucus/internal/fields"
)

// Incarnation is the random id of a data directory: a wiped node has another (SAFETY A12).
type Incarnation [16]byte

// State is where a node stands. A directory only ever goes from Fresh to Member.
type State uint8

// The states. They are numbers on the wire.
const (
	Fresh   State = 1 // belongs to no ensemble
	Joining State = 2 // has asked to be let in, and does not know yet whether it is
	Member  State = 3 // belongs to one, and its directory says so
)

// Entry is what a list says of one node.
type Entry struct {
	Name     string // "" when the list gives an address only
	Addr     string // of the client door, host:port
	Metadata string // "" when the list states none
}

// Statement is what a node says of itself, asked or asking.
type Statement struct {
	Name        string
	Addr        string // where clients reach it
	Incarnation Incarnation
	Cluster     [16]byte // zero unless it is a Member
	State       State
	Exact       bool          // every node was given the same list, so one that differs is a mistake
	Metadata    string        // what it states of itself, "" for nothing
	List        []Entry       // the nodes that it was told of
	Heard       []Incarnation // who answered it, itself included; sorted, once each
}

// Append adds the statement's bytes to dst.
func (s Statement) Append(dst []byte) []byte {
	dst = fields.String(fields.String(dst, s.Name), s.Addr)
	dst = append(append(dst, s.Incarnation[:]...), s.Cluster[:]...)
	dst = fields.Bool(append(dst, byte(s.State)), s.Exact)
	dst = fields.Uvarint(fields.String(dst, s.Metadata), uint64(len(s.List)))
	for _, e := range s.List {
		dst = fields.String(fields.String(fields.String(dst, e.Name), e.Addr), e.Metadata)
	}
	dst = fields.Uvarint(dst, uint64(len(s.Heard)))
	for _, h := range s.Heard {
		dst = append(dst, h[:]...)
	}
	return dst
}

// ReadStatement takes apart what Append made. What it reads comes from outside.
func ReadStatement(b []byte) (Statement, error) {
	r := fields.NewReader(b)
	s := Statement{Name: r.String(), Addr: r.String(), Incarnation: r.ID(), Cluster: r.ID(),
		State: State(r.Byte()), Exact: r.Bool(), Metadata: r.String()}
	for range r.Count(3) {
		s.List = append(s.List, Entry{Name: r.String(), Addr: r.String(), Metadata: r.String()})
	}
	for range r.Count(len(Incarnation{})) {
		s.Heard = append(s.Heard, r.ID())
	}
	if err := r.End("what a node says of itself"); err != nil {
		return Statement{}, err
	}
	if s.State < Fresh || s.State > Member {
		return Statement{}, fmt.Errorf("what a node says of itself: unknown state %d", s.State)
	}
	return s, nil
}

// gather makes a sorted set of incarnations.
func gather(all []Incarnation) []Incarnation {
	slices.SortFunc(all, func(a, b Incarnation) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(all)
}
