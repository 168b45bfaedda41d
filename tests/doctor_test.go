package tests

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// caucus doctor finds nothing bad with three nodes that are well, and with one of them killed says which,
// what to do, and status 1. A node of another ensemble among the addresses is told, too.
func TestDoctor(t *testing.T) {
	t.Parallel()
	c, other := nodetest.Start(t, 3), nodetest.Start(t, 1)
	addrs := strings.Join(c.Addrs(), ",")
	type finding struct{ Check, Node, State, Found, Do string }
	examine := func(addrs string) (status int, found []finding) {
		t.Helper()
		status, out, said := verb(t, "doctor", "--json", "--addr", addrs)
		var d struct {
			Cluster  string `json:"cluster_id"`
			Name     string
			State    string
			Findings []finding
		}
		if err := json.Unmarshal([]byte(out), &d); err != nil || said != "" {
			t.Fatalf("%v: %s%s", err, out, said)
		}
		if (d.State == "bad") != (status == 1) || len(d.Cluster) != 32 || d.Name == "" {
			t.Errorf("state %s, status %d, of %s by %s", d.State, status, d.Cluster, d.Name)
		}
		return status, d.Findings
	}
	has := func(found []finding, want finding) bool {
		for _, f := range found {
			if f.Check == want.Check && f.Node == want.Node && f.State == want.State &&
				strings.Contains(f.Found, want.Found) && strings.Contains(f.Do, want.Do) {
				return true
			}
		}
		return false
	}

	status, found := examine(addrs)
	for _, check := range strings.Fields("answers quorum voters links addresses versions lag snapshots " +
		"memory clients " +
		"certificates doors") {
		if !has(found, finding{Check: check, State: "ok"}) {
			t.Errorf("%s is not well with nodes that are: %v", check, found)
		}
	}
	if status != 0 {
		t.Errorf("status %d: %v", status, found)
	}
	if status, found = examine(addrs + "," + other.Addr(0)); status != 1 || !has(found,
		finding{"addresses", other.Addr(0), "bad", "another ensemble", "--join"}) {
		t.Errorf("status %d with a stranger among them: %v", status, found)
	}

	c.Kill(2)
	if status, found = examine(addrs); status != 1 || !has(found,
		finding{"answers", "n3", "bad", "no answer at " + c.Addr(2), "caucus node remove n3"}) ||
		!has(found, finding{"voters", "", "warn", "the next loss", "bring back"}) ||
		!has(found, finding{"links", "", "ok", "", ""}) {
		t.Errorf("status %d with one killed: %v", status, found)
	}
	status, out, _ := verb(t, "doctor", "--addr", addrs)
	for _, want := range []string{"\nok    quorum ", "\nbad   answers ", "n3: no answer", "-> start it with",
		"\nthere is something to do\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("the table says nothing of %q:\n%s", want, out)
		}
	}
	if status != 1 || strings.Contains(out, "\x1b") {
		t.Errorf("status %d:\n%s", status, out)
	}
}

// A warning alone is no failure, unless one wants it to be: one node bears no loss.
func TestDoctorIsStrictWhenAsked(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 1)
	if status, out, said := verb(t, "doctor", "--addr", c.Addr(0)); status != 0 ||
		!strings.Contains(out, "warn  voters ") {
		t.Errorf("status %d: %s%s", status, out, said)
	}
	if status, out, said := verb(t, "doctor", "--strict", "--addr", c.Addr(0)); status != 1 || said != "" {
		t.Errorf("strict: status %d: %s%s", status, out, said)
	}
	c.Stop(0)
	if status, out, said := verb(t, "doctor", "--addr", c.Addr(0)); status != 1 || out != "" || said == "" {
		t.Errorf("nobody there: status %d: %s%s", status, out, said)
	}
}
