package doors

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/glob"
	"github.com/caucus-project/caucus/internal/nodetest"
)

// A script is lines
//
//	client@node: COMMAND ... => REPLY
//
// The client and the node (1, 2 or 3) may be left out: then it is the same as in the line before,
// at first "a" on node 1. A client stays on its first node. REPLY is the scalars of the reply with
// "|" between them, each a pattern as for KEYS; "..." at the end stands for any further. "$name"
// alone takes the scalar and is it from then on. "~" in front of the reply looks for its scalars in
// any order, as for a map. "until" in front of a line tries again until the reply is as it should
// be. "%" stands for a prefix of the test's own.

// play plays a script with one kind of client.
func play(t *testing.T, c *nodetest.Cluster, d dialer, path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimSuffix(filepath.Base(path), ".txt")
	p := &player{t: t, c: c, d: d, known: map[string]string{}, speakers: map[string]speaker{}, who: "a", node: 1,
		prefix: name + "-" + d.name + "."}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			p.line(fmt.Sprintf("%s:%d", filepath.Base(path), n), line)
		}
	}
}

type player struct {
	t        *testing.T
	c        *nodetest.Cluster
	d        dialer
	prefix   string
	known    map[string]string
	speakers map[string]speaker
	who      string
	node     int
}

func (p *player) line(at, line string) {
	p.t.Helper()
	line, again := strings.CutPrefix(strings.ReplaceAll(line, "%", p.prefix), "until ")
	said, want, ok := strings.Cut(line, " => ")
	if !ok {
		p.t.Fatalf("%s: %q lacks its reply", at, line)
	}
	words := p.address(strings.Fields(said))
	for i, w := range words {
		if v, ok := p.known[w]; ok {
			words[i] = v
		} else if w == `""` {
			words[i] = ""
		}
	}
	speaker := p.speaker()
	var got []string
	tried := func() bool {
		var err error
		if got, err = speaker.say(words); err != nil {
			p.t.Fatalf("%s: %v: %v", at, words, err)
		}
		return p.matches(got, want)
	}
	if again {
		nodetest.Eventually(p.t, at+": "+line, tried)
	} else if !tried() {
		p.t.Errorf("%s: %s\n got %q\nwant %s", at, said, got, want)
	}
}

// address reads who says it, and where.
func (p *player) address(words []string) []string {
	who, ok := strings.CutSuffix(words[0], ":")
	if !ok {
		return words
	}
	who, node, ok := strings.Cut(who, "@")
	p.who = who
	if ok {
		p.node = int(node[0] - '0')
	}
	return words[1:]
}

func (p *player) speaker() speaker {
	if p.speakers[p.who] == nil {
		p.speakers[p.who] = p.d.dial(p.t, p.c.Addr(p.node-1))
	}
	return p.speakers[p.who]
}

func (p *player) matches(got []string, want string) bool {
	list, anyOrder := strings.CutPrefix(want, "~")
	patterns := strings.Split(list, "|")
	if anyOrder {
		return !slices.ContainsFunc(patterns, func(pattern string) bool {
			return !slices.ContainsFunc(got, func(s string) bool { return p.fits(pattern, s) })
		})
	}
	if patterns[0] == "EMPTY" {
		return len(got) == 0
	}
	if last := len(patterns) - 1; patterns[last] == "..." {
		patterns = patterns[:last]
		got = got[:min(len(got), last)]
	}
	return slices.EqualFunc(got, patterns, func(s, pattern string) bool { return p.fits(pattern, s) })
}

func (p *player) fits(pattern, s string) bool {
	if strings.HasPrefix(pattern, "$") {
		if _, ok := p.known[pattern]; !ok {
			p.known[pattern] = s
		}
		return p.known[pattern] == s
	}
	return pattern == s || glob.Match(pattern, s)
}
