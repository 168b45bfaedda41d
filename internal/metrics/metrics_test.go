package metrics

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
)

var update = flag.Bool("update", false, "write docs/metrics.md anew")

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// everything is a reading in which every metric has a value.
func everything() *Readings {
	return &Readings{Version: "1", GoVersion: "go1", Ready: true, Clients: Door{Open: 1}, HTTP: Door{Open: 2},
		Commands: map[string]Commands{"string": {Done: 3, Failed: 2, Rejected: 1, Took: 1500 * time.Millisecond}},
		Limits:   map[string]int64{"max-groups": 5}, LimitRefusals: map[string]uint64{"max-groups": 6},
		Refusals: map[string]uint64{"ERR": 3}, Responses: map[int]uint64{200: 4},
		TLS: &TLS{NotAfter: time.Unix(1, 0), Failed: map[string]uint64{}},
		Ensemble: &Ensemble{Name: "n1", Cluster: "c", Role: "leader", Term: 7, Leader: 1, Commit: 12, Applied: 10,
			FirstEntry: 3, LastEntry: 12, Ends: map[string]uint64{"lost": 1},
			Peers: []Peer{{Name: "n2", Up: true, Lag: 5, LagKnown: true}, {Name: "n3"}}},
		State: &State{Sessions: 9, Groups: 2, Settling: 1, Members: 9, Stuck: []Stuck{{"g", "m", 1}}},
	}
}

func gather(t *testing.T, read func() *Readings) []*dto.MetricFamily {
	t.Helper()
	m := New(read, quiet)
	m.Synced(time.Millisecond, 3)
	m.Answered(Write, time.Millisecond)
	all, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// ours leaves out what the library says of Go and of the process.
func ours(all []*dto.MetricFamily) (list []*dto.MetricFamily) {
	for _, f := range all {
		if strings.HasPrefix(f.GetName(), "caucus_") {
			list = append(list, f)
		}
	}
	return list
}

func TestMetricsAreNamedAsPrometheusWantsIt(t *testing.T) {
	problems, err := promlint.NewWithMetricFamilies(gather(t, everything)).Lint()
	if err != nil || len(problems) > 0 {
		t.Error(err, problems)
	}
}

// Every row has a value in a full reading, and a reading that lacks a part is no error.
func TestEveryRowIsTold(t *testing.T) {
	told := map[string]bool{}
	for _, f := range ours(gather(t, everything)) {
		told[f.GetName()] = true
	}
	for _, row := range rows() {
		if !told[row.name] {
			t.Errorf("%s is not told", row.name)
		}
		delete(told, row.name)
	}
	if len(told) != 3 { // the histograms
		t.Errorf("beside the table: %v", told)
	}
	for _, lacking := range []*Readings{{}, {Ensemble: &Ensemble{}}} {
		for _, f := range gather(t, func() *Readings { return lacking }) {
			if f.GetName() == "caucus_sessions" {
				t.Error("sessions are told although they are not known")
			}
		}
	}
}

func TestValues(t *testing.T) {
	w := httptest.NewRecorder()
	New(everything, quiet).Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		`caucus_role{role="leader"} 1`, `caucus_role{role="follower"} 0`, "caucus_term 7", "caucus_apply_lag 2",
		"caucus_log_entries 10", `caucus_peer_up{peer="n2"} 1`, `caucus_peer_up{peer="n3"} 0`,
		`caucus_peer_lag{peer="n2"} 5`, `caucus_commands_total{family="string",outcome="ok"} 3`,
		`caucus_commands_total{family="string",outcome="failed"} 2`, `caucus_refusals_total{word="ERR"} 3`,
		`caucus_commands_waited_seconds_total{family="string"} 1.5`, `caucus_http_responses_total{code="200"} 4`,
		`caucus_connections{door="http"} 2`, "caucus_groups_settling 1", "caucus_owner_stalled 0",
		`caucus_session_ends_total{reason="lost"} 1`, `caucus_limit{limit="max-groups"} 5`,
		`caucus_limit_refusals_total{limit="max-groups"} 6`,
	} {
		if !strings.Contains(w.Body.String(), "\n"+want+"\n") {
			t.Errorf("no %s in\n%s", want, w.Body)
		}
	}
	if strings.Contains(w.Body.String(), `caucus_peer_lag{peer="n3"}`) {
		t.Error("a lag that is not known is told")
	}
}

func TestSlowSync(t *testing.T) {
	m := New(everything, quiet)
	if took := m.SlowSync(); took != 0 {
		t.Errorf("without any sync %v", took)
	}
	for range 98 {
		m.Synced(time.Millisecond, 1)
	}
	m.Synced(30*time.Millisecond, 1)
	m.Synced(time.Second, 1)
	if took := m.SlowSync(); took < 30*time.Millisecond || took > 60*time.Millisecond {
		t.Errorf("99 of a hundred took %v", took)
	}
	m = New(everything, quiet)
	if m.Synced(time.Minute, 1); m.SlowSync() != time.Minute {
		t.Errorf("one that took a minute is told as %v", m.SlowSync())
	}
}

// docs/metrics.md lists what is told, so that they cannot differ.
func TestDocsListTheMetrics(t *testing.T) {
	const path = "../../docs/metrics.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const head = "| metric | type | labels | what it says |\n| --- | --- | --- | --- |\n"
	before, _, ok := strings.Cut(string(text), head)
	var want strings.Builder
	want.WriteString(before + head)
	for _, f := range ours(gather(t, everything)) {
		var labels []string
		for _, l := range f.Metric[0].Label {
			labels = append(labels, l.GetName())
		}
		fmt.Fprintf(&want, "| `%s` | %s | %s | %s |\n", f.GetName(), strings.ToLower(f.GetType().String()),
			strings.Join(labels, ", "), f.GetHelp())
	}
	if *update {
		if err := os.WriteFile(path, []byte(want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if !ok || want.String() != string(text) {
		t.Errorf("%s is not what is told; write it anew: go test ./internal/metrics -run Docs -update", path)
	}
}
