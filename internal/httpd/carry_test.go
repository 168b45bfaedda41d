package httpd_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/waist"
	"github.com/caucus-project/caucus/node"
)

// resumes counts the RESUMEs in a node's log.
func resumes(t *testing.T, n *node.Node) (count int) {
	t.Helper()
	reply := waist.Of(n).Local(t.Context(), []string{"GETLOG", "2"})
	if err := reply.Err(); err != nil {
		t.Fatal(err)
	}
	for _, line := range reply.Items {
		count += strings.Count(line.Items[3].Str, "SESSION RESUME")
	}
	return count
}

// SAFETY A4: a session is used at two nodes. Signs of life and questions write nothing; changes bring the
// session to their node, and those that stay there do so once.
func TestA4_ASessionAtTwoNodes(t *testing.T) {
	nodes := nodetest.InProcess(t, 2, nil)
	one, two := ofNode(t, nodes[0]), ofNode(t, nodes[1])
	sessions := map[string]string{"A": one.session()}
	check := func(want int) {
		t.Helper()
		if got := resumes(t, nodes[0]); got != want {
			t.Errorf("%d RESUMEs in the log, want %d", got, want)
		}
	}
	join := request{"A", "POST", "/v1/groups/g/members", `{"as":"ann","settle":0}`,
		`{"member":"ann","session":"A"}`}
	send := request{"A", "POST", "/v1/groups/g/messages", `{"payload":"x"}`, `{"addressed":1}`}
	one.run(sessions, []request{join, send, send})
	check(0)
	for _, s := range []*stage{two, one, two} {
		s.run(sessions, []request{
			{"", "POST", "/v1/sessions/A/keepalive", ``, `{` + promised + `}`},
			{"A", "GET", "/v1/groups/g/index", ``, `{"index":1,"total":1,epoch,` + promised + `}`},
		})
	}
	one.run(sessions, []request{send})
	check(0)
	two.run(sessions, []request{send, send, send,
		{"", "POST", "/v1/sessions/A/keepalive", ``, `{` + promised + `}`}}) // of its TTL, as before
	check(1)
	one.run(sessions, []request{send, join})
	check(2)
}

// SAFETY A11: what a session sends through two nodes in turn is never two series under one part.
func TestA11_MessagesThroughTwoNodes(t *testing.T) {
	nodes := nodetest.InProcess(t, 2, nil)
	doors := []*stage{ofNode(t, nodes[0]), ofNode(t, nodes[1])}
	id := doors[0].session()
	doors[0].expect(doors[0].ask("PUT", "/v1/groups/g"), 200, `{}`)
	addr, _, _ := nodes[1].Addresses()
	ear, err := nodetest.Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer ear.Close()
	if _, err := ear.Do("SUBSCRIBE", "caucus:g:g"); err != nil {
		t.Fatal(err)
	}
	part, n := int64(0), int64(0)
	for i, from := range []int{0, 0, 1, 1, 0, 1} {
		doors[from].expect(doors[from].as(id, "POST", "/v1/groups/g/messages", `{"payload":"x"}`), 200,
			`{"addressed":0}`)
		heard, err := ear.Read()
		if err != nil {
			t.Fatal(err)
		}
		var m struct{ Part, N int64 }
		if err := json.Unmarshal([]byte(heard.Items[2].Str), &m); err != nil {
			t.Fatal(err)
		}
		if m.Part < part || m.Part == part && m.N != n+1 || m.Part > part && m.N != 1 {
			t.Errorf("message %d is number %d of part %d, after number %d of part %d", i, m.N, m.Part, n, part)
		}
		part, n = m.Part, m.N
	}
}

// SAFETY A3: that a client asks again is no evidence that it has read the answer before; that it says which
// version it has read is. Its promise lasts ten minutes, so nothing else settles the group.
func TestA3_TheVersionThatWasReadIsEvidence(t *testing.T) {
	doors := nodes(t, 2)
	s := doors[0]
	sessions := map[string]string{"A": s.session(), "B": s.session()}
	join := func(who, name string) request {
		return request{who, "POST", "/v1/groups/g/members", `{"as":"` + name + `","settle":0}`,
			`{"member":"` + name + `","session":"` + who + `"}`}
	}
	asks := request{"", "POST", "/v1/sessions/A/keepalive", ``, `{` + promised + `}`}
	settling := request{"B", "GET", "/v1/groups/g/index", ``,
		`{"index":null,"total":null,"epoch":null,` + promised + `}`}
	write := request{"B", "PUT", "/v1/groups/g/members/bob/metadata", `{"metadata":""}`, `{}`}
	s.run(sessions, []request{join("A", "ann"), asks, join("B", "bob"), asks, asks,
		{"A", "POST", "/v1/locks/x", `{"wait":1}`, `{term,"session":"A"}`},
		{"A", "POST", "/v1/groups/g/messages", `{"payload":"x"}`, `{"addressed":2}`},
		{"", "POST", "/v1/sessions/A/keepalive", `{"version":1}`, `{` + promised + `}`},
		{"A", "PUT", "/v1/groups/g/members/ann/metadata", `{"metadata":""}`, `{}`},
		write, write, settling}) // what was decided before stands in the log before
	var promise struct{ Version int64 }
	told := s.ask("POST", "/v1/sessions/"+sessions["A"]+"/keepalive")
	if err := json.Unmarshal([]byte(told.body), &promise); err != nil {
		t.Fatal(err)
	}
	// It may say so at any node, and with any request that promises something.
	a := doors[1].as(sessions["A"], "GET", fmt.Sprint("/v1/groups/g/leader?version=", promise.Version), "")
	if a.status != 200 {
		t.Fatal(a.body)
	}
	nodetest.Eventually(t, "the group settles", func() bool {
		a := s.as(sessions["B"], "GET", "/v1/groups/g/index", "")
		return strings.HasPrefix(a.body, `{"index":2,"total":2,`)
	})
}

// Who goes away while it waits is not waited for, and a session that it was never told of ends.
func TestWhoWaitsMayGoAway(t *testing.T) {
	n := nodetest.InProcess(t, 1, nil)[0]
	s := ofNode(t, n)
	sessions := map[string]string{"A": s.session(), "B": s.session()}
	s.run(sessions, []request{{"A", "POST", "/v1/locks/x", ``, `{term,"session":"A"}`}})
	for _, id := range []string{sessions["B"], ""} {
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan struct{})
		go func() {
			defer close(left)
			body := strings.NewReader(`{"wait":0}`)
			r, err := http.NewRequestWithContext(ctx, "POST", s.url+"/v1/locks/x", body)
			if err != nil {
				t.Error(err)
				return
			}
			if id != "" {
				r.Header.Set("Caucus-Session", id)
			}
			if a, err := s.http.Do(r); err == nil {
				t.Errorf("it was answered %d", a.StatusCode)
				a.Body.Close()
			}
		}()
		nodetest.Eventually(t, "it stands in line", func() bool { return s.size("lock/x") == 2 })
		leave()
		<-left
		nodetest.Eventually(t, "it stands in line no longer", func() bool { return s.size("lock/x") == 1 })
	}
	term := s.number("/v1/groups/lock%2Fx/leader", "term")
	s.run(sessions, []request{{"A", "DELETE", "/v1/locks/x?term=" + term, ``, `{"released":true}`},
		{"", "GET", "/v1/groups/lock%2Fx", ``, `404 NOGROUP lock/x`}})
	nodetest.Eventually(t, "no session is left but A, B and the node's", func() bool {
		info := waist.Of(n).Local(t.Context(), []string{"INFO", "ensemble"})
		return strings.Contains(info.Str, "\r\nsessions:3\r\n")
	})
}

// A node that stops answers those who wait at it. For how long they may wait there is no limit.
func TestWaitsEndWithTheirNode(t *testing.T) {
	n, err := node.Open(t.Context(), node.Config{Data: t.TempDir(), Listen: "127.0.0.1:0",
		PeerListen: "127.0.0.1:0", HTTP: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	s := ofNode(t, n)
	sessions := map[string]string{"A": s.session(), "B": s.session()}
	s.run(sessions, []request{{"A", "POST", "/v1/locks/x", ``, `{term,"session":"A"}`},
		{"A", "POST", "/v1/groups/g/members", `{"as":"ann","settle":0}`, `{"member":"ann","session":"A"}`},
		{"A", "POST", "/v1/groups/g/votes", `{"topic":"t","timeout":600000}`, `{poll}`}})
	poll := s.number("/v1/groups/g/votes", "poll")
	lock, vote := make(chan answer, 1), make(chan answer, 1)
	go func() { lock <- s.as(sessions["B"], "POST", "/v1/locks/x", `{"wait":0}`) }()
	go func() { vote <- s.ask("GET", "/v1/groups/g/votes/"+poll+"?wait=0") }()
	waiting := func() string { return waist.Of(n).Local(t.Context(), []string{"INFO", "clients"}).Str }
	nodetest.Eventually(t, "both wait", func() bool {
		return strings.Contains(waiting(), "blocked_clients:2\r\n")
	})
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	s.refused(<-lock, 504, "UNCERTAIN")
	s.refused(<-vote, 503, "TRYAGAIN")
}
