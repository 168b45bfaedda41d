//go:build linux

package tests

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/tool"
)

// TestRecipesWork types what docs/recipes.md says, at one node.
func TestRecipesWork(t *testing.T) {
	tool.Need(t, "redis-cli")
	c := nodetest.Start(t, 1)
	play(t, "../docs/recipes.md", typist(t, c.Addr(0)))
}

var (
	blanks = regexp.MustCompile(` +|\n+$`)
	// What redis-cli adds to an answer that took it more than half a second.
	took = regexp.MustCompile(`(?m)^\(\d+\.\d\ds\)\n+`)
)

// played is a command on a page, and what the page says that it prints.
type played struct{ command, prints string }

// consoles reads the blocks of a page that show a console: "$ " begins a command, "> " goes on with it.
func consoles(t *testing.T, path string) (all []played) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```console\n(.*?)^```$").FindAllStringSubmatch(string(text), -1)
	for _, block := range blocks {
		for line := range strings.Lines(block[1]) {
			switch {
			case strings.HasPrefix(line, "$ "):
				all = append(all, played{command: line[2:]})
			case len(all) == 0:
				t.Fatalf("a block begins with no command: %s", line)
			case strings.HasPrefix(line, "> "):
				all[len(all)-1].command += line[2:]
			default:
				all[len(all)-1].prints += line
			}
		}
	}
	if len(all) == 0 {
		t.Fatalf("%s shows no console", path)
	}
	return all
}

// typist gives a way to have a command carried out by a shell in which caucus and redis-cli find the node.
func typist(t *testing.T, addr string) func(command string) string {
	t.Helper()
	real, err := exec.LookPath("redis-cli")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(addr)
	bin, dir := t.TempDir(), t.TempDir()
	shim := fmt.Sprintf("#!/bin/sh\nexec %s -p %s --no-raw \"$@\"\n", real, port)
	if err := os.WriteFile(filepath.Join(bin, "redis-cli"), []byte(shim), 0o755); err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "CAUCUS_ADDR="+addr,
		"PATH="+bin+":"+filepath.Dir(nodetest.Binary(t))+":"+os.Getenv("PATH"))
	return func(command string) string {
		cmd := nodetest.Command(t, "sh", "-c", command)
		cmd.Dir, cmd.Env = dir, env
		out, err := cmd.CombinedOutput()
		if err != nil && cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return string(out)
	}
}

// play carries out what a page shows and compares what is printed; "…" stands for anything on its line, and
// how many blanks stand between the columns of a table does not matter.
func play(t *testing.T, path string, run func(command string) string) {
	t.Helper()
	for _, p := range consoles(t, path) {
		want := strings.ReplaceAll(regexp.QuoteMeta(blanks.ReplaceAllString(p.prints, " ")), "…", ".*")
		got := took.ReplaceAllString(run(p.command), "")
		if !regexp.MustCompile("^" + want + "$").MatchString(blanks.ReplaceAllString(got, " ")) {
			t.Errorf("%s: %s prints\n%s\nand not\n%s", path, p.command, got, p.prints)
		}
	}
}
