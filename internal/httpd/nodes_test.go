package httpd_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// The whole ensemble is shown by any node, with what each says of itself.
func TestStatus(t *testing.T) {
	doors := nodes(t, 3)
	id := doors[1].session()
	doors[0].expect(doors[0].as(id, "PUT", "/v1/groups/g", `{"slots":12}`), 200, `{}`)
	// What a node says of itself is a heartbeat old at most.
	nodetest.Eventually(t, "everybody says how much is applied", func() bool {
		body := doors[0].ask("GET", "/v1/status").body
		return !strings.Contains(body, `"applied":null`) && !strings.Contains(body, `"applied":0,`)
	})
	for _, s := range doors {
		var all struct {
			Cluster string `json:"cluster_id"`
			Name    string
			Leader  string
			Quorum  bool
			Time    int64
			Nodes   []struct {
				Name, Role, Metadata  string
				Lag, Applied          *int
				Sessions, Connections *int
			}
			Groups []struct {
				Name, State string
				Slots       int
			}
		}
		a := s.ask("GET", "/v1/status")
		if err := json.Unmarshal([]byte(a.body), &all); err != nil || a.status != 200 {
			t.Fatalf("%d %s: %v", a.status, a.body, err)
		}
		if len(all.Cluster) != 32 || all.Leader != "n1" || !all.Quorum || all.Time == 0 || len(all.Nodes) != 3 ||
			len(all.Groups) == 0 || all.Groups[0].Name != "g" || all.Groups[0].Slots != 12 {
			t.Errorf("%s shows %s", s.url, a.body)
		}
		for _, n := range all.Nodes {
			if n.Lag == nil || n.Applied == nil || *n.Applied == 0 || n.Sessions == nil || n.Connections == nil {
				t.Errorf("%s does not say of %s how it is: %s", all.Name, n.Name, a.body)
			}
		}
	}
	doors[0].refused(doors[0].ask("GET", "/v1/status?x=1"), 400, "ERR")
}

// Nodes are listed, expected, made to lead and removed through any of them.
func TestNodes(t *testing.T) {
	all := nodetest.InProcess(t, 3, nil)
	var doors []*stage
	for _, n := range all {
		doors = append(doors, ofNode(t, n))
	}
	s := doors[2]
	var list struct{ Nodes []struct{ Name, Role string } }
	if err := json.Unmarshal([]byte(s.ask("GET", "/v1/nodes").body), &list); err != nil || len(list.Nodes) != 3 {
		t.Errorf("%+v: %v", list, err)
	}
	role := func(name string) string {
		var node struct{ Name, Role string }
		a := s.ask("GET", "/v1/nodes/"+name)
		if err := json.Unmarshal([]byte(a.body), &node); err != nil || a.status != 200 || node.Name != name {
			t.Errorf("%s: %d %s: %v", name, a.status, a.body, err)
		}
		return node.Role
	}
	s.run(nil, []request{
		{"", "GET", "/v1/nodes/n9", ``, `404 ERR no such node 'n9'`},
		{"", "POST", "/v1/nodes/n9/lead", ``, `404 ERR no such node 'n9'`},
		{"", "DELETE", "/v1/nodes/n9", ``, `404 ERR no such node 'n9'`},
		{"", "PUT", "/v1/nodes/n9", ``, `400 ERR 'addr' is missing`},
		{"", "PUT", "/v1/nodes/n9", `{"addr":"nowhere"}`, `400 ERR host:port`},
		{"", "PUT", "/v1/nodes/bad!", `{"addr":"127.0.0.1:1"}`, `400 ERR not the name of a node`},
		{"", "PUT", "/v1/nodes/n1", `{"addr":"127.0.0.1:1"}`, `409 CONFLICT n1 is a node at`},
		{"", "PUT", "/v1/nodes/n9", `{"addr":"127.0.0.1:1"}`, `{}`},
		{"", "DELETE", "/v1/nodes/n9", ``, `{}`},
		{"", "POST", "/v1/nodes/n2/lead", `{"x":1}`, `400 ERR nothing can be stated here`},
		{"", "POST", "/v1/nodes/n2/lead", ``, `{}`},
	})
	if got := role("n2"); got != "leader" {
		t.Errorf("n2 is %s", got)
	}
	if a := s.ask("GET", "/v1/groups/nodes/leader"); !strings.Contains(a.body, `"member":"n2"`) {
		t.Errorf("the nodes' group is led otherwise: %s", a.body)
	}
	if err := all[1].Close(); err != nil {
		t.Fatal(err)
	}
	nodetest.Eventually(t, "n2 is removed, which is dead", func() bool {
		return s.ask("DELETE", "/v1/nodes/n2").status == 200
	})
	s.refused(s.ask("GET", "/v1/nodes/n2"), 404, "ERR")
	s.refused(s.ask("DELETE", "/v1/nodes/n2"), 404, "ERR")
	if got := fmt.Sprint(role("n1"), role("n3")); !strings.Contains(got, "leader") {
		t.Errorf("the others are %s", got)
	}
}
