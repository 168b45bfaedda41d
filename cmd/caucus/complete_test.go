package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/caucus-project/caucus/internal/tool"
)

func model(t *testing.T) *kong.Application {
	t.Helper()
	parser, err := parserOf(t.Context(), new(commandLine))
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model
}

func TestCandidates(t *testing.T) {
	app := model(t)
	for line, want := range map[string]string{
		"caucus st":                        "status",
		"caucus node ":                     "add list remove transfer",
		"caucus node re":                   "remove",
		"caucus status --w":                "--watch",
		"caucus lock --us":                 "--user",
		"caucus serve --peer-l":            "--peer-listen",
		"caucus serve --data x --password": "--password-file",
		"caucus serve --data ":             "", // a file
		"caucus completion ":               "bash fish zsh",
		"caucus join g -- ls --":           "",
		"caucus gu":                        "", // hidden
		"caucus nonsense --js":             "",
		"caucus status --addr st":          "",
	} {
		if got := strings.Join(candidates(app, line), " "); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
	all := candidates(app, "caucus ")
	if len(all) < 15 || strings.Contains(strings.Join(all, " "), "complete ") {
		t.Errorf("the verbs are %v", all)
	}
}

// The manual page has every verb and flag that is not hidden, and mandoc finds nothing wrong with it.
func TestManual(t *testing.T) {
	app := model(t)
	page := manual(app)
	for _, verb := range app.Leaves(true) {
		if !strings.Contains(page, ".SS \""+roff(verb.Path())) {
			t.Errorf("the page has no %s", verb.Path())
		}
		for _, flag := range verb.Flags {
			if !strings.Contains(page, `\fB\-\-`+roff(flag.Name)+`\fR`) && !flag.Hidden {
				t.Errorf("the page has no --%s", flag.Name)
			}
		}
	}
	tool.Need(t, "mandoc")
	lint := exec.Command("mandoc", "-T", "lint", "-W", "warning")
	lint.Stdin = strings.NewReader(page)
	said, _ := lint.CombinedOutput() // its status is that of the worst
	for line := range strings.Lines(string(said)) {
		if !strings.Contains(line, "missing date") { // so that the same source makes the same page
			t.Errorf("mandoc: %s", line)
		}
	}
}
