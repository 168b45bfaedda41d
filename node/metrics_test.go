package node_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/node"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// scrape reads a node's metrics as Prometheus does.
func scrape(t *testing.T, n *node.Node) map[string]*dto.MetricFamily {
	t.Helper()
	_, _, addr := n.Addresses()
	answer, err := http.Get("http://" + addr + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return families(t, answer.StatusCode, answer.Body)
}

// families reads what a scrape has brought.
func families(t *testing.T, status int, text io.Reader) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	all, err := parser.TextToMetricFamilies(text)
	if err != nil || status != http.StatusOK {
		t.Fatal(status, err)
	}
	return all
}

// value gives a metric, or the sum of those that have the label's value; a histogram's is its count.
func value(t *testing.T, all map[string]*dto.MetricFamily, name string, label ...string) (sum float64) {
	t.Helper()
	family, found := all[name]
	if !found {
		t.Errorf("%s is not told", name)
		return 0
	}
	for _, m := range family.Metric {
		if len(label) == 2 && !has(m, label[0], label[1]) {
			continue
		}
		sum += m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
	}
	return sum
}

func has(m *dto.Metric, name, value string) bool {
	for _, l := range m.Label {
		if l.GetName() == name && l.GetValue() == value {
			return true
		}
	}
	return false
}

// What happens shows: each of these metrics rises, or is, by what is done between two scrapes.
func TestMetricsMove(t *testing.T) {
	nodes := nodetest.InProcess(t, 2, func(_ int, c *node.Config) { c.Settle = -1 })
	n := nodes[0]
	line, err := nodetest.Dial(address(n))
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	var before map[string]*dto.MetricFamily
	nodetest.Eventually(t, "both nodes are members, and nothing else is under way", func() bool {
		before = scrape(t, n)
		return value(t, before, "caucus_members") == 2 && value(t, before, "caucus_sessions") == 2 &&
			value(t, before, "caucus_groups_settling") == 0
	})
	for _, words := range [][]string{{"SET", "a", "1"}, {"SET", "b", "2", "PX", "1"}, {"INCR", "nothing"},
		{"GET", "a"}, {"NOSUCH"}, {"LPUSHX"}, {"GROUP", "CREATE", "g", "MIN", "2"}, {"GROUP", "JOIN", "g"},
		{"GROUP", "JOIN", "v"}, {"VOTE", "CALL", "v", "what", "TIMEOUT", "3600000"},
		{"SESSION", "OPEN"}, {"SESSION", "CLOSE"}, {"CHECKPOINT"}, {"READONLY"}, {"GET", "a"}} {
		if _, err := line.Do(words...); err != nil {
			t.Fatal(err)
		}
	}
	nodetest.Eventually(t, "the key is gone", func() bool {
		return value(t, scrape(t, n), "caucus_keys_with_ttl") == 0
	})
	expected := []risen{
		{"caucus_commit_index", "", "", 5}, {"caucus_applied_index", "", "", 5},
		{"caucus_fsync_seconds", "", "", 3}, {"caucus_fsync_writes", "", "", 3},
		{"caucus_request_seconds", "way", "write", 5}, {"caucus_request_seconds", "way", "read", 1},
		{"caucus_request_seconds", "way", "local", 1},
		{"caucus_disk_syncs_total", "", "", 3}, {"caucus_disk_written_bytes_total", "", "", 100},
		{"caucus_snapshots_total", "", "", 1}, {"caucus_snapshot_index", "", "", 1},
		{"caucus_session_ends_total", "reason", "closed", 1}, {"caucus_sessions", "", "", 1},
		{"caucus_groups", "", "", 1}, {"caucus_groups_settling", "", "", 1}, {"caucus_members", "", "", 2},
		{"caucus_polls_open", "", "", 1},
		{"caucus_keys", "", "", 2}, {"caucus_memory_bytes", "", "", 100}, {"caucus_keys_expired_total", "", "", 1},
		{"caucus_commands_total", "family", "string", 5}, {"caucus_commands_total", "outcome", "ok", 9},
		{"caucus_refusals_total", "word", "ERR", 2}, {"caucus_commands_waited_seconds_total", "", "", 1e-6},
		{"caucus_client_read_bytes_total", "door", "resp", 100},
		{"caucus_client_read_bytes_total", "door", "http", 50},
		{"caucus_client_written_bytes_total", "door", "resp", 20},
		{"caucus_client_written_bytes_total", "door", "http", 1000},
		{"caucus_http_responses_total", "code", "200", 1},
	}
	var short []string // the readings of one scrape may be of different moments, a heartbeat apart
	defer func() {
		for _, what := range short {
			t.Log(what)
		}
	}()
	nodetest.Eventually(t, "all have risen", func() bool {
		short = nil
		after := scrape(t, n)
		for _, r := range expected {
			if what := r.missing(t, before, after); what != "" {
				short = append(short, what)
			}
		}
		return len(short) == 0
	})
}

// risen is a reading that must have risen by so much at least.
type risen struct {
	name, label, is string
	atLeast         float64
}

func (r risen) missing(t *testing.T, before, after map[string]*dto.MetricFamily) string {
	var label []string
	if r.label != "" {
		label = []string{r.label, r.is}
	}
	old := 0.0
	if before[r.name] != nil {
		old = value(t, before, r.name, label...)
	}
	now := value(t, after, r.name, label...)
	if now >= old+r.atLeast {
		return ""
	}
	return fmt.Sprintf("%s %v was %v and is %v; it should have risen by %v", r.name, label, old, now, r.atLeast)
}

func address(n *node.Node) string {
	client, _, _ := n.Addresses()
	return client
}

// Each of two nodes in one process tells its own metrics, and what each is.
func TestMetricsOfTwoNodesInOneProcess(t *testing.T) {
	nodes := nodetest.InProcess(t, 2, nil)
	nodetest.Eventually(t, "one leads, the other follows", func() bool {
		first, second := scrape(t, nodes[0]), scrape(t, nodes[1])
		return value(t, first, "caucus_role", "role", "leader") == 1 &&
			value(t, second, "caucus_role", "role", "follower") == 1 &&
			value(t, second, "caucus_role", "role", "leader") == 0 && value(t, first, "caucus_voters") == 2 &&
			value(t, first, "caucus_peers_sent_bytes_total") > 100 &&
			value(t, first, "caucus_peers_received_bytes_total") > 100 &&
			value(t, first, "caucus_peers_sent_frames_total") > 1 &&
			value(t, first, "caucus_peers_received_frames_total") > 1
	})
	first, second := scrape(t, nodes[0]), scrape(t, nodes[1])
	for what, got := range map[string]float64{
		"n1 is itself":            value(t, first, "caucus_node_info", "node", "n1"),
		"n2 is itself":            value(t, second, "caucus_node_info", "node", "n2"),
		"n1 reaches n2":           value(t, first, "caucus_peer_up", "peer", "n2"),
		"n2 reaches n1":           value(t, second, "caucus_peer_up", "peer", "n1"),
		"n1 is ready":             value(t, first, "caucus_ready"),
		"n2 knows who leads":      value(t, second, "caucus_leader_known"),
		"n1 leads its first term": value(t, first, "caucus_elections_won_total"),
		"n1 has called one":       value(t, first, "caucus_elections_total"),
		"n2 has found one":        value(t, second, "caucus_leader_changes_total"),
		"n2 connected to n1":      value(t, second, "caucus_peers_connected_total"),
	} {
		if got != 1 {
			t.Errorf("%s: %v", what, got)
		}
	}
	if first["go_goroutines"] == nil || first["process_resident_memory_bytes"] == nil {
		t.Error("nothing is told of Go and the process")
	}
	if lag := first["caucus_peer_lag"]; lag == nil || second["caucus_peer_lag"] != nil {
		t.Error("the leader, and nobody else, tells the lag of its peers")
	}
}

// The page is not for strangers: it asks for the password as all else does.
func TestMetricsAskForThePassword(t *testing.T) {
	n := nodetest.InProcess(t, 1, func(_ int, c *node.Config) { c.Password = "secret" })[0]
	_, _, addr := n.Addresses()
	for password, want := range map[string]int{"": 401, "wrong": 401, "secret": 200} {
		request, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+addr+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		if password != "" {
			request.Header.Set("Authorization", "Bearer "+password)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("with %q: %s, want %d", password, answer.Status, want)
		}
	}
}

// Every limit that is reached counts for itself, over RESP as over HTTP, and the bounds in force are told.
func TestLimitsAreTold(t *testing.T) {
	n := nodetest.InProcess(t, 1, func(_ int, c *node.Config) {
		c.Settle, c.MaxSubscriptions, c.MaxClientMemory = -1, 1, 16<<20
	})[0]
	told := scrape(t, n)
	for limit, want := range map[string]float64{"max-clients": 10_000, "max-client-memory": 16 << 20,
		"max-client-backlog": 32 << 20, "max-subscriptions": 1,
		"max-sessions": 1_000_000, "max-groups": 100_000, "max-members": 1_000_000,
		"max-user-rate": 0} {
		if got := value(t, told, "caucus_limit", "limit", limit); got != want {
			t.Errorf("%s is told to be %v, not %v", limit, got, want)
		}
	}
	one, two := lineOf(t, n), lineOf(t, n)
	large, topic := strings.Repeat("x", 7<<20), strings.Repeat("x", caucus.MaxMetadata)
	says := func(line *nodetest.Line, want string, words ...string) {
		t.Helper()
		if r, err := line.Do(words...); err != nil || !strings.HasPrefix(r.Text(), want) {
			t.Errorf("%.60q is answered %.200q, %v; want %s", words, r.Text(), err, want)
		}
	}
	says(one, "ERR this connection would", "SUBSCRIBE", "a", "b")
	says(one, "OK", "MULTI")
	says(one, "QUEUED", "SET", "k", large)
	says(one, "OOM", "SET", "k", large)
	says(one, "OK", "DISCARD")
	says(one, "", "GROUP", "JOIN", "g")
	for range 128 {
		says(one, "", "VOTE", "CALL", "g", topic[:caucus.MaxMetadata-16], "TIMEOUT", "3600000")
	}
	says(one, "ERR group 'g' has 128 polls", "VOTE", "CALL", "g", topic)
	says(one, "OK", "CONFIG", "SET", "max-sessions", "2", "max-groups", "2", "max-members", "1")
	says(two, "OOM", "SESSION", "OPEN")
	says(one, "OOM", "GROUP", "CREATE", "h")
	says(one, "OK", "CONFIG", "SET", "max-sessions", "0")
	says(two, "OOM group 'g' has", "GROUP", "JOIN", "g")
	says(one, "OK", "SET", "k", "v")
	says(one, "OK", "CONFIG", "SET", "maxmemory", "1")
	says(one, "OOM", "SET", "k", "w")
	if _, _, web := n.Addresses(); said(t, web, `["SET","k","w"]`) != http.StatusInsufficientStorage {
		t.Error("HTTP takes what is beyond maxmemory")
	}
	told = scrape(t, n)
	for limit, want := range map[string]float64{"max-subscriptions": 1, "max-client-memory": 1, "polls": 1,
		"max-sessions": 1, "max-groups": 1, "max-members": 1, "maxmemory": 2} {
		if got := value(t, told, "caucus_limit_refusals_total", "limit", limit); got != want {
			t.Errorf("%v refusals are told for %s, not %v", got, limit, want)
		}
	}
	if got := value(t, told, "caucus_limit", "limit", "max-groups"); got != 2 {
		t.Errorf("max-groups is told to be %v", got)
	}
}
