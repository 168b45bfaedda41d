package deploy

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/caucus-project/caucus/internal/tool"
)

const rulesFile = "prometheus/caucus.rules.yml"

// alert is one alert rule.
type alert struct {
	Alert, Expr, For    string
	Labels, Annotations map[string]string
}

// alerts reads the rules.
func alerts(t *testing.T) (all []alert) {
	t.Helper()
	text, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []alert
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	if len(all) == 0 {
		t.Fatal("there are no rules")
	}
	return all
}

// What an alert reads exists, and it says how urgent it is, what has happened, and what to do.
func TestAlertsReadWhatNodesTell(t *testing.T) {
	all, seen := told(t), map[string]bool{}
	for _, a := range alerts(t) {
		for _, wrong := range unheardOf(all, a.Expr) {
			t.Errorf("%s reads %s, which no node tells", a.Alert, wrong)
		}
		if !slices.Contains([]string{"critical", "warning", "info"}, a.Labels["severity"]) ||
			a.Annotations["summary"] == "" || a.Annotations["description"] == "" || len(a.Annotations) != 2 {
			t.Errorf("%s does not say how urgent it is, what has happened and what to do", a.Alert)
		}
		if seen[a.Alert] || !regexp.MustCompile(`^Caucus[A-Z]\w+$`).MatchString(a.Alert) {
			t.Errorf("the name %q is there twice, or says not whose alert it is", a.Alert)
		}
		seen[a.Alert] = true
	}
}

// healthy are the series of three nodes that are well, a point a minute. An instance of * is each node.
const healthy = `
up{instance="*"} 1x240
caucus_ready{instance="*"} 1x240
caucus_voters{instance="*"} 3x240
caucus_learners{instance="*"} 0x240
caucus_owner_stalled{instance="*"} 0x240
process_start_time_seconds{instance="*"} 1000x240
caucus_request_seconds_bucket{instance="*",way="write",le="0.1"} 0+60x240
caucus_request_seconds_bucket{instance="*",way="write",le="1"} 0+60x240
caucus_request_seconds_bucket{instance="*",way="write",le="+Inf"} 0+60x240
caucus_refusals_total{instance="*",word="TRYAGAIN"} 7x240
caucus_refusals_total{instance="*",word="ERR"} 0+600x240
caucus_leader_changes_total{instance="*"} 2x240
caucus_node_info{instance="*",cluster="c",node="*"} 1x240
caucus_build_info{instance="*",version="1",goversion="go1"} 1x240
caucus_peer_up{instance="n1",peer="n2"} 1x240
caucus_peer_up{instance="n1",peer="n3"} 1x240
caucus_tls_certificate_not_after_timestamp_seconds{instance="*"} 9000000x240
caucus_tls_reload_failures_total{instance="*"} 1x240
caucus_tls_handshake_failures_total{instance="*",door="peer"} 9x240
caucus_apply_lag{instance="*"} 3x240
caucus_peer_lag{instance="n1",peer="n2"} 5x240
caucus_peers_dropped_frames_total{instance="*"} 7x240
caucus_peers_refused_total{instance="*"} 0x240
caucus_peers_garbled_total{instance="*"} 0x240
caucus_peers_foreign_total{instance="*"} 0x240
caucus_digest_index{instance="*"} 0+100x240
caucus_disk_hung{instance="*"} 0x240
caucus_disk_low{instance="*"} 0x240
caucus_disk_free_bytes{instance="*"} 100000000000x240
caucus_fsync_seconds_bucket{instance="*",le="0.01"} 0+60x240
caucus_fsync_seconds_bucket{instance="*",le="1"} 0+60x240
caucus_fsync_seconds_bucket{instance="*",le="+Inf"} 0+60x240
caucus_snapshot_failures_total{instance="*"} 3x240
caucus_clocks_off{instance="n1"} 0x240
caucus_clock_offset_seconds{instance="*"} -0.01x240
caucus_clock_rate_off{instance="*"} 0x240
caucus_memory_bytes{instance="*"} 800000000x240
caucus_memory_limit_bytes{instance="*"} 1000000000x240
process_open_fds{instance="*"} 100x240
process_max_fds{instance="*"} 1024x240
caucus_connections_refused_total{instance="*",door="resp",why="slow"} 9x240
caucus_connections{instance="*",door="resp"} 800x240
caucus_connections{instance="*",door="http"} 5x240
caucus_client_memory_bytes{instance="*"} 800000000x240
caucus_limit{instance="*",limit="max-clients"} 1000x240
caucus_limit{instance="*",limit="max-client-memory"} 1000000000x240
caucus_limit{instance="*",limit="max-subscriptions"} 10x240
caucus_failed_logins_total{instance="*"} 3x240
caucus_rate_refusals_total{instance="*"} 0x240
caucus_session_ends_total{instance="*",reason="lost"} 0+1x240
caucus_session_ends_total{instance="*",reason="closed"} 0+100x240
caucus_sessions{instance="*"} 50x240
caucus_groups_settling{instance="*"} 0 1 0x40 1x10 0x200`

// sick says for each alert in which series nodes that are ill differ from the healthy ones.
var sick = map[string]string{
	"CaucusCertificateEnds":   `caucus_tls_certificate_not_after_timestamp_seconds{instance="n2"} 600000x240`,
	"CaucusCertificateUnread": `caucus_tls_reload_failures_total{instance="n2"} 0x190 1x50`,
	"CaucusTLSRefused":        `caucus_tls_handshake_failures_total{instance="n2",door="peer"} 0+1x240`,
	"CaucusNobodyServes":      `caucus_ready{instance="*"} 1x190 0x50`,
	"CaucusIsNotThere":        `caucus_ready{instance="*"} 1x100 _x140`,
	"CaucusNodeDown":          `up{instance="n2"} 1x190 0x50`,
	"CaucusNodeNotReady":      `caucus_ready{instance="n2"} 1x190 0x50`,
	"CaucusRestarts":          `process_start_time_seconds{instance="n2"} 1x185 2x4 3x4 4x4 5x60`,
	"CaucusOwnerStalled":      `caucus_owner_stalled{instance="n2"} 0x190 1x50`,
	"CaucusSlowWrites":        `caucus_request_seconds_bucket{instance="*",way="write",le="0.1"} 0+50x240`,
	"CaucusRefuses":           `caucus_refusals_total{instance="n2",word="TRYAGAIN"} 0+100x240`,
	"CaucusTwoEnsembles":      `caucus_node_info{instance="n3",cluster="d",node="n3"} 1x240`,
	"CaucusEvenVoters":        `caucus_voters{instance="*"} 4x240`,
	"CaucusLearnerStays":      `caucus_learners{instance="*"} 1x240`,
	"CaucusPeerCutOff":        `caucus_peer_up{instance="n1",peer="n3"} 1x180 0x60`,
	"CaucusNodeBehind":        `caucus_peer_lag{instance="n1",peer="n2"} 0+1000x240`,
	"CaucusNetworkFull":       `caucus_peers_dropped_frames_total{instance="n2"} 0+1000x240`,
	"CaucusDigestsStopped":    `caucus_digest_index{instance="n2"} 0+100x60 6000x180`,
	"CaucusDiskHangs":         `caucus_disk_hung{instance="n2"} 0x185 1x60`,
	"CaucusDiskLow":           `caucus_disk_low{instance="n2"} 0x185 1x60`,
	"CaucusDiskFills":         `caucus_disk_free_bytes{instance="n2"} 100000000000-100000000x240`,
	"CaucusDiskSlow":          `caucus_fsync_seconds_bucket{instance="n2",le="0.01"} 0+30x240`,
	"CaucusSnapshotsFail":     `caucus_snapshot_failures_total{instance="n2"} 0x190 1x50`,
	"CaucusClockOff":          `caucus_clock_offset_seconds{instance="n2"} -0.8x240`,
	"CaucusClockRateOff":      `caucus_clock_rate_off{instance="n2"} 1x240`,
	"CaucusFilesNearLimit":    `process_open_fds{instance="n2"} 900x240`,
	"CaucusMemoryNearLimit":   `caucus_memory_bytes{instance="*"} 950000000x240`,
	"CaucusNextLossStopsIt":   `caucus_ready{instance="n2"} 1x180 0x60`,
	"CaucusVersionsDiffer":    `caucus_build_info{instance="n2",version="2",goversion="go1"} 1x240`,
	"CaucusLeadershipWanders": `caucus_leader_changes_total{instance="n2"} 0x190 0+1x50`,
	"CaucusTurnsClientsAway":  `caucus_connections_refused_total{instance="n2",door="resp",why="slow"} 0+1x240`,
	"CaucusClientsNearLimit":  `caucus_connections{instance="n2",door="resp"} 950x240`,
	"CaucusClientMemoryFills": `caucus_client_memory_bytes{instance="n2"} 950000000x240`,
	"CaucusLoginsFail":        `caucus_failed_logins_total{instance="n2"} 0+10x240`,
	"CaucusUserTooFast":       `caucus_rate_refusals_total{instance="n2"} 0+10x240`,
	"CaucusSessionsExpire":    `caucus_session_ends_total{instance="*",reason="lost"} 0x195 0+10x50`,
	"CaucusGroupsDoNotSettle": `caucus_groups_settling{instance="*"} 0x180 2x60`,
	"CaucusSlotsStuck":        `caucus_slots_stuck{instance="*",group="g",member="m"} 0x180 2x60`,
	"CaucusStrangers":         `caucus_peers_refused_total{instance="n2"} 0x195 0+1x50`,
}

// series gives the healthy series, some of them replaced by those of an illness.
func series(t *testing.T, ill string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for line := range strings.Lines(healthy + "\n" + ill) {
		name, values, ok := strings.Cut(strings.TrimSpace(line), "} ")
		for _, node := range []string{"n1", "n2", "n3"} {
			if of := strings.ReplaceAll(name, `"*"`, `"`+node+`"`); ok {
				all[of+`,job="caucus"}`] = values
			}
		}
	}
	return all
}

// Every alert is raised by the illness that it is for, and none by nodes that are well.
func TestAlertsAreRaised(t *testing.T) {
	tool.Need(t, "promtool")
	rules, err := filepath.Abs(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	var file strings.Builder
	fmt.Fprintf(&file, "rule_files: [%q]\nevaluation_interval: 5m\ntests:\n", rules)
	expect := func(name, ill, alert, want string) {
		fmt.Fprintf(&file, "  - name: %s\n    interval: 1m\n    input_series:\n", name)
		all := series(t, ill)
		for _, one := range slices.Sorted(maps.Keys(all)) {
			fmt.Fprintf(&file, "      - {series: '%s', values: '%s'}\n", one, all[one])
		}
		fmt.Fprintf(&file, "    promql_expr_test:\n"+
			"      - expr: 'count(ALERTS{alertstate=\"firing\"%s}) > bool 0'\n"+
			"        eval_time: 200m\n        exp_samples: [%s]\n", alert, want)
	}
	expect("nobody is ill", "", "", "")
	for _, a := range alerts(t) {
		if sick[a.Alert] == "" {
			t.Errorf("nothing is known to raise %s", a.Alert)
		}
		expect(a.Alert, sick[a.Alert], fmt.Sprintf(", alertname=%q", a.Alert), "{labels: '{}', value: 1}")
	}
	path := filepath.Join(t.TempDir(), "tests.yml")
	if err := os.WriteFile(path, []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"check", "rules", rules}, {"test", "rules", path}} {
		if said, err := exec.Command("promtool", args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args[:2], " "), err, said)
		}
	}
}
