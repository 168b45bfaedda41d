package machine_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/machine"
)

// eventLine is an event in a story: its group, life and seq, then its kind and fields.
var eventLine = regexp.MustCompile(`^   \S+/l\d+ \+\d+ (\w+)((?: \w+=(?:"(?:[^"\\]|\\.)*"|\S+))*)$`)

// fieldsOf gives the names of fields, without what says that a value is in base64.
func fieldsOf(text string, name *regexp.Regexp) string {
	var names []string
	for _, m := range name.FindAllStringSubmatch(text, -1) {
		names = append(names, strings.TrimSuffix(m[1], "_b64"))
	}
	return strings.Join(names, " ")
}

// The table of docs/events.md has every kind of event with its fields, in their order, and no other.
func TestTheTableOfEventsIsTrue(t *testing.T) {
	seen := map[string][]string{}
	stories, err := filepath.Glob("testdata/stories/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stories {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if m := eventLine.FindStringSubmatch(strings.TrimSuffix(line, "\n")); m != nil {
				fields := fieldsOf(m[2], regexp.MustCompile(` (\w+)=`))
				if !slices.Contains(seen[m[1]], fields) {
					seen[m[1]] = append(seen[m[1]], fields)
				}
			}
		}
	}
	plain := (&machine.Message{Group: "g", Payload: "p"}).Event(1)
	_, plain, _ = strings.Cut(regexp.MustCompile(`"time":\d+,`).ReplaceAllString(plain, ""), `"life":`)
	seen["message"] = append(seen["message"], fieldsOf(plain, regexp.MustCompile(`"(\w+)":`)))
	page, err := os.ReadFile("../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "| event | fields |\n| --- | --- |\n")
	for row := range strings.Lines(table) {
		cells := strings.Split(row, "|")
		kind := strings.Trim(cells[1], " `")
		var said []string
		for form := range strings.SplitSeq(cells[2], ";") {
			said = append(said, fieldsOf(form, regexp.MustCompile("`(\\w+)`")))
		}
		if got := seen[kind]; !slices.Equal(got, said) {
			t.Errorf("events of kind %s have the fields %q, the page says %q", kind, got, said)
		}
		delete(seen, kind)
	}
	for kind := range seen {
		t.Errorf("the page does not tell of %s", kind)
	}
}
