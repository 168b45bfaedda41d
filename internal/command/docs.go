package command

import (
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/glob"
)

// Describe answers COMMAND and its subcommands.
func (t *Table) Describe(s *Spec, cmd caucus.Command) caucus.Reply {
	switch s.Name {
	case "command":
		return caucus.Array(t.infos(t.tops())...)
	case "command|count":
		return caucus.Int(int64(len(t.tops())))
	case "command|info":
		return caucus.Array(t.infos(t.named(cmd[2:]))...)
	case "command|docs":
		return t.docs(t.named(cmd[2:]))
	case "command|list":
		return t.list(cmd[2:])
	case "command|getkeys":
		return t.keysOf(cmd[2:])
	case "acl|cat":
		return t.cat(cmd[2:])
	}
	return t.Help("command")
}

// Helps says whether the command is the HELP of a container.
func (s *Spec) Helps() bool { return strings.HasSuffix(s.Name, "|help") }

// Help answers the HELP of a container, in the form of Redis.
func (t *Table) Help(container string) caucus.Reply {
	lines := []caucus.Reply{caucus.Status(strings.ToUpper(container) +
		" <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")}
	for _, s := range t.under(container) {
		_, sub, _ := strings.Cut(s.Name, "|")
		lines = append(lines, caucus.Status(strings.TrimRight(strings.ToUpper(sub)+" "+s.Usage, " ")),
			caucus.Status("    "+s.Summary+"."))
	}
	return caucus.Array(lines...)
}

// tops gives the commands without subcommands and, for each container, one row that stands for it.
func (t *Table) tops() []*Spec {
	var tops []*Spec
	seen := ""
	for _, s := range t.all {
		container, _, isSub := strings.Cut(s.Name, "|")
		switch {
		case !isSub:
			tops = append(tops, s)
			seen = s.Name
		case container != seen:
			tops = append(tops, t.container(container))
			seen = container
		}
	}
	return tops
}

// named gives the rows of the names, nil for an unknown one; without names it gives all.
func (t *Table) named(names []string) []*Spec {
	if len(names) == 0 {
		return t.tops()
	}
	rows := make([]*Spec, len(names))
	for i, name := range names {
		rows[i] = t.Row(name)
	}
	return rows
}

// Has says whether there is a command of that name, or a container.
func (t *Table) Has(name string) bool { return t.Row(name) != nil }

// Row gives the row of a command by its name, "group|join" for a subcommand, in any case, or one that stands
// for a container; nil when there is none.
func (t *Table) Row(name string) *Spec {
	name = string(lower(nil, name))
	if s := t.rows[name]; s != nil {
		return s
	}
	container, sub, isSub := strings.Cut(name, "|")
	if isSub {
		return t.subs[container][sub]
	}
	if t.subs[container] != nil {
		return t.container(container)
	}
	return nil
}

// container makes the row of a command that has only subcommands.
func (t *Table) container(name string) *Spec {
	first := t.under(name)[0]
	return &Spec{Name: name, Arity: -2, Group: first.Group, Since: first.Since,
		Complexity: "that of the subcommand", Summary: "Has the subcommands of " + strings.ToUpper(name)}
}

// under gives the subcommands of a container, sorted.
func (t *Table) under(container string) []*Spec {
	var subs []*Spec
	for _, s := range t.all {
		if strings.HasPrefix(s.Name, container+"|") {
			subs = append(subs, s)
		}
	}
	return subs
}

func (t *Table) infos(rows []*Spec) []caucus.Reply {
	infos := make([]caucus.Reply, len(rows))
	for i, s := range rows {
		if s == nil {
			infos[i] = caucus.NilArray()
			continue
		}
		infos[i] = t.info(s)
	}
	return infos
}

// info is the array of ten that clients know: name, arity, flags, keys, categories, tips, key
// specifications, subcommands.
func (t *Table) info(s *Spec) caucus.Reply {
	subs := []caucus.Reply{}
	if !strings.Contains(s.Name, "|") {
		subs = t.infos(t.under(s.Name))
	}
	return caucus.Array(caucus.Bulk(s.Name), caucus.Int(int64(s.Arity)), statuses(s.Flags.names()),
		caucus.Int(int64(s.First)), caucus.Int(int64(s.Last)), caucus.Int(int64(s.Step)),
		statuses(s.categories()), caucus.Array(), s.keySpecs(), caucus.Array(subs...))
}

// keySpecs says where the keys are in the way of Redis 7.
func (s *Spec) keySpecs() caucus.Reply {
	if s.First == 0 {
		return caucus.Array()
	}
	access := "RO"
	if s.Writes() {
		access = "RW"
	}
	last := s.Last
	if last > 0 {
		last -= s.First // counted from the first key there
	}
	return caucus.Array(caucus.Map(
		caucus.Bulk("flags"), statuses([]string{access}),
		caucus.Bulk("begin_search"), caucus.Map(caucus.Bulk("type"), caucus.Bulk("index"),
			caucus.Bulk("spec"), caucus.Map(caucus.Bulk("index"), caucus.Int(int64(s.First)))),
		caucus.Bulk("find_keys"), caucus.Map(caucus.Bulk("type"), caucus.Bulk("range"),
			caucus.Bulk("spec"), caucus.Map(caucus.Bulk("lastkey"), caucus.Int(int64(last)),
				caucus.Bulk("keystep"), caucus.Int(int64(s.Step)), caucus.Bulk("limit"), caucus.Int(0)))))
}

// names gives the flags as COMMAND does.
func (f Flags) names() []string {
	var names []string
	for _, n := range []struct {
		flag Flags
		name string
	}{
		{Write, "write"}, {ReadOnly, "readonly"}, {DenyOOM, "denyoom"}, {Admin, "admin"}, {PubSub, "pubsub"},
		{Blocking, "blocking"}, {Stale, "stale"}, {Fast, "fast"}, {NoAuth, "no_auth"}, {NoMulti, "no_multi"},
	} {
		if f&n.flag != 0 {
			names = append(names, n.name)
		}
	}
	return names
}

func (t *Table) docs(rows []*Spec) caucus.Reply {
	var items []caucus.Reply
	for _, s := range rows {
		if s != nil {
			items = append(items, caucus.Bulk(s.Name), t.doc(s))
		}
	}
	return caucus.Map(items...)
}

func (t *Table) doc(s *Spec) caucus.Reply {
	items := []caucus.Reply{}
	for _, f := range [][2]string{
		{"summary", s.Summary}, {"since", s.Since}, {"group", s.Group}, {"complexity", s.Complexity},
	} {
		if f[1] != "" { // of a custom command less is known
			items = append(items, caucus.Bulk(f[0]), caucus.Bulk(f[1]))
		}
	}
	if s.Usage != "" {
		items = append(items, caucus.Bulk("arguments"), caucus.Array(arguments(s.Usage)...))
	}
	if !strings.Contains(s.Name, "|") {
		if subs := t.under(s.Name); len(subs) > 0 {
			items = append(items, caucus.Bulk("subcommands"), t.docs(subs))
		}
	}
	return caucus.Map(items...)
}

// arguments gives the usage as one piece of text per argument at the top. redis-cli shows that text as it
// is; what is inside brackets is not taken apart for it.
func arguments(usage string) []caucus.Reply {
	var args []caucus.Reply
	for _, text := range pieces(usage) {
		args = append(args, caucus.Map(caucus.Bulk("name"), caucus.Bulk(text),
			caucus.Bulk("type"), caucus.Bulk("string"), caucus.Bulk("display_text"), caucus.Bulk(text)))
	}
	return args
}

// pieces splits at spaces outside brackets.
func pieces(usage string) []string {
	depth, from := 0, 0
	var all []string
	for i := range len(usage) {
		switch usage[i] {
		case '[':
			depth++
		case ']':
			depth--
		case ' ':
			if depth == 0 {
				all = append(all, usage[from:i])
				from = i + 1
			}
		}
	}
	return append(all, usage[from:])
}

func (t *Table) list(filter []string) caucus.Reply {
	match := func(string) bool { return true }
	switch {
	case len(filter) == 3 && strings.EqualFold(filter[0], "FILTERBY") && strings.EqualFold(filter[1], "PATTERN"):
		if err := glob.Check(filter[2]); err != nil {
			return caucus.Fail(caucus.ErrBad, "%v", err)
		}
		match = glob.Compile(filter[2]).Match
	case len(filter) > 0:
		return caucus.Fail(caucus.ErrBad, "syntax error")
	}
	var names []string
	for _, s := range t.tops() {
		if match(s.Name) {
			names = append(names, s.Name)
		}
	}
	return caucus.Bulks(names...)
}

func (t *Table) keysOf(cmd caucus.Command) caucus.Reply {
	s, _ := t.find(cmd)
	switch {
	case s == nil:
		return caucus.Fail(caucus.ErrBad, "Invalid command specified")
	case s.First == 0 && s.Counted == 0:
		return caucus.Fail(caucus.ErrBad, "The command has no key arguments")
	case !s.takes(len(cmd)):
		return caucus.Fail(caucus.ErrBad, "Invalid number of arguments specified for command")
	}
	if s.Counted > 0 && s.counted(cmd) == nil {
		return caucus.Fail(caucus.ErrBad, "Invalid arguments specified for command")
	}
	return caucus.Bulks(s.Keys(cmd)...)
}

// Keys gives the keys among the arguments of a command of this row.
func (s *Spec) Keys(cmd caucus.Command) []string {
	var keys []string
	if s.First == 0 {
		return s.counted(cmd)
	}
	last := s.Last
	if last < 0 {
		last += len(cmd)
	}
	for i := s.First; i <= last && i < len(cmd); i += max(s.Step, 1) {
		keys = append(keys, cmd[i])
	}
	return append(keys, s.counted(cmd)...)
}

// counted gives the keys that follow an argument with their number, nil when that is wrong.
func (s *Spec) counted(cmd caucus.Command) []string {
	if s.Counted == 0 || len(cmd) <= s.Counted {
		return nil
	}
	n, err := strconv.Atoi(cmd[s.Counted])
	if rest := cmd[s.Counted+1:]; err == nil && n > 0 && n <= len(rest) {
		return rest[:n]
	}
	return nil
}

func statuses(names []string) caucus.Reply {
	items := make([]caucus.Reply, len(names))
	for i, n := range names {
		items[i] = caucus.Status(n)
	}
	return caucus.Reply{Kind: caucus.KindSet, Items: items}
}
