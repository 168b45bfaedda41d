package tidy

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// riapsNames are what RIAPS' distributed coordination shows to its components. Each has a row in
// docs/riaps.md.
var riapsNames = []string{
	"joinGroup", "joinGroup` a second time", "leaveGroup", "leave", "getGroup", "groupName", "groupMinSize",
	"identifiers", "kind `default", "kind `coordinated", "kind `timed", "getGroupName", "getGroupId",
	"groupSize", "isLeader", "hasLeader", "getLeaderId",
	"send", "send_pyobj", "sendToLeader", "sendToLeader_pyobj", "sendToMember", "sendToMember_pyobj",
	"the last sender as default identity", "leader calls on a group without coordination", "recv", "recv_pyobj",
	"requestVote", "requestVote_pyobj", "sendVote", "sendActionVote", "yes", "no", "timeout", "majority",
	"consensus", "requestActionVote", "requestActionVote_pyobj",
	"handleGroupMessage", "handleMessageToLeader", "handleMessageFromLeader", "handleVoteRequest",
	"handleActionVoteRequest", "handleVoteResult", "handleMemberJoined", "handleMemberLeft",
	"handleLeaderElected", "handleLeaderExited",
	"heartbeat` 1000", "electionMin` 1500", "electionMax` 2000", "peerTimeout` 3000", "consensusTimeout` 1500",
	"heartbeat < electionMin < electionMax < peerTimeout", "consensusTimeout < electionMax", "leader election",
	"quorum",
}

// shownIn are the things that a table of docs can name as its proof: tests, by the room in which they stand,
// and golden stories.
type shownIn struct {
	tests   map[string]bool // "tests TestX"
	stories map[string]bool // "internal/machine x.txt"
}

var (
	roomNamed  = regexp.MustCompile("^ ?`([a-z/.]+)` Test")
	testNamed  = regexp.MustCompile(`Test\w+`)
	storyNamed = regexp.MustCompile(`\w+\.txt`)
)

// rowsOf gives the rows of a document's tables by their first cell.
func rowsOf(text string) map[string][]string {
	rows := map[string][]string{}
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "| ---") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		rows[strings.TrimSpace(cells[0])] = cells[1:]
	}
	return rows
}

// cites says whether the first cell of a row names a thing: as code, or as the words with which the cell
// begins.
func cites(cell, thing string) bool {
	return regexp.MustCompile("(^|`)" + regexp.QuoteMeta(thing) + `\b`).MatchString(cell)
}

// riapsTable finds what is missing in the table, and what it names as proof and is not there.
func riapsTable(text string, there shownIn) (wrong []string) {
	rows := rowsOf(text)
	cells := slices.Collect(maps.Keys(rows))
	for _, name := range riapsNames {
		if !slices.ContainsFunc(cells, func(cell string) bool { return cites(cell, name) }) {
			wrong = append(wrong, fmt.Sprintf("no row for %q", name))
		}
	}
	for cell, rest := range rows {
		if cell == "RIAPS" {
			continue
		}
		if len(rest) != 3 || !testNamed.MatchString(rest[2]) {
			wrong = append(wrong, fmt.Sprintf("the row %q has %d cells behind it, the last of which must name a test",
				cell, len(rest)))
			continue
		}
		for _, missing := range proofs(rest[2], there) {
			wrong = append(wrong, fmt.Sprintf("the row %q names %s, which is not there", cell, missing))
		}
	}
	slices.Sort(wrong)
	return wrong
}

// proofs gives those of a cell that are not there. A room holds for the tests behind it, up to the next.
func proofs(cell string, there shownIn) (missing []string) {
	room := ""
	for part := range strings.SplitSeq(cell, ",") {
		if m := roomNamed.FindStringSubmatch(part); m != nil {
			room = m[1]
		}
		for _, name := range testNamed.FindAllString(part, -1) {
			if !there.tests[room+" "+name] {
				missing = append(missing, room+" "+name)
			}
		}
		for _, name := range storyNamed.FindAllString(part, -1) {
			if !there.stories[room+" "+name] {
				missing = append(missing, room+" "+name)
			}
		}
	}
	return missing
}

// proofsThere lists the tests of the tree, and its stories and scripts.
func proofsThere(t *testing.T) shownIn {
	there := shownIn{map[string]bool{}, map[string]bool{}}
	for _, s := range tree(t) {
		if s.test {
			for _, name := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(s.text, -1) {
				there.tests[s.room+" "+name[1]] = true
			}
		}
	}
	for _, at := range []string{"internal/machine/testdata/stories", "tests/doors/testdata"} {
		files, err := filepath.Glob(filepath.Join("..", "..", at, "*.txt"))
		if err != nil {
			t.Fatal(err)
		}
		room, _, _ := strings.Cut(at, "/testdata")
		for _, file := range files {
			there.stories[room+" "+filepath.Base(file)] = true
		}
	}
	return there
}

func TestDocsHaveARowForAllOfRIAPS(t *testing.T) {
	text, err := os.ReadFile("../../docs/riaps.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range riapsTable(string(text), proofsThere(t)) {
		t.Error("docs/riaps.md: ", what)
	}
}

func TestRIAPSTableFindsWhatIsMissing(t *testing.T) {
	text, err := os.ReadFile("../../docs/riaps.md")
	if err != nil {
		t.Fatal(err)
	}
	there := proofsThere(t)
	for _, c := range []struct{ old, new, want string }{
		{"`getLeaderId`", "`getLeader`", `no row for "getLeaderId"`},
		{"| `handleVoteResult` |", "| handleVoteresult |", `no row for "handleVoteResult"`},
		{"| quorum of", "| majority of", `no row for "quorum"`},
		{"`send`, ", "", `no row for "send"`},
		{"| kind `coordinated` |", "| kind |", "no row for \"kind `coordinated\""},
		{"`.` TestGroupNames", "", "the last of which must name a test"},
		{"TestGroupNames", "TestGroupsNames", `the row "identifiers" names . TestGroupsNames, which is not there`},
		{"`.` TestGroupNames", "`client` TestGroupNames", "names client TestGroupNames, which is not there"},
		{"(`conflicts.txt`)", "(`conflict.txt`)", "names internal/machine conflict.txt, which is not there"},
	} {
		changed := strings.Replace(string(text), c.old, c.new, 1)
		wrong := riapsTable(changed, there)
		if changed == string(text) || len(wrong) != 1 || !strings.Contains(wrong[0], c.want) {
			t.Errorf("%q in place of %q: %q, want %q", c.new, c.old, wrong, c.want)
		}
	}
}
