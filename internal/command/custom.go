package command

import (
	"fmt"
	"strings"
)

// CustomGroup is the command group of what a program adds, which COMMAND DOCS shows.
const CustomGroup = "custom"

// Custom makes the row of a command that the program around a node adds: its name in any case, whether it
// changes the state, and how many arguments it takes, the name not counted; most below 0 is no limit. What
// changes the state counts as something that grows: when memory or disks are full it is refused (SAFETY B13).
func Custom(name string, writes bool, least, most int) (Spec, error) {
	s := Spec{Name: strings.ToLower(name), Arity: least + 1, Flags: ReadOnly, Home: Machine, Group: CustomGroup}
	if writes {
		s.Flags = Write | DenyOOM
	}
	switch {
	case !legalName(s.Name):
		return s, fmt.Errorf("the name of the command %q is not 1 to %d letters, digits and ._- "+
			"that do not begin with a dot", name, longest)
	case s.Name == "post":
		return s, fmt.Errorf("the command '%s' cannot be said: who begins with that word is taken for a browser "+
			"that speaks HTTP, and is turned away", name)
	case least < 0:
		return s, fmt.Errorf("the command '%s' takes at least %d arguments: 0 is the least there can be",
			s.Name, least)
	case most >= 0 && most < least:
		return s, fmt.Errorf("the command '%s' takes at least %d arguments and at most %d: let the most be "+
			"as large, or -1 for no limit", s.Name, least, most)
	case most < 0:
		s.Arity = -s.Arity
	case most > least:
		s.Arity, s.Most = -s.Arity, most+1
	}
	return s, nil
}

// legalName says whether a lower-case name can be that of a custom command. A bar is for subcommands, a dot
// in front for what no client can send.
func legalName(name string) bool {
	return name != "" && len(name) <= longest && name[0] != '.' &&
		strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == ""
}

// IsCustom says whether the row is of a command that the program around the node has added.
func (s *Spec) IsCustom() bool { return s.Group == CustomGroup }

// Extended gives the table of all commands and of those that a program adds. None may have the name of
// another.
func Extended(custom []Spec) (*Table, error) {
	t := New()
	for _, s := range custom {
		if t.rows[s.Name] != nil || t.subs[s.Name] != nil {
			return nil, fmt.Errorf("the command '%s' exists already: give this one another name; "+
				"those of built-in commands have no dot", s.Name)
		}
		t.add(&s)
	}
	t.arrange()
	return t, nil
}
