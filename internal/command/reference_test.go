package command_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/command"
)

var rewrite = flag.Bool("rewrite", false, "write docs/reference.md from the table")

const referencePage = "../../docs/reference.md"

// TestTheReferenceIsTheTable holds docs/reference.md against the table of commands.
func TestTheReferenceIsTheTable(t *testing.T) {
	want := reference()
	got, err := os.ReadFile(referencePage)
	switch {
	case *rewrite:
		if err := os.WriteFile(referencePage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	case err != nil:
		t.Fatal(err)
	case string(got) != want:
		t.Error("docs/reference.md is not what the table says: " +
			"go test ./internal/command -run Reference -rewrite")
	}
}

// chapters is the order in which the groups of commands are told, with what each is about. A group that is
// not here fails the test of the table.
var chapters = []struct{ group, title string }{
	{"session", "Sessions: the claim of a process to be alive"},
	{"group", "Groups: members, indexes, slots, leaders, messages"},
	{"vote", "Votes and actions"},
	{"lock", "Locks"},
	{"generic", "Keys"},
	{"string", "Strings"},
	{"hash", "Hashes"},
	{"list", "Lists"},
	{"set", "Sets"},
	{"sorted-set", "Sorted sets"},
	{"transactions", "Transactions"},
	{"pubsub", "Channels"},
	{"connection", "The connection"},
	{"server", "This node, and the ensemble"},
	{"cluster", "As a Redis Cluster"},
	{"sentinel", "As a Redis Sentinel"},
}

func reference() string {
	groups := map[string][]*command.Spec{}
	for _, row := range command.New().All() {
		groups[row.Group] = append(groups[row.Group], row)
	}
	var b strings.Builder
	b.WriteString(strings.ReplaceAll(referenceHead, "'", "`"))
	for _, c := range chapters {
		fmt.Fprintf(&b, "\n## %s\n\n| command | what it does | cost | |\n| --- | --- | --- | --- |\n", c.title)
		for _, row := range groups[c.group] {
			if !row.Helps() {
				fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n",
					said(row), cell(row.Summary), cell(row.Complexity), notes(row))
			}
		}
		delete(groups, c.group)
	}
	for group := range groups {
		fmt.Fprintf(&b, "\nThere is no chapter for the group %s.\n", group)
	}
	return b.String()
}

// referenceHead is the page above its tables; ' stands for a backquote.
const referenceHead = `# Reference

Every command, as the table in the code has it; this page is written from there. Any node takes any
command. 'COMMAND DOCS' gives the same to programs, and each family explains itself, as by 'GROUP HELP'.
What differs from Redis is in [redis.md](redis.md), what each means in [concepts.md](concepts.md).

In the last column, **w** goes through the log of the ensemble and is on a majority of disks before it is
answered; **r** is a linearizable read; **n** concerns the node alone that is asked; **c** the connection.
**!** may wait for its answer, **a** is for operators, and **–** may not stand in a transaction. Since which
version of Redis there is such a command, or that it is ours, 'COMMAND DOCS' says as well. Choices of words
are in capitals; '[ ]' may be left out.
`

// said gives the command as one writes it.
func said(s *command.Spec) string {
	name := strings.ToUpper(strings.ReplaceAll(s.Name, "|", " "))
	return cell(strings.TrimSpace(name + " " + s.Usage))
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

func notes(s *command.Spec) string {
	var marks []string
	switch {
	case s.Writes():
		marks = append(marks, "w")
	case s.Home == command.Machine:
		marks = append(marks, "r")
	case s.Home == command.Node:
		marks = append(marks, "n")
	default:
		marks = append(marks, "c")
	}
	for _, m := range []struct {
		flag command.Flags
		mark string
	}{{command.Blocking, "!"}, {command.Admin, "a"}, {command.NoMulti, "–"}} {
		if s.Has(m.flag) {
			marks = append(marks, m.mark)
		}
	}
	return strings.Join(marks, " ")
}

// TestEveryGroupHasAChapter fails for a family of commands that the reference would leave out.
func TestEveryGroupHasAChapter(t *testing.T) {
	if strings.Contains(reference(), "There is no chapter") {
		t.Error(reference()[strings.Index(reference(), "There is no chapter"):])
	}
}
