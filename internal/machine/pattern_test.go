package machine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
)

func TestPatternsAreShort(t *testing.T) {
	b := newBare(t)
	b.one("SADD", "s", "a")
	longest := strings.Repeat("?", 1024)
	for _, cmd := range []caucus.Command{
		{"KEYS", ""}, {"SCAN", "0", "MATCH", ""}, {"SSCAN", "s", "0", "MATCH", ""},
		{"CHANGES", "FROM", "1", "MATCH", ""}, {"GROUP", "LIST", "MATCH", ""},
	} {
		for pattern, refused := range map[string]bool{longest: false, longest + "?": true} {
			cmd[len(cmd)-1] = pattern
			r := b.m.Read(&entry.Op{Args: cmd}, 0, false, steps{})
			if got := refusedFor(r, "a pattern has 1024 bytes at most"); got != refused {
				t.Errorf("%s with a pattern of %d bytes answers %+v", cmd[0], len(pattern), r)
			}
		}
	}
}

// What it takes to look through names is counted (B13): KEYS refuses what a node would look at for too long,
// unless the beginning of the pattern says at once that a name is none; SCAN gives it in shorter steps.
func TestB13_PatternsDoNotTakeLong(t *testing.T) {
	b := newBare(t)
	name := strings.Repeat("n", 1<<20)
	for i := range 70 { // with 17 steps for each byte of a name
		b.one("SET", fmt.Sprint(name, i), "v")
	}
	slow := "?" + strings.Repeat("m", 1000) + "*"
	read := func(args ...string) caucus.Reply {
		return b.m.Read(&entry.Op{Args: args}, 0, false, steps{})
	}
	if r := read("KEYS", slow); !refusedFor(r, "use SCAN") {
		t.Errorf("KEYS answers %.80s, %d items", r.Str, len(r.Items))
	}
	if r := read("KEYS", "m"+slow); len(r.Items) != 0 || r.Kind != caucus.KindArray {
		t.Errorf("KEYS of names that begin otherwise answers %.80s", r.Str)
	}
	cursor := read("SCAN", "0", "COUNT", "1000", "MATCH", slow).Items[0].Str
	if r := read("SCAN", cursor, "COUNT", "1000", "MATCH", slow); cursor == "0" || r.Items[0].Str != "0" {
		t.Errorf("SCAN goes on at %s, and then at %s", cursor, r.Items[0].Str)
	}
	pipeline := make([]entry.Step, 3)
	for i := range pipeline {
		pipeline[i] = entry.Step{Op: &entry.Op{Args: caucus.Command{"SCAN", "0", "COUNT", "1000", "MATCH", slow}}}
	}
	if r := b.m.ReadAll(pipeline, 0, false, steps{}); !refusedFor(r[2].Reply, "TRYAGAIN") {
		t.Errorf("the third scan of a pipeline answers %.80s", r[2].Reply.Str)
	}
}
