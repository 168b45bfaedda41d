package examples

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

var checked = regexp.MustCompile(`^(\w+) .* (url:\w+): (.+)$`)

// votes waits until a node is a voter of its ensemble.
func votes(t *testing.T, addr string) {
	t.Helper()
	nodetest.Eventually(t, addr+" votes", func() bool {
		r, err := nodetest.Ask(addr, "ROLE")
		return err == nil && len(r.Items) > 0 && (r.Items[0].Text() == "master" || r.Items[0].Text() == "slave")
	})
}

// Three copies are one ensemble. The one that leads checks the URLs that are in the store. When it is asked
// to end it stops before another begins, and when that is killed a third goes on: never do two check.
func TestURLChecker(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/broken" {
			http.Error(w, "broken", http.StatusInternalServerError)
		}
	}))
	defer site.Close()
	s := newStage(t, "urlchecker")
	dir, addrs, running := t.TempDir(), map[string]string{}, map[string]*nodetest.Process{}
	start := func(id string) {
		t.Helper()
		args := []string{"-id", id, "-listen", addrs[id], "-data", filepath.Join(dir, id), "-every", "50ms"}
		if id != "n1" {
			args = append(args, "-join", addrs["n1"])
		}
		running[id] = s.start(args...)
		votes(t, addrs[id])
	}
	for _, id := range []string{"n1", "n2", "n3"} {
		addrs[id] = nodetest.FreeAddresses(t, 2)[0] // its peers come to the next port
		start(id)
	}
	for name, url := range map[string]string{"home": site.URL, "shop": site.URL + "/broken"} {
		if _, err := nodetest.Ask(addrs["n2"], "SET", "url:"+name, url); err != nil {
			t.Fatal(err)
		}
	}
	// checks waits until a copy that is none of those has checked both, and gives its name.
	checks := func(others ...string) (who string) {
		t.Helper()
		s.await("both are checked, not by one of "+strings.Join(others, ", "), 0, func(lines []string) bool {
			found := map[string]string{}
			for _, line := range lines {
				if m := checked.FindStringSubmatch(line); m != nil && !slices.Contains(others, m[1]) {
					who, found[m[2]] = m[1], m[3]
				}
			}
			return found["url:home"] == "200 OK" && found["url:shop"] == "500 Internal Server Error"
		})
		return who
	}
	first := checks()
	s.stop(running[first])
	second := checks(first)
	start(first)
	s.kill(running[second])
	third := checks(first, second)
	if got := inTurn(s.said()); !slices.Equal(got, []string{first, second, third}) {
		t.Errorf("they checked in the order %q", got)
	}
	for name, want := range map[string]string{"home": "200 OK", "shop": "500 Internal Server Error"} {
		if r, err := nodetest.Ask(addrs[third], "GET", "status:"+name); err != nil || r.Text() != want {
			t.Errorf("the store says that %s is %q, %v", name, r.Text(), err)
		}
	}
	ended, began := s.line(first, "leads no more"), s.line(second, "leads")
	if ended < 0 || began < ended {
		t.Errorf("%s said that it ended in line %d, and %s that it began in line %d", first, ended, second, began)
	}
}

// inTurn gives who checked URLs, once for as long as nobody else did.
func inTurn(lines []string) (who []string) {
	for _, line := range lines {
		if m := checked.FindStringSubmatch(line); m != nil {
			who = append(who, m[1])
		}
	}
	return slices.Compact(who)
}
