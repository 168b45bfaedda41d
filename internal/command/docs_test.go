package command_test

import (
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
)

func describe(t *testing.T, cmd ...string) caucus.Reply {
	t.Helper()
	table := command.New()
	s, err := table.Lookup(cmd)
	if err != nil {
		t.Fatal(err)
	}
	return table.Describe(s, cmd)
}

func TestEveryRowCanBeDescribed(t *testing.T) {
	for _, s := range command.New().All() {
		if s.Summary == "" || s.Since == "" || s.Group == "" || s.Complexity == "" || s.Arity == 0 {
			t.Errorf("row %q is not complete: %+v", s.Name, s)
		}
		info := describe(t, "COMMAND", "INFO", s.Name)
		if len(info.Items) != 1 || len(info.Items[0].Items) != 10 || info.Items[0].Items[0].Str != s.Name {
			t.Errorf("COMMAND INFO %s: %+v", s.Name, info)
		}
		if docs := describe(t, "COMMAND", "DOCS", s.Name); len(docs.Items) != 2 {
			t.Errorf("COMMAND DOCS %s: %+v", s.Name, docs)
		}
	}
}

func TestCommandCountsWhatItLists(t *testing.T) {
	n := describe(t, "command", "count").Int
	all, names := describe(t, "command"), describe(t, "command", "list")
	if n == 0 || len(all.Items) != int(n) || len(names.Items) != int(n) {
		t.Errorf("COMMAND COUNT says %d", n)
	}
	if docs := describe(t, "command", "docs"); docs.Kind != caucus.KindMap || len(docs.Items) != 2*int(n) {
		t.Errorf("COMMAND DOCS has %d items", len(docs.Items))
	}
	seen := map[string]bool{}
	for _, name := range names.Items {
		if seen[name.Str] {
			t.Errorf("%s is listed twice", name.Str)
		}
		seen[name.Str] = true
	}
}

func TestCommandSubcommands(t *testing.T) {
	if got := describe(t, "COMMAND", "LIST", "FILTERBY", "PATTERN", "un*"); len(got.Items) != 3 {
		t.Errorf("un* gives %+v", got)
	}
	if got := describe(t, "COMMAND", "INFO", "nosuch").Items[0]; got.Kind != caucus.KindNilArray {
		t.Errorf("an unknown command gives %+v", got)
	}
	keys := describe(t, "COMMAND", "GETKEYS", "WATCH", "a", "b")
	if len(keys.Items) != 2 || keys.Items[1].Str != "b" {
		t.Errorf("keys of WATCH a b: %+v", keys)
	}
	for _, c := range []struct{ cmd, want string }{
		{"nosuch a", "ERR Invalid command specified"},
		{"get a b", "ERR Invalid number of arguments specified for command"},
		{"echo a", "ERR The command has no key arguments"},
	} {
		if got := describe(t, strings.Fields("COMMAND GETKEYS "+c.cmd)...); got.Str != c.want {
			t.Errorf("COMMAND GETKEYS %s: %q", c.cmd, got.Str)
		}
	}
	if help := describe(t, "COMMAND", "HELP"); len(help.Items) < 5 {
		t.Errorf("COMMAND HELP: %+v", help)
	}
}

// What a client sends can never be one of the operations that nodes log among themselves.
func TestNoCommandBeginsWithADot(t *testing.T) {
	table := command.New()
	for _, name := range []string{".boot", ".drop", ".watch", ".end", "."} {
		if s, err := table.Lookup(caucus.Command{name, "x"}); s != nil || err == nil {
			t.Errorf("Lookup(%s) finds %v", name, s)
		}
	}
	for _, s := range table.All() {
		if s.Name[0] == '.' {
			t.Errorf("row %s", s.Name)
		}
	}
}
