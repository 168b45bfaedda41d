package differential

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
)

var rewrite = flag.Bool("rewrite", false, "write what differs from Redis into docs/redis.md")

// TestNothingOfRedisIsForgotten asks Redis for its commands: each is here, or it is listed why not.
func TestNothingOfRedisIsForgotten(t *testing.T) {
	replies, err := theirs(t).say([]caucus.Command{{"COMMAND", "LIST"}})
	if err != nil {
		t.Fatal(err)
	}
	table := command.New()
	for _, item := range parse(replies[0]).Items {
		container, _, _ := strings.Cut(item.Str, "|")
		if !table.Has(item.Str) && !slices.ContainsFunc(command.Absences(), func(a command.Absence) bool {
			return slices.Contains(a.Commands, container) || slices.Contains(a.Commands, item.Str)
		}) {
			t.Errorf("%s is not here, and no reason is listed", item.Str)
		}
	}
}

// The file, and the lines between which the tables stand in it.
const (
	redisDocs  = "../../docs/redis.md"
	tablesFrom = "<!-- what follows is written by: " +
		"go test ./tests/differential -run TestDocsTellWhatDiffers -rewrite -->\n"
	tablesTo = "<!-- up to here -->\n"
)

// TestDocsTellWhatDiffers holds the tables in the docs against the reasons in the code.
func TestDocsTellWhatDiffers(t *testing.T) {
	text, err := os.ReadFile(redisDocs)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), tablesFrom)
	old, after, closed := strings.Cut(rest, tablesTo)
	if !ok || !closed {
		t.Fatal("docs/redis.md has no place for the tables")
	}
	switch now := tables(); {
	case now == old:
	case *rewrite:
		if err := os.WriteFile(redisDocs, []byte(before+tablesFrom+now+tablesTo+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Error("docs/redis.md is not what the code says; write it anew by -rewrite")
	}
}

func tables() string {
	var b strings.Builder
	b.WriteString(allCommands())
	b.WriteString("\n| answers of | differ, because |\n| --- | --- |\n")
	for _, d := range command.Differences() {
		fmt.Fprintf(&b, "| %s | %s |\n", names(d.Commands), d.Why)
	}
	b.WriteString("\n| not here | why |\n| --- | --- |\n")
	for _, a := range command.Absences() {
		fmt.Fprintf(&b, "| %s | %s |\n", names(a.Commands), a.Why)
	}
	return b.String() + "\n"
}

// allCommands lists what there is, group by group in the words of COMMAND DOCS.
func allCommands() string {
	groups := map[string][]string{}
	for _, row := range command.New().All() {
		groups[row.Group] = append(groups[row.Group], row.Name)
	}
	var b strings.Builder
	b.WriteString("\n| group | commands |\n| --- | --- |\n")
	for _, group := range slices.Sorted(maps.Keys(groups)) {
		fmt.Fprintf(&b, "| %s | %s |\n", group, names(groups[group]))
	}
	return b.String()
}

func names(rows []string) string {
	said := make([]string, len(rows))
	for i, row := range rows {
		said[i] = "`" + strings.ToUpper(strings.ReplaceAll(strings.ReplaceAll(row, "*|help", "... help"), "|",
			" ")) + "`"
	}
	return strings.Join(said, ", ")
}
