package command_test

import (
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
)

func extended(t *testing.T, specs ...command.Spec) *command.Table {
	t.Helper()
	table, err := command.Extended(specs)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func custom(t *testing.T, name string, writes bool, least, most int) command.Spec {
	t.Helper()
	s, err := command.Custom(name, writes, least, most)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCustomNamesAndBounds(t *testing.T) {
	for _, name := range []string{"a", "App.Move-2_x", "0", "a.", "-", strings.Repeat("x", 32)} {
		if s, err := command.Custom(name, true, 0, 0); err != nil || s.Name != strings.ToLower(name) {
			t.Errorf("%q: %v, %v", name, s.Name, err)
		}
	}
	for _, name := range []string{"", ".a", "a|b", "a b", "é", "a\n", strings.Repeat("x", 33), "a/b", "a:b",
		"Post"} {
		if _, err := command.Custom(name, true, 0, 0); err == nil {
			t.Errorf("%q is taken", name)
		}
	}
	for _, b := range [][2]int{{-1, 0}, {2, 1}, {1, 0}, {-1, -1}} {
		if _, err := command.Custom("a", true, b[0], b[1]); err == nil {
			t.Errorf("from %d to %d arguments is taken", b[0], b[1])
		}
	}
}

func TestCustomArity(t *testing.T) {
	table := extended(t, custom(t, "none", true, 0, 0), custom(t, "two", true, 2, 2),
		custom(t, "some", false, 1, 3), custom(t, "any", false, 0, -1), custom(t, "Many", false, 2, -1))
	for line, fits := range map[string]bool{
		"none": true, "none a": false, "two a": false, "two a b": true, "TWO a b c": false, "some": false,
		"some a": true, "Some a b c": true, "some a b c d": false, "any": true, "any a b c d e f": true,
		"many a": false, "MANY a b": true, "many a b c d": true,
	} {
		words := strings.Fields(line)
		s, err := table.Lookup(words)
		want := "wrong number of arguments for '" + strings.ToLower(words[0]) + "' command"
		switch {
		case fits && (err != nil || s.Name != strings.ToLower(words[0])):
			t.Errorf("%s: %v, %v", line, s, err)
		case !fits && (err == nil || err.Message != want):
			t.Errorf("%s is answered %v", line, err)
		}
	}
}

func TestCustomCommandsAreNoOthers(t *testing.T) {
	for _, name := range []string{"get", "GROUP", "Multi", "command", "once"} {
		_, err := command.Extended([]command.Spec{custom(t, name, true, 0, 0)})
		if err == nil || !strings.Contains(err.Error(), strings.ToLower(name)) {
			t.Errorf("%s is taken: %v", name, err)
		}
	}
	twice := []command.Spec{custom(t, "app.a", true, 0, 0), custom(t, "App.A", false, 1, 1)}
	if _, err := command.Extended(twice); err == nil {
		t.Error("the same name is taken twice")
	}
}

func TestCustomCommandsAreListed(t *testing.T) {
	move := custom(t, "app.move", true, 2, 3)
	move.Usage, move.Summary = "from to [amount]", "Moves money"
	table := extended(t, move, custom(t, "app.sum", false, 0, -1))
	say := func(cmd ...string) caucus.Reply {
		s, err := table.Lookup(cmd)
		if err != nil {
			t.Fatal(err)
		}
		return table.Describe(s, cmd)
	}
	if was, is := describe(t, "COMMAND", "COUNT").Int, say("COMMAND", "COUNT").Int; is != was+2 {
		t.Errorf("COUNT went from %d to %d", was, is)
	}
	if got := say("COMMAND", "LIST", "FILTERBY", "PATTERN", "app.*"); len(got.Items) != 2 {
		t.Errorf("LIST: %+v", got)
	}
	info := say("COMMAND", "INFO", "App.Move", "app.sum", "app.nosuch")
	for i, want := range []struct {
		arity int64
		flags string
	}{{-3, "write denyoom"}, {-1, "readonly"}} {
		var flags []string
		for _, f := range info.Items[i].Items[2].Items {
			flags = append(flags, f.Str)
		}
		if got := strings.Join(flags, " "); info.Items[i].Items[1].Int != want.arity || got != want.flags {
			t.Errorf("INFO: %+v", info.Items[i])
		}
	}
	if !info.Items[2].IsNil() {
		t.Errorf("INFO: %+v", info.Items[2])
	}
	docs := say("COMMAND", "DOCS", "app.move", "app.sum")
	text := docs.Items[1]
	if text.Field("summary").Str != "Moves money" || text.Field("group").Str != command.CustomGroup ||
		len(text.Field("arguments").Items) != 3 || !text.Field("since").IsNil() {
		t.Errorf("DOCS: %+v", text)
	}
	if !docs.Items[3].Field("summary").IsNil() {
		t.Errorf("DOCS: %+v", docs.Items[3])
	}
}

func TestRowsKnowTheirPlaces(t *testing.T) {
	for _, table := range []*command.Table{command.New(), extended(t, custom(t, "a", true, 0, 0),
		custom(t, "get.more", false, 0, -1), custom(t, "zz", false, 1, 3))} {
		for i, s := range table.All() {
			if s.Place() != i {
				t.Errorf("%s, in place %d, takes itself for the one in %d", s.Name, i, s.Place())
			}
		}
	}
}
