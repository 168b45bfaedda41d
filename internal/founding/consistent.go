package founding

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// consistent finds fault with what was heard: names that clash, and lists that ought to be the same and are
// not. It gives what is stated of this node's metadata.
func (r *Roll) consistent() (metadata string, err error) {
	for i, a := range r.answers {
		if a.said == nil || r.isMe(i) {
			continue
		}
		if err := r.named(i, a.said); err != nil {
			return "", err
		}
	}
	for _, a := range r.answers {
		if a.said == nil {
			continue
		}
		if err := r.Compare(*a.said); err != nil {
			return "", err
		}
	}
	return r.metadataOf(r.me.Name)
}

// named compares what a node calls itself with what the list calls it, and with what others are called.
func (r *Roll) named(i int, said *Statement) error {
	e := r.me.List[i]
	if e.Name != "" && e.Name != said.Name {
		return fmt.Errorf("identifier: the node at %s is listed here as %q and calls itself %q: "+
			"one of the two is wrong", e.Addr, e.Name, said.Name)
	}
	if said.Name == r.me.Name {
		return fmt.Errorf("identifier: this node and the one at %s are both %q: give one of them another",
			e.Addr, said.Name)
	}
	for k, other := range r.answers[:i] {
		if other.said != nil && other.said.Name == said.Name && other.said.Incarnation != said.Incarnation {
			return fmt.Errorf("identifier: the nodes at %s and at %s are both %q: give one of them another",
				r.me.List[k].Addr, e.Addr, said.Name)
		}
	}
	return nil
}

// Compare finds fault when this node and another were given what should be one list and is not. Lists that
// were stated node by node may differ, since one of the nodes may yet join an ensemble that the other does
// not know of. So may the list of one that names the other, and is not named by it: it is a newcomer, which
// registers itself, and cannot found, since those whom it names never hear it.
func (r *Roll) Compare(other Statement) error {
	if !r.me.Exact || !other.Exact || other.State == Member || other.Incarnation == r.me.Incarnation {
		return nil
	}
	mine, theirs := roster(r.me), roster(other)
	if names(mine, other.Name) != names(theirs, r.me.Name) {
		return nil
	}
	if !slices.EqualFunc(mine, theirs, func(a, b Entry) bool { return a.Name == b.Name }) {
		return fmt.Errorf("peers: this node's file is of %s; that of %s is of %s: "+
			"give all the same peers", describe(mine), other.Name, describe(theirs))
	}
	for i := range mine {
		if a, b := port(mine[i].Addr), port(theirs[i].Addr); a != b {
			return fmt.Errorf("port: %s has %s by this node's file, and %s by that of %s: "+
				"one of the two is wrong", mine[i].Name, a, b, other.Name)
		}
		if a, b := mine[i].Metadata, theirs[i].Metadata; a != b && a != "" && b != "" {
			return differ(mine[i].Name, a, "this node's file", b, "that of "+other.Name)
		}
	}
	return nil
}

func differ(name, a, whose, b, others string) error {
	return fmt.Errorf("metadata: %s has %s by %s, and %s by %s: state it alike", name, a, whose, b, others)
}

// roster gives all that a node's list is of, itself included, by name.
func roster(s Statement) []Entry {
	all := []Entry{{Name: s.Name, Addr: s.Addr, Metadata: s.Metadata}}
	for _, e := range s.List {
		if e.Name != s.Name {
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b Entry) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// names says whether a node is on a list.
func names(list []Entry, node string) bool {
	return slices.ContainsFunc(list, func(e Entry) bool { return e.Name == node })
}

// port gives what follows the host. Hosts are not compared: one machine may have many names.
func port(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }

// metadataOf gives what is stated of a node by itself and by the lists of those that were heard.
func (r *Roll) metadataOf(name string) (string, error) {
	stated, by := "", ""
	note := func(metadata, whose string) error {
		if metadata != "" && stated != "" && metadata != stated {
			return differ(name, stated, by, metadata, whose)
		}
		if metadata != "" {
			stated, by = metadata, whose
		}
		return nil
	}
	if err := note(r.me.Metadata, "its own word"); err != nil {
		return "", err
	}
	for _, a := range r.answers {
		if a.said == nil {
			continue
		}
		for _, e := range a.said.List {
			if e.Name == name {
				if err := note(e.Metadata, "the file of "+a.said.Name); err != nil {
					return "", err
				}
			}
		}
	}
	return stated, nil
}
