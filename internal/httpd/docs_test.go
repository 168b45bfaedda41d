package httpd_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/httpd"
	"github.com/caucus-project/caucus/internal/nodetest"
)

const manual = "../../docs/http.md"

// passing are the parts of answers that need not be the same every time: times, and what the ensemble's
// counter gives.
var passing = regexp.MustCompile(`"(time_us|term|epoch|version|poll|revision)":(\d+)`)

// spoken are the ways in which later requests speak of them.
var spoken = map[string]string{"term": "?term=", "poll": "/votes/", "revision": `If-Match: "`}

// The examples of the manual are what a node answers, one after the other.
func TestTheManualIsTrue(t *testing.T) {
	page, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	s := ofNode(t, nodetest.InProcess(t, 1, nil)[0])
	id := regexp.MustCompile(`[0-9a-f]{32}`)
	written, real := id.FindString(string(page)), ""
	actual := []string{} // what the page says, and what a node said in its place
	examples := 0
	console := regexp.MustCompile("(?s)```console\n(.*?)```")
	for _, block := range console.FindAllStringSubmatch(string(page), -1) {
		lines := strings.Split(strings.TrimSpace(block[1]), "\n")
		for pair := range slices.Chunk(lines, 2) {
			examples++
			a := s.curl(strings.NewReplacer(append(actual, written, real)...).Replace(pair[0]))
			if real == "" {
				real = id.FindString(a.body)
			}
			got := passing.ReplaceAllString(strings.ReplaceAll(a.body, real, written), "$1")
			said := passing.FindAllStringSubmatch(a.body, -1)
			for i, m := range passing.FindAllStringSubmatch(pair[1], len(said)) {
				if way := spoken[m[1]]; way != "" {
					actual = append(actual, way+m[2], way+said[i][2])
				}
			}
			if want := passing.ReplaceAllString(pair[1], "$1"); got != want || a.status != 200 {
				t.Errorf("%s\nanswers %d %s\nnot     %s", pair[0], a.status, got, want)
			}
		}
	}
	if examples < 10 {
		t.Errorf("%d examples were found", examples)
	}
}

// The manual shows the ensemble with the names, in the order, in which a node does.
func TestTheManualShowsTheStatus(t *testing.T) {
	page, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	s := ofNode(t, nodetest.InProcess(t, 1, nil)[0])
	names := regexp.MustCompile(`"(\w+)":`)
	_, written, _ := strings.Cut(string(page), "```json\n")
	written, _, _ = strings.Cut(written, "```")
	nodetest.Eventually(t, "the nodes are a group", func() bool { return s.size("nodes") == 1 })
	want := names.FindAllString(s.ask("GET", "/v1/status").body, -1)
	if got := names.FindAllString(written, -1); !slices.Equal(got, want) {
		t.Errorf("the manual shows %q, a node %q", got, want)
	}
}

// curl does what an example says.
func (s *stage) curl(line string) answer {
	s.t.Helper()
	words := regexp.MustCompile(`'[^']*'|\S+`).FindAllString(strings.TrimPrefix(line, "$ curl "), -1)
	method, path, body, headers := "GET", "", "", []string{}
	for i := 0; i < len(words); i++ {
		word := strings.Trim(words[i], "'")
		if strings.HasPrefix(word, "-") {
			i++
		}
		switch value := strings.Trim(words[i], "'"); word {
		case "-X":
			method = value
		case "-d":
			body = value
		case "-H":
			name, text, _ := strings.Cut(value, ": ")
			headers = append(headers, name, text)
		default:
			_, path, _ = strings.Cut(word, "/")
		}
	}
	return s.say(method, "/"+path, body, headers...)
}

// Every route stands in the manual with what it takes, and nothing else does.
func TestTheManualNamesEveryRoute(t *testing.T) {
	page, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "| route | methods |\n| --- | --- |\n")
	said := map[string][]string{}
	for row := range strings.Lines(table) {
		cells := strings.Split(row, "|")
		for _, method := range strings.Split(cells[2], ";") {
			words := strings.Fields(strings.ReplaceAll(method, "`", ""))
			said[fmt.Sprint(words[0], " ", strings.Trim(cells[1], " `"))] = words[1:]
		}
	}
	takes := httpd.Takes()
	for r, fields := range takes {
		if got, ok := said[r]; !ok || !slices.Equal(got, fields) {
			t.Errorf("of %s the manual says %q, it takes %q", r, got, fields)
		}
	}
	for r := range said {
		if _, ok := takes[r]; !ok {
			t.Errorf("the manual names %s, which is not there", r)
		}
	}
}
