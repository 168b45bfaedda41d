package deploy

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/tool"
)

const dashboardFile = "grafana/caucus.json"

// grafanaBoard is as much of Grafana's format as can go wrong unnoticed.
type grafanaBoard struct {
	UID, Title    string
	SchemaVersion int
	Templating    struct {
		List []struct{ Name, Type, Definition string }
	}
	Annotations struct {
		List []struct{ Name, Expr string }
	}
	Panels []grafanaPanel
}

type grafanaPanel struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ X, Y, W, H int }
	Targets                  []struct {
		Expr, LegendFormat string
		Datasource         struct{ UID string }
	}
}

func board(t *testing.T) (b grafanaBoard) {
	t.Helper()
	text, err := os.ReadFile(dashboardFile)
	if err == nil {
		err = json.Unmarshal(text, &b)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// plain replaces Grafana's variables by what they could stand for.
var plain = strings.NewReplacer("$__rate_interval", "1m", "$job", "caucus", "$instance", ".*")

// expressions gives all that the dashboard asks Prometheus, by where it stands.
func (b grafanaBoard) expressions() map[string]string {
	all := map[string]string{}
	for _, p := range b.Panels {
		for i, q := range p.Targets {
			all[fmt.Sprintf("panel %q, query %d", p.Title, i+1)] = plain.Replace(q.Expr)
		}
	}
	for _, a := range b.Annotations.List {
		all["annotation "+a.Name] = plain.Replace(a.Expr)
	}
	return all
}

func TestTheDashboardReadsWhatNodesTell(t *testing.T) {
	all, b := told(t), board(t)
	for where, expr := range b.expressions() {
		if wrong := unheardOf(all, expr); len(wrong) > 0 {
			t.Errorf("%s reads %s, which no node tells", where, strings.Join(wrong, ", "))
		}
		if strings.Contains(expr, "$") {
			t.Errorf("%s has a variable that the dashboard does not: %s", where, expr)
		}
	}
	var names []string
	for _, v := range b.Templating.List {
		names = append(names, v.Name)
	}
	if !slices.Equal(names, []string{"datasource", "job", "instance"}) {
		t.Errorf("the variables are %v", names)
	}
}

// Every panel says what it shows, asks the chosen Prometheus, and has a place of its own.
func TestTheDashboardIsWhole(t *testing.T) {
	b := board(t)
	if b.UID == "" || b.Title == "" || b.SchemaVersion < 36 || len(b.Panels) < 20 {
		t.Errorf("the dashboard is %q, %q, schema %d, %d panels", b.UID, b.Title, b.SchemaVersion, len(b.Panels))
	}
	taken, ids := map[[2]int]string{}, map[int]bool{}
	for _, p := range b.Panels {
		if ids[p.ID] || p.Title == "" || p.GridPos.X+p.GridPos.W > 24 || p.GridPos.W*p.GridPos.H == 0 {
			t.Errorf("panel %q has the id of another, no title, or no place: %+v", p.Title, p.GridPos)
		}
		ids[p.ID] = true
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if other := taken[at]; other != "" {
					t.Fatalf("panels %q and %q lie on each other", p.Title, other)
				}
				taken[at] = p.Title
			}
		}
		if p.Type != "row" && (p.Description == "" || len(p.Targets) == 0) {
			t.Errorf("panel %q says not what it shows, or asks for nothing", p.Title)
		}
		for _, q := range p.Targets {
			if q.Datasource.UID != "${datasource}" || p.Type != "stat" && q.LegendFormat == "" {
				t.Errorf("panel %q asks %q, with the legend %q", p.Title, q.Datasource.UID, q.LegendFormat)
			}
		}
	}
}

// Prometheus takes every expression of the dashboard. It checks them as rules that record them.
func TestPrometheusTakesTheDashboard(t *testing.T) {
	tool.Need(t, "promtool")
	var rules strings.Builder
	rules.WriteString("groups:\n- name: board\n  rules:\n")
	for where, expr := range board(t).expressions() {
		fmt.Fprintf(&rules, "  - {record: a, labels: {where: %q}, expr: %q}\n", where, expr)
	}
	path := filepath.Join(t.TempDir(), "board.yml")
	if err := os.WriteFile(path, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.Command("promtool", "check", "rules", path).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}
