package machine_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/machine"
)

// FuzzCommands has clients say any commands, a line each as stories have them, and time pass. It proves that
// each is answered, an error by a word and a message, and that the state that comes of it is in its snapshot:
// loaded and saved again it is the same.
func FuzzCommands(f *testing.F) {
	stories, err := filepath.Glob("testdata/stories/*.txt")
	if err != nil || len(stories) == 0 {
		f.Fatal("no stories", err)
	}
	for _, path := range stories {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(said(string(text)))
	}
	f.Add("a: SET k v PXAT 9223372036854775807\na: EXPIRE k 9223372036854775807" +
		"\na: INCRBY n -9223372036854775808")
	f.Add("a: SETRANGE k 536870912 x\na: GETRANGE k -9223372036854775808 9223372036854775807" +
		"\na: INCRBYFLOAT f 1e400")
	f.Add("a: SCAN 18446744073709551615 COUNT 9223372036854775807 MATCH [\na: CHANGES FROM 9223372036854775807")
	f.Fuzz(func(t *testing.T, script string) {
		b := newBare(t)
		for i, line := range strings.SplitN(script, "\n", 61) {
			if i < 60 {
				b.say(line)
			}
		}
		first := saved(t, b.m.View())
		again, err := machine.Load(bytes.NewReader(first))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(saved(t, again.View()), first) {
			t.Error("what was saved and loaded is saved otherwise")
		}
	})
}

// said gives the lines of a story that clients say.
func said(story string) string {
	var lines []string
	for block := range strings.SplitSeq(story, "\n\n") {
		block, _, _ = strings.Cut(block, "\n----")
		lines = append(lines, strings.Split(block, "\n")...)
	}
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool {
		return line == "" || strings.HasPrefix(line, "#")
	}), "\n")
}

// say carries out a line of a story, if it is one that talk would let through to the machine.
func (b *bare) say(line string) {
	if at, ok := strings.CutPrefix(line, "at "); ok {
		if to, err := strconv.ParseUint(at, 10, 32); err == nil && int64(to) > b.now {
			b.Advance(min(int64(to), b.now+3_600_000))
		}
		return
	}
	name, text, _ := strings.Cut(line, ":")
	cmd := caucus.Command(strings.Fields(text))
	if name == "" || len(cmd) == 0 || !b.lets(cmd) {
		return
	}
	if r := b.Do(name, cmd); r.Kind == caucus.KindError {
		if err := caucus.ParseError(r.Str); err.Word == "" || err.Message == "" {
			b.t.Errorf("%q is answered %q", line, r.Str)
		}
	}
}

// lets says whether a command reaches the machine.
func (b *bare) lets(cmd caucus.Command) bool {
	spec, err := b.table.Lookup(cmd)
	switch {
	case err != nil, strings.EqualFold(cmd[0], "lock") && slices.ContainsFunc(cmd, isWait):
		return false
	case spec.Name == "once":
		inner, err := b.table.Lookup(cmd[2:])
		return err == nil && inner.Home == command.Machine && inner.Writes() &&
			!strings.HasPrefix(inner.Name, "session|") && inner.Name != "lock|acquire"
	}
	return spec.Home == command.Machine || spec.Name == "multi" || spec.Name == "exec"
}

func isWait(word string) bool { return strings.EqualFold(word, "wait") }
