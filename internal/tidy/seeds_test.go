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

// seedTable is a page of docs that tells those who know another system what became of each of its names.
type seedTable struct {
	page, system string
	names        []string // each has a row
}

var seedTables = []seedTable{
	{"riaps.md", "RIAPS", riapsNames},
	{"pyraft.md", "pyraft", pyraftNames},
	{"qcluster.md", "QCluster", qclusterNames},
	{"bloc.md", "bloc", blocNames},
}

// blocNames are what bloc's page offers and admits.
var blocNames = []string{
	"GET /index", `{"status": "SETTLING"}`, "DELETE /session", "one group only", "-t", "-s", "-l tcp:8989",
	"indexes in the order of joining", "the session id", "every heartbeat is logged",
	"the server is a single point of failure",
	"no security", `"few hundred clients"`, "fixed buckets",
}

// riapsNames are what RIAPS' distributed coordination shows to its components.
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

// pyraftNames are what pyraft's page, its commands and its examples offer.
var pyraftNames = []string{
	"-a IP:PORT", "-i NODE_ID", "-e", "NID/IP:PORT", "PORT + 1", "python3 -m pyraft.run_raft",
	"without `-e", "one address", "dynamic", "RESP, from telnet", "get", "set", "del", "expire",
	"expireat", "pexpire", "pexpireat", "hset", "hget", "hgetall", "hdel", "hlen", "lpush", "rpush",
	"lpop", "rpop", "lrange", "lindex", "llen", "lset", "lrem", "ltrim", "reads", "writes", "info",
	"nid", "state", "term", "index", "peers", "last_checkpoint", "shutdown", "quit",
	"add_node NID ADDR", "del_node NID", "checkpoint [NAME]", "getdump", "getlog [START [END]]",
	"raft_NODENAME_INDEX.log", "raft_NODENAME_TIMESTAMP_INDEX.dat", "CONF_LOG_MAX", "-l FILE",
	"other nodes", "snapshots that people can read", "handler[name]", "r", "w", "e", "min and max",
	"node.data", "on_leader", "on_follower", "on_candidate", "on_start", "on_shutdown", "propose",
	"make_default_node", "node.start", "node.join", "node.state", "shutdown_flag",
	"inheriting RaftNode", "URL checker", "session checker", "ping monitor",
}

// qclusterNames are what QCluster's page offers and promises.
var qclusterNames = []string{
	"identifier", "listen_host", "listen_port", "peers", "host", "port", "metadata",
	"QCluster(**configuration)", "no bootstrap", "is_leader()", "get_leader_info()", "None",
	"Peer.host", "Peer.port", "Peer.identifier", "Peer.metadata", "Bare Minimum", "redirecting",
	"fail-over", "replication", "runs in a master-less environment", "master-minion",
	"self registration", "nodes that are spun up on demand", "built in metrics", "Api access",
	"client SDKs", "lightweight",
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
	return regexp.MustCompile("(^|`)" + regexp.QuoteMeta(thing) + `(\W|$)`).MatchString(cell)
}

// wrongIn finds what is missing in the tables of a page, and what they name as proof and is not there.
func (p seedTable) wrongIn(text string, there shownIn) (wrong []string) {
	rows := rowsOf(text)
	cells := slices.Collect(maps.Keys(rows))
	for _, name := range p.names {
		if !slices.ContainsFunc(cells, func(cell string) bool { return cites(cell, name) }) {
			wrong = append(wrong, fmt.Sprintf("no row for %q", name))
		}
	}
	for cell, rest := range rows {
		if cell == p.system {
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

func TestDocsHaveARowForAllOfTheSeeds(t *testing.T) {
	there := proofsThere(t)
	for _, p := range seedTables {
		for _, what := range p.wrongIn(pageOf(t, p), there) {
			t.Errorf("docs/%s: %s", p.page, what)
		}
	}
}

func pageOf(t *testing.T, p seedTable) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/" + p.page)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestSeedTablesFindWhatIsMissing(t *testing.T) {
	there := proofsThere(t)
	riaps, pyraft, qcluster := seedTables[0], seedTables[1], seedTables[2]
	for _, c := range []struct {
		page           seedTable
		old, new, want string
	}{
		{riaps, "`getLeaderId`", "`getLeader`", `no row for "getLeaderId"`},
		{riaps, "| `handleVoteResult` |", "| `handleVoteresult` |", `no row for "handleVoteResult"`},
		{riaps, "| quorum of", "| majority of", `no row for "quorum"`},
		{riaps, "`send`, ", "", `no row for "send"`},
		{riaps, "| kind `coordinated` |", "| kind |", "no row for \"kind `coordinated\""},
		{riaps, "`.` TestGroupNames", "", "the last of which must name a test"},
		{riaps, "TestGroupNames", "TestGroupsNames",
			`the row "identifiers" names . TestGroupsNames, which is not there`},
		{riaps, "`.` TestGroupNames", "`client` TestGroupNames", "names client TestGroupNames, which is not there"},
		{riaps, "(`conflicts.txt`)", "(`conflict.txt`)",
			"names internal/machine conflict.txt, which is not there"},
		{pyraft, "(`lists.txt`)", "(`list.txt`)", "names tests/doors list.txt, which is not there"},
		{pyraft, "`getdump`", "`dump`", `no row for "getdump"`},
		{qcluster, "| `is_leader()`", "| `leads()`", `no row for "is_leader()"`},
	} {
		text := pageOf(t, c.page)
		changed := strings.Replace(text, c.old, c.new, 1)
		wrong := c.page.wrongIn(changed, there)
		if changed == text || len(wrong) != 1 || !strings.Contains(wrong[0], c.want) {
			t.Errorf("%q in place of %q: %q, want %q", c.new, c.old, wrong, c.want)
		}
	}
}
