package command

import (
	"maps"
	"slices"
	"strings"

	"github.com/caucus-project/caucus"
)

// Table finds commands by name. It never changes once it is made and may be shared.
type Table struct {
	rows map[string]*Spec            // commands without subcommands
	subs map[string]map[string]*Spec // container -> subcommand
	all  []*Spec                     // sorted by name
}

// longest is the most bytes that the name of a command or subcommand can have.
const longest = 32

// New gives the table of all commands.
func New() *Table {
	t := &Table{rows: map[string]*Spec{}, subs: map[string]map[string]*Spec{}}
	for _, family := range families() {
		for i := range family {
			t.add(&family[i])
		}
	}
	t.arrange()
	return t
}

func (t *Table) add(s *Spec) {
	t.all = append(t.all, s)
	container, sub, isSub := strings.Cut(s.Name, "|")
	if !isSub {
		t.rows[s.Name] = s
		return
	}
	if t.subs[container] == nil {
		t.subs[container] = map[string]*Spec{}
	}
	t.subs[container][sub] = s
}

// arrange gives each row its place, and tells those that have subcommands.
func (t *Table) arrange() {
	slices.SortFunc(t.all, func(a, b *Spec) int { return strings.Compare(a.Name, b.Name) })
	for i, s := range t.all {
		s.place, s.contains = i, t.subs[s.Name] != nil
	}
}

// All gives every row, sorted by name.
func (t *Table) All() []*Spec { return t.all }

// Containers gives the names of the commands that have subcommands, sorted.
func (t *Table) Containers() []string { return slices.Sorted(maps.Keys(t.subs)) }

// Lookup finds the row of a command and checks its arity. The errors are those of Redis. It does not
// allocate when it succeeds.
func (t *Table) Lookup(cmd caucus.Command) (*Spec, *caucus.Error) {
	s, err := t.find(cmd)
	if err != nil {
		return nil, err
	}
	if s.takes(len(cmd)) {
		return s, nil
	}
	container, _, _ := strings.Cut(s.Name, "|")
	return nil, t.wrongNumber(s.Name, container)
}

// takes says whether the command may have so many words.
func (s *Spec) takes(n int) bool {
	return n == s.Arity || s.Arity < 0 && n >= -s.Arity && (s.Most == 0 || n <= s.Most)
}

// wrongNumber is Redis' error of arity. For a command that is not Redis' it says where it is explained.
func (t *Table) wrongNumber(name, container string) *caucus.Error {
	hint := ""
	if help := t.subs[container]["help"]; help != nil && strings.HasPrefix(help.Since, "caucus") {
		hint = ". Try " + strings.ToUpper(container) + " HELP."
	}
	return caucus.Errorf(caucus.ErrBad, "wrong number of arguments for '%s' command%s", name, hint)
}

func (t *Table) find(cmd caucus.Command) (*Spec, *caucus.Error) {
	if len(cmd) == 0 {
		return nil, caucus.Errorf(caucus.ErrBad, "empty command")
	}
	var room [longest]byte
	name := lower(room[:0], cmd[0])
	if s := t.rows[string(name)]; s != nil && (len(cmd) == 1 || !s.contains) {
		return s, nil
	}
	subs := t.subs[string(name)]
	if subs == nil {
		return nil, unknown(cmd)
	}
	if len(cmd) == 1 {
		return nil, t.wrongNumber(string(name), string(name))
	}
	if s := subs[string(lower(room[:0], cmd[1]))]; s != nil {
		return s, nil
	}
	return nil, caucus.Errorf(caucus.ErrBad, "unknown subcommand '%s'. Try %s HELP.",
		clip(cmd[1]), strings.ToUpper(string(lower(room[:0], cmd[0]))))
}

// lower appends s in lower case, or nothing when it is too long to be a name.
func lower(dst []byte, s string) []byte {
	if len(s) > longest {
		return dst
	}
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// unknown is Redis' answer to a command that does not exist, with the beginning of its arguments.
func unknown(cmd caucus.Command) *caucus.Error {
	var args strings.Builder
	for _, a := range cmd[1:] {
		if args.Len() >= 128 {
			break
		}
		args.WriteString("'" + clip(a) + "' ")
	}
	return caucus.Errorf(caucus.ErrBad, "unknown command '%s', with args beginning with: %s",
		clip(cmd[0]), args.String())
}

func clip(s string) string {
	if len(s) > 128 {
		return s[:128]
	}
	return s
}
