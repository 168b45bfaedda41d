//go:build linux

package chaos

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// cut keeps packets from one place from reaching another. The other direction is another cut.
type cut struct {
	from, to *place
	resets   bool // answers what comes by a reset, as a host without that connection does; else it is dropped
}

// cut puts cuts in force and gives what mends them. What other faults have cut stays cut.
func (f *field) cut(list ...*cut) (mend func() error, err error) {
	f.cutting.Lock()
	defer f.cutting.Unlock()
	f.cuts = append(f.cuts, list...)
	return func() error {
		f.cutting.Lock()
		defer f.cutting.Unlock()
		f.cuts = slices.DeleteFunc(f.cuts, func(c *cut) bool { return slices.Contains(list, c) })
		return f.enforce(list)
	}, f.enforce(list)
}

// enforce gives the receivers of some cuts the rules that are in force now.
func (f *field) enforce(list []*cut) (err error) {
	told := map[*place]bool{}
	for _, c := range list {
		if !told[c.to] {
			told[c.to] = true
			err = errors.Join(err, c.to.feed(f.rules(c.to), "nft", "-f", "-"))
		}
	}
	return err
}

// rules gives the filter of what a place receives, in the language of nft; it replaces the one before.
func (f *field) rules(to *place) string {
	var b strings.Builder
	b.WriteString("table inet chaos {}\ndelete table inet chaos\ntable inet chaos {\n" +
		"chain in {\ntype filter hook input priority 0; policy accept;\n")
	for _, c := range f.cuts {
		switch {
		case c.to != to:
		case c.resets:
			fmt.Fprintf(&b, "ip saddr %s meta l4proto tcp reject with tcp reset\n", c.from.addr)
		default:
			fmt.Fprintf(&b, "ip saddr %s drop\n", c.from.addr)
		}
	}
	b.WriteString("}\n}\n")
	return b.String()
}

// between gives the cuts of both directions between two sets of places.
func between(resets bool, left, right []*place) (list []*cut) {
	for _, a := range left {
		for _, b := range right {
			list = append(list, &cut{a, b, resets}, &cut{b, a, resets})
		}
	}
	return list
}
