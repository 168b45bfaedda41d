package deploy

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// told is what nodes tell Prometheus: the labels of each metric. What is caucus' own is read from
// docs/metrics.md, whose table a test of its own holds against what nodes tell.
func told(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{"up": nil}
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (\\w+) \\| ([\\w, ]*?) ?\\|").
		FindAllStringSubmatch(string(text), -1) {
		labels := strings.Split(row[3], ", ")
		all[row[1]] = labels
		if row[2] == "histogram" {
			delete(all, row[1])
			all[row[1]+"_bucket"] = append(labels, "le")
			all[row[1]+"_sum"], all[row[1]+"_count"] = labels, labels
		}
	}
	if len(all) < 50 {
		t.Fatalf("docs/metrics.md lists %d metrics", len(all))
	}
	usual := prometheus.NewRegistry()
	usual.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	families, err := usual.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		all[f.GetName()] = nil
	}
	return all
}

var (
	promToken   = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|\$?[a-zA-Z_:][\w:]*|\d[\w.]*|\S`)
	promWord    = regexp.MustCompile(`^[a-zA-Z_]\w*$`)
	promKeyword = strings.Fields("and or unless bool offset inf nan")
	promLabels  = strings.Fields("by without on ignoring group_left group_right")
)

// metricsIn finds the metrics that an expression reads, and the labels that it names anywhere. It takes an
// expression for one that promtool has found to be right.
func metricsIn(expr string) (metrics, labels []string) {
	tokens := promToken.FindAllString(expr, -1)
	braces, list := false, 0 // in a selector; how deep in parentheses of a list of labels
	for i, token := range tokens {
		next := ""
		if i+1 < len(tokens) {
			next = tokens[i+1]
		}
		switch {
		case token == "{" || token == "}":
			braces = token == "{"
		case token == "(" && i > 0 && slices.Contains(promLabels, tokens[i-1]):
			list = 1
		case token == ")":
			list = 0
		case !promWord.MatchString(token) || i > 0 && tokens[i-1] == "[":
		case braces || list > 0:
			labels = append(labels, token)
		case next == "(" || next == "by" || next == "without": // a function
		case !slices.Contains(promKeyword, token) && !slices.Contains(promLabels, token):
			metrics = append(metrics, token)
		}
	}
	return metrics, labels
}

// unheardOf says which metrics of an expression no node tells, and which labels none of its metrics has. Job
// and instance are Prometheus' own.
func unheardOf(all map[string][]string, expr string) (wrong []string) {
	metrics, labels := metricsIn(expr)
	known := []string{"job", "instance"}
	for _, m := range metrics {
		if of, ok := all[m]; ok {
			known = append(known, of...)
		} else {
			wrong = append(wrong, "metric "+m)
		}
	}
	for _, l := range labels {
		if !slices.Contains(known, l) {
			wrong = append(wrong, "label "+l)
		}
	}
	if len(metrics) == 0 {
		wrong = append(wrong, "no metric at all")
	}
	return wrong
}

func TestUnheardOfFindsWhatIsNotTold(t *testing.T) {
	all := told(t)
	for expr, want := range map[string]string{
		`max by (job) (caucus_ready) == 0`: "",
		`histogram_quantile(0.9, sum by (le, way) (rate(caucus_request_seconds_bucket{way="x"}[5m])))`: "",
		`caucus_fsync_seconds > 1`:                                 "metric caucus_fsync_seconds",
		`a / on (instance) group_left (version) caucus_build_info`: "metric a",
		`sum without (peer) (caucus_ready)`:                        "label peer",
		`rate(caucus_refusals_total{wrd=~"caucus_ready|OOM", job="$job"}[$__rate_interval]) offset 5m`: "label wrd",
		`process_open_fds and on (job, instance) a unless caucus_role{role="leader"} == bool 1`:        "metric a",
		`vector(1)`: "no metric at all",
	} {
		if got := strings.Join(unheardOf(all, expr), ", "); got != want {
			t.Errorf("in %s: %q, want %q", expr, got, want)
		}
	}
}
