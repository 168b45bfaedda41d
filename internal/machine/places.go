package machine

import (
	"slices"
	"strings"
)

// places are the groups that a session is in, by name, and its join order in each. There are few, mostly one,
// so a tree would be the larger part of what a member takes. The list is never changed, only replaced, so
// copies may share it (SAFETY B12).
type places struct{ list []membership }

type membership struct {
	group string
	order uint64
}

// at says where a group stands, or should.
func (p *places) at(group string) (i int, found bool) {
	return slices.BinarySearchFunc(p.list, group, func(one membership, group string) int {
		return strings.Compare(one.group, group)
	})
}

// Get gives the join order in a group.
func (p *places) Get(group string) (order uint64, ok bool) {
	i, ok := p.at(group)
	if !ok {
		return 0, false
	}
	return p.list[i].order, true
}

// Set adds a group, or replaces the join order in it.
func (p *places) Set(group string, order uint64) {
	i, found := p.at(group)
	rest := p.list[i:]
	if found {
		rest = rest[1:]
	}
	p.list = slices.Concat(p.list[:i], []membership{{group, order}}, rest)
}

// Delete takes a group out, if it is there.
func (p *places) Delete(group string) {
	if i, found := p.at(group); found {
		p.list = slices.Concat(p.list[:i], p.list[i+1:])
	}
}

// Scan visits the groups by name until visit says no.
func (p *places) Scan(visit func(group string, order uint64) bool) {
	for _, one := range p.list {
		if !visit(one.group, one.order) {
			return
		}
	}
}

// Keys lists the groups.
func (p *places) Keys() []string {
	names := make([]string, len(p.list))
	for i, one := range p.list {
		names[i] = one.group
	}
	return names
}

// Len says how many there are.
func (p *places) Len() int { return len(p.list) }
