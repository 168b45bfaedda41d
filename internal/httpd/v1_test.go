package httpd_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/httpd"
	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/node"
)

// ofNode is a client of the HTTP door of a real node.
func ofNode(t testing.TB, n *node.Node) *stage {
	resp, _, addr := n.Addresses()
	s := &stage{t: t, resp: resp, url: "http://" + addr,
		http: &http.Client{Transport: &http.Transport{}, Timeout: patience}}
	t.Cleanup(s.http.CloseIdleConnections)
	return s
}

// nodes are the doors of so many real nodes of one ensemble.
func nodes(t *testing.T, n int) (doors []*stage) {
	for _, n := range nodetest.InProcess(t, n, nil) {
		doors = append(doors, ofNode(t, n))
	}
	return doors
}

// unhurried is a door of one node for requests that are so large that they may take their time.
func unhurried(t *testing.T) *stage {
	slow := func(_ int, cfg *node.Config) { cfg.RequestTimeout = patience }
	return ofNode(t, nodetest.InProcess(t, 1, slow)[0])
}

// session opens a session that does not end by itself in a test.
func (s *stage) session() string {
	s.t.Helper()
	a := s.say("POST", "/v1/sessions", `{"ttl":600000}`)
	id := regexp.MustCompile(`^\{"session":"([0-9a-f]{32})"\}$`).FindStringSubmatch(a.body)
	if a.status != 200 || id == nil {
		s.t.Fatalf("no session: %d %s", a.status, a.body)
	}
	return id[1]
}

// as sends a request for a session; "" names none.
func (s *stage) as(session, method, path, body string) answer {
	s.t.Helper()
	if session == "" {
		return s.say(method, path, body)
	}
	return s.say(method, path, body, "Caucus-Session", session)
}

// request is one of a table: "A" and "B" stand for sessions. An answer that begins with { is 200; else it is
// the status, the word, and something that the message says.
type request struct{ session, method, path, body, want string }

// run makes requests one after the other, and gives which routes they used.
func (s *stage) run(sessions map[string]string, table []request) {
	s.t.Helper()
	for _, r := range table {
		path, body := r.path, r.body
		for name, id := range sessions {
			path = strings.ReplaceAll(path, "/"+name+"/", "/"+id+"/")
		}
		a := s.as(sessions[r.session], r.method, path, body)
		got := fmt.Sprint(a.status, " ", a.body)
		if strings.HasPrefix(r.want, "{") {
			for name, id := range sessions {
				got = strings.ReplaceAll(got, id, name)
			}
			got = passing.ReplaceAllString(got, "$1")
			if got != "200 "+r.want {
				s.t.Errorf("%s %s %s %s\nanswers %s\nnot     200 %s", r.session, r.method, r.path, r.body, got, r.want)
			}
			continue
		}
		status, rest, _ := strings.Cut(r.want, " ")
		word, message, _ := strings.Cut(rest, " ")
		if fmt.Sprint(a.status) != status || a.word(s.t) != word || !strings.Contains(a.body, message) {
			s.t.Errorf("%s %s %s %.200s\nanswers %s\nnot     %s", r.session, r.method, r.path, r.body, got, r.want)
		}
	}
}

const (
	promised = `"promise_ms":600000,time_us,version`
	nobody   = `"promise_ms":null,"time_us":null,"version":null`
)

// TestEveryRoute asks for each once or more, in good order.
func TestEveryRoute(t *testing.T) {
	s := nodes(t, 1)[0]
	ann := `{"name":"ann","order":1,"index":1,"leader":true,"priority":5,"node":"n1","metadata_b64":"/w=="}`
	s.run(map[string]string{"A": s.session(), "B": s.session()}, []request{
		{"", "POST", "/v1/sessions/A/keepalive", "", `{` + promised + `}`},
		{"", "GET", "/v1/groups", "", `{"groups":["nodes"]}`},
		{"", "PUT", "/v1/groups/a%2Fb", `{"settle":0,"slots":3}`, `{}`},
		{"", "PUT", "/v1/groups/a%2Fb", `{"settle":0}`, `{}`},
		{"", "PUT", "/v1/groups/a%2Fb", `{"settle":7}`, `409 CONFLICT 7`},
		{"", "PUT", "/v1/groups/talk",
			`{"noleader":true,"min":2,"ttl":500,"grace":300,"heartbeat":100,"votetimeout":99}`, `{}`},
		{"", "PUT", "/v1/groups/talk", `{"votetimeout":98}`, `409 CONFLICT VOTETIMEOUT 99`},
		{"", "PUT", "/v1/groups/talk", `{"heartbeat":98}`, `409 CONFLICT HEARTBEAT 100`},
		{"", "GET", "/v1/groups", "", `{"groups":["a/b","nodes","talk"]}`},
		{"", "GET", "/v1/groups?match=t*", "", `{"groups":["talk"]}`},
		{"", "GET", "/v1/groups/a%2Fb/members", "", `{"members":[]}`},
		{"", "GET", "/v1/groups/a%2Fb/leader", "", `{"member":null,"term":null,"metadata":null,` + nobody + `}`},
		{"A", "POST", "/v1/groups/a%2Fb/members", `{"as":"ann","priority":5,"metadata_b64":"/w=="}`,
			`{"member":"ann","session":"A"}`},
		{"A", "POST", "/v1/groups/a%2Fb/members", ``, `{"member":"ann","session":"A"}`},
		{"A", "POST", "/v1/groups/a%2Fb/members", `{"as":"other"}`, `409 CONFLICT ann`},
		{"", "GET", "/v1/groups/a%2Fb/members/ann", "", ann},
		{"", "GET", "/v1/groups/a%2Fb/members", "", `{"members":[` + ann + `]}`},
		{"", "GET", "/v1/groups/a%2Fb/members?after=1&count=5", "", `{"members":[]}`},
		{"A", "GET", "/v1/groups/a%2Fb/index", "", `{"index":1,"total":1,epoch,` + promised + `}`},
		{"", "GET", "/v1/groups/a%2Fb/index?member=ann", "", `{"index":1,"total":1,epoch,` + nobody + `}`},
		{"A", "GET", "/v1/groups/a%2Fb/slots", "", `{"slots":[0,1,2],epoch,` + promised + `}`},
		{"", "GET", "/v1/groups/a%2Fb/slots?member=ann&revoking=true", "", `{"slots":[],epoch,` + nobody + `}`},
		{"A", "GET", "/v1/groups/a%2Fb/leader?version=0", "", `{"member":"ann",term,"metadata_b64":"/w==",` +
			promised + `}`},
		{"A", "PUT", "/v1/groups/a%2Fb/members/ann/metadata", `{"metadata":"\u0001<é>\n"}`, `{}`},
		{"", "GET", "/v1/groups/a%2Fb/members/ann", "", strings.Replace(ann, `"metadata_b64":"/w=="`,
			`"metadata":"\u0001<é>\n"`, 1)},
		{"B", "POST", "/v1/groups/a%2Fb/members", `{"as":"bob"}`, `{"member":"bob","session":"B"}`},
		{"B", "GET", "/v1/groups/a%2Fb/index", "", `{"index":null,"total":null,"epoch":null,` + promised + `}`},
		{"A", "POST", "/v1/groups/a%2Fb/messages", `{"payload":"x"}`, `{"addressed":2}`},
		{"A", "POST", "/v1/groups/a%2Fb/messages", `{"payload_b64":"AP8=","ordered":true}`, `{"addressed":2}`},
		{"B", "POST", "/v1/groups/a%2Fb/messages", `{"payload":"","leader":true,"ordered":false}`,
			`{"addressed":1}`},
		{"B", "POST", "/v1/groups/a%2Fb/messages", `{"payload":"x","to":"ann"}`, `{"addressed":1}`},
		{"B", "POST", "/v1/groups/a%2Fb/messages", `{"payload":"x","to":"zoe"}`, `404 NOMEMBER zoe`},
		{"B", "POST", "/v1/groups/a%2Fb/messages", `{"payload":"x","to":"ann","leader":true}`,
			`400 ERR 'to', 'leader' and 'ordered' exclude each other`},
		{"B", "POST", "/v1/groups/talk/messages", `{"payload":"x","leader":true}`, `400 ERR noleader`},
		{"", "GET", "/v1/groups/a%2Fb/shares", "",
			`{"shares":[{"member":"ann","order":1,"slots":"0-2","revoking":""},` +
				`{"member":"bob","order":2,"slots":"","revoking":""}]}`},
		{"", "GET", "/v1/groups/a%2Fb/shares?count=1", "",
			`{"shares":[{"member":"ann","order":1,"slots":"0-2","revoking":""}]}`},
		{"", "GET", "/v1/groups/a%2Fb/shares?after=2&count=7", "", `{"shares":[]}`},
		{"A", "POST", "/v1/groups/a%2Fb/release", `{"slots":[2,1]}`, `{"released":2}`},
		{"A", "POST", "/v1/groups/a%2Fb/release", `{"slots":[2]}`, `{"released":0}`},
		{"A", "POST", "/v1/groups/a%2Fb/resign", ``, `{term}`},
		{"", "GET", "/v1/groups/a%2Fb/leader", ``, `{"member":"bob",term,"metadata":"",` + nobody + `}`},
		{"B", "POST", "/v1/groups/a%2Fb/transfer", `{"member":"ann"}`, `{term}`},
		{"", "GET", "/v1/groups/a%2Fb/votes", ``, `{"votes":[]}`},
		{"", "DELETE", "/v1/groups/a%2Fb", ``, `400 ERR members`},
		{"B", "DELETE", "/v1/groups/a%2Fb/members/ann", ``, `403 NOPERM another session`},
		{"B", "PUT", "/v1/groups/a%2Fb/members/ann/metadata", `{"metadata":""}`, `403 NOPERM another session`},
		{"B", "DELETE", "/v1/groups/a%2Fb/members/bob", ``, `{"left":true}`},
		{"B", "DELETE", "/v1/groups/a%2Fb/members/bob", ``, `404 NOMEMBER bob`},
		{"", "DELETE", "/v1/groups/a%2Fb/members/ann", ``, `{"evicted":true}`},
		{"", "POST", "/v1/sessions/A/keepalive", "", `404 NOSESSION evicted`},
		{"A", "POST", "/v1/groups/a%2Fb/messages", `{"payload":"x"}`, `404 NOSESSION POST /v1/sessions opens`},
		{"", "DELETE", "/v1/groups/talk", ``, `{"deleted":true}`},
		{"", "DELETE", "/v1/groups/talk", ``, `{"deleted":false}`},
	})
}

func TestVotesAndLocks(t *testing.T) {
	s := nodes(t, 1)[0]
	sessions := map[string]string{"A": s.session(), "B": s.session()}
	s.run(sessions, []request{
		{"A", "POST", "/v1/groups/g/votes", `{"topic":"x"}`, `404 NOGROUP g`},
		{"A", "POST", "/v1/groups/g/members", `{"as":"ann","settle":0}`, `{"member":"ann","session":"A"}`},
		{"B", "POST", "/v1/groups/g/members", `{"as":"bob","settle":0}`, `{"member":"bob","session":"B"}`},
		{"A", "POST", "/v1/groups/g/votes", `{"topic_b64":"/w==","consensus":true,"timeout":600000}`, `{poll}`},
	})
	list := s.ask("GET", "/v1/groups/g/votes")
	found := regexp.MustCompile(`"poll":(\d+),"topic_b64":"/w==","kind":"consensus","state":"open"`).
		FindStringSubmatch(list.body)
	if found == nil {
		t.Fatal(list.body)
	}
	poll := "/v1/groups/g/votes/" + found[1]
	answered := make(chan answer, 1)
	go func() { answered <- s.ask("GET", poll+"?wait=0") }()
	s.run(sessions, []request{
		{"", "GET", poll, ``, `{"outcome":null,"yes":null,"no":null,"electorate":null}`},
		{"", "GET", poll + "?wait=1", ``, `{"outcome":null,"yes":null,"no":null,"electorate":null}`},
		{"", "GET", "/v1/groups/g/votes/1", ``, `404 NOPOLL 1`},
		{"A", "POST", poll + "/cast", `{"vote":"yes"}`, `{}`},
		{"A", "POST", poll + "/cast", `{"vote":"yes"}`, `{}`},
		{"A", "POST", poll + "/cast", `{"vote":"no"}`, `409 CONFLICT yes`},
		{"A", "POST", poll + "/cast", `{"vote":"perhaps"}`, `400 ERR 'vote' must be yes or no, not perhaps`},
		{"B", "POST", poll + "/cast", `{"vote":"no"}`, `{}`},
		{"", "GET", poll, ``, `{"outcome":"no","yes":1,"no":1,"electorate":2}`},
		{"", "POST", poll + "/cast", `{"vote":"no"}`, `404 NOSESSION POST /v1/sessions`},
	})
	s.expect(<-answered, 200, `{"outcome":"no","yes":1,"no":1,"electorate":2}`)

	s.run(sessions, []request{
		{"A", "POST", "/v1/locks/x%2Fy", ``, `{term,"session":"A"}`},
		{"A", "POST", "/v1/locks/x%2Fy", `{"wait":0}`, `{term,"session":"A"}`},
		{"B", "POST", "/v1/locks/x%2Fy", ``, `{"term":null,"session":"B"}`},
		{"B", "POST", "/v1/locks/x%2Fy", `{"wait":1}`, `{"term":null,"session":"B"}`},
		{"", "POST", "/v1/locks/x%2Fy", `{"ttl":700000}`, `{"term":null,"session":null}`},
		{"B", "DELETE", "/v1/locks/x%2Fy?term=1", ``, `{"released":false}`},
		{"", "DELETE", "/v1/locks/x%2Fy?term=1", ``, `404 NOSESSION POST /v1/sessions`},
	})
	go func() { answered <- s.as(sessions["B"], "POST", "/v1/locks/x%2Fy", `{"wait":0}`) }()
	nodetest.Eventually(t, "B stands in line", func() bool { return s.size("lock/x/y") == 2 })
	// While it waits, B may do other things.
	s.run(sessions, []request{
		{"B", "POST", "/v1/groups/g/messages", `{"payload":"meanwhile"}`, `{"addressed":2}`},
		{"A", "DELETE", "/v1/locks/x%2Fy?term=" + s.number("/v1/groups/lock%2Fx%2Fy/leader", "term"), ``,
			`{"released":true}`},
	})
	had := regexp.MustCompile(`^{"term":\d+,"session":"` + sessions["B"] + `"}$`)
	if a := <-answered; !had.MatchString(a.body) {
		t.Errorf("B is answered %d %s", a.status, a.body)
	}
}

// number gives a field of an answer.
func (s *stage) number(path, field string) string {
	s.t.Helper()
	a := s.ask("GET", path)
	found := regexp.MustCompile(`"` + field + `":(\d+)`).FindStringSubmatch(a.body)
	if a.status != 200 || found == nil {
		s.t.Fatalf("%s: %d %s", path, a.status, a.body)
	}
	return found[1]
}

// size gives how many members a group has, 0 when there is none.
func (s *stage) size(group string) (n int) {
	a := s.ask("GET", "/v1/groups/"+url.PathEscape(group))
	var info struct{ Size int }
	if err := json.Unmarshal([]byte(a.body), &info); err != nil {
		s.t.Error(err)
	}
	return info.Size
}

// Who names no session and needs one is given one, which is like any other.
func TestSessionsThatAreOpenedOnTheWay(t *testing.T) {
	s := nodes(t, 1)[0]
	for path, body := range map[string]string{"/v1/groups/g/members": `{"as":"ann","settle":0,"ttl":600000}`,
		"/v1/locks/x": `{"ttl":600000}`, "/v1/locks/y": `{"ttl":600000,"wait":1000}`} {
		a := s.say("POST", path, body)
		var opened struct{ Session string }
		if err := json.Unmarshal([]byte(a.body), &opened); err != nil || len(opened.Session) != 32 {
			t.Fatalf("%s: %d %s", path, a.status, a.body)
		}
		s.run(map[string]string{"A": opened.Session}, []request{
			{"A", "POST", path, ``, strings.ReplaceAll(passing.ReplaceAllString(a.body, "$1"), opened.Session, "A")},
			{"", "POST", "/v1/sessions/A/keepalive", ``, `{` + promised + `}`},
			{"", "DELETE", "/v1/sessions/A/", ``, `404 ERR nothing`},
		})
		for _, want := range []string{`{"closed":true}`, `{"closed":false}`} {
			s.expect(s.ask("DELETE", "/v1/sessions/"+opened.Session), 200, want)
		}
		s.refused(s.ask("POST", "/v1/sessions/"+opened.Session+"/keepalive"), 404, "NOSESSION")
	}
	s.expect(s.ask("GET", "/v1/groups"), 200, `{"groups":["nodes"]}`)
}

// Whatever is wrong is named, and nothing is done.
func TestWrongInput(t *testing.T) {
	s := nodes(t, 1)[0]
	sessions := map[string]string{"A": s.session()}
	big := strings.Repeat("x", 1<<20+1)
	s.run(sessions, []request{
		{"", "POST", "/v1/sessions", `{"ttl":"5"}`, `400 ERR 'ttl' must be an integer`},
		{"", "POST", "/v1/sessions", `{"ttl":5.5}`, `400 ERR 'ttl' must be an integer`},
		{"", "POST", "/v1/sessions", `{"ttl":1e4}`, `400 ERR 'ttl' must be an integer`},
		{"", "POST", "/v1/sessions", `{"ttl":null}`, `400 ERR 'ttl' must be an integer`},
		{"", "POST", "/v1/sessions", `{"ttl":99999999999999999999}`, `400 ERR 'ttl' must be an integer`},
		{"", "POST", "/v1/sessions", `{"ttl":99}`, `400 ERR TTL must be from 100`},
		{"", "POST", "/v1/sessions", `{"TTL":5000}`, `400 ERR 'TTL' is unknown; there is ttl, grace`},
		{"", "POST", "/v1/sessions", `{"ttl":5000,"ttl":5000}`, `400 ERR 'ttl' stands there twice`},
		{"", "POST", "/v1/sessions", `[5000]`, `400 ERR must be a JSON object`},
		{"", "POST", "/v1/sessions", `null`, `400 ERR must be a JSON object`},
		{"", "POST", "/v1/sessions", `{"ttl":5000`, `400 ERR not JSON`},
		{"", "POST", "/v1/sessions", `{"ttl":5000}{}`, `400 ERR not JSON`},
		{"", "POST", "/v1/sessions", `ttl=5000`, `400 ERR not JSON`},
		{"", "POST", "/v1/sessions", "{\"\xff\":1}", `400 ERR not UTF-8`},
		{"", "POST", "/v1/sessions?ttl=5000", ``, `400 ERR in its body, not in the query`},
		{"", "POST", "/v1/sessions/A/keepalive", `{"version":7,"x":1}`, `400 ERR 'x' is unknown`},
		{"", "POST", "/v1/sessions/A/keepalive", `{"version":-1}`, `400 ERR 'version' must be an integer from 0`},
		{"", "POST", "/v1/sessions/abc/keepalive", ``, `400 ERR 'abc' is no session`},
		{"", "GET", "/v1/groups?match=a&match=b", ``, `400 ERR 'match' stands there twice`},
		{"", "GET", "/v1/groups?x=1", ``, `400 ERR 'x' is unknown; there is match`},
		{"", "GET", "/v1/groups?%zz", ``, `400 ERR the query cannot be read`},
		{"", "GET", "/v1/groups", `{}`, `400 ERR in the query and has no body`},
		{"", "GET", "/v1/groups/g", ``, `404 NOGROUP g`},
		{"", "GET", "/v1/groups/g?x", ``, `400 ERR nothing can be stated`},
		{"", "GET", "/v1/groups/a%20b", ``, `400 ERR a group name`},
		{"", "GET", "/v1/groups/%2e%2e", ``, `400 ERR a group name`},
		{"", "PUT", "/v1/groups/" + strings.Repeat("x", 256), ``, `400 ERR a group name`},
		{"", "PUT", "/v1/groups/g", `{"ttl":600,"heartbeat":201}`, `400 ERR HEARTBEAT 201 must be a third`},
		{"", "PUT", "/v1/groups/g", `{"noleader":1}`, `400 ERR 'noleader' must be true or false`},
		{"", "PUT", "/v1/groups/g", `{"noleader":null}`, `400 ERR 'noleader' must be true or false`},
		{"", "PUT", "/v1/groups/g", `{"slots":-1}`, `400 ERR SLOTS must be from 0`},
		{"", "DELETE", "/v1/groups/g", `{"x":1}`, `400 ERR has no body`},
		{"", "PUT", "/v1/groups/nodes", ``, `403 NOPERM the ensemble's own nodes`},
		{"", "DELETE", "/v1/groups/nodes", ``, `403 NOPERM the ensemble's own nodes`},
		{"A", "POST", "/v1/groups/nodes/members", ``, `403 NOPERM the ensemble's own nodes`},
		{"", "GET", "/v1/groups/g/members?count=x", ``, `400 ERR 'count' must be an integer`},
		{"", "GET", "/v1/groups/g/members?count=", ``, `400 ERR 'count' must be an integer`},
		{"A", "POST", "/v1/groups/g/members", `{"as":7}`, `400 ERR 'as' must be a string`},
		{"A", "POST", "/v1/groups/g/members", `{"as":"a b"}`, `400 ERR member name`},
		{"A", "POST", "/v1/groups/g/members", `{"metadata":"a","metadata_b64":"YQ=="}`,
			`400 ERR exclude each other`},
		{"A", "POST", "/v1/groups/g/members", `{"metadata_b64":"%"}`, `400 ERR 'metadata_b64' is not base64`},
		{"A", "POST", "/v1/groups/g/members", `{"metadata":"\ud800"}`, `400 ERR 'metadata' must be a string`},
		{"A", "POST", "/v1/groups/g/members", `{"metadata":"\\ufffd\ud800"}`, `400 ERR must be a string`},
		{"A", "POST", "/v1/groups/g/members", `{"metadata":"\uFFFD\ud800"}`, `400 ERR 'metadata' must be a string`},
		{"A", "POST", "/v1/groups/g/members", `{"as_b64":"YQ=="}`, `400 ERR 'as_b64' is unknown`},
		{"A", "POST", "/v1/groups/g/members", `{"priority":101}`, `400 ERR PRIORITY must be`},
		{"", "GET", "/v1/groups/g/index?version=x", ``, `400 ERR 'version' must be an integer`},
		{"", "GET", "/v1/groups/g/slots?revoking", ``, `400 ERR 'revoking' must be true or false`},
		{"", "POST", "/v1/groups/g/transfer", ``, `400 ERR 'member' is missing`},
		{"", "GET", "/v1/groups/none/shares", ``, `404 NOGROUP`},
		{"", "GET", "/v1/groups/nodes/shares?count=0", ``, `400 ERR COUNT`},
		{"A", "POST", "/v1/groups/g/release", `{"slots":[1,"2"]}`, `400 ERR 'slots' must be an array of integers`},
		{"A", "POST", "/v1/groups/g/release", `{"slots":null}`, `400 ERR 'slots' must be an array of integers`},
		{"A", "POST", "/v1/groups/g/release", `{"slots":[]}`, `400 ERR`},
		{"A", "POST", "/v1/groups/g/messages", `{"ordered":true}`, `400 ERR 'payload' is missing`},
		{"A", "POST", "/v1/groups/g/votes", `{"topic":"t","majority":true,"consensus":true}`, `400 ERR exclude`},
		{"A", "POST", "/v1/groups/g/votes/x/cast", `{"vote":"yes"}`, `400 ERR`},
		{"", "GET", "/v1/groups/g/votes/7?wait=-1", ``, `404 NOGROUP g`},
		{"A", "POST", "/v1/locks/x", `{"wait":-1}`, `400 ERR WAIT must be`},
		{"A", "POST", "/v1/locks/%20", ``, `400 ERR a lock name`},
		{"A", "DELETE", "/v1/locks/x", ``, `400 ERR 'term' is missing`},
		{"A", "POST", "/v1/sessions", `{"ttl":5000,"x":"` + big + `"}`, `413 ERR 1048576`},
	})
	s.expect(s.ask("GET", "/v1/groups"), 200, `{"groups":["nodes"]}`)
	s.refused(s.ask("GET", "/g/nodes/index", "Bloc-Session-ID", "n1"), 403, "NOPERM")
	a := s.ask("GET", "/v1/groups", "Caucus-Session", sessions["A"], "Caucus-Session", sessions["A"])
	s.refused(a, 400, "ERR")
	s.refused(s.as("x", "GET", "/v1/groups", ""), 400, "ERR")
	s.refused(s.as(strings.Repeat("0", 32), "POST", "/v1/groups/g/resign", ""), 404, "NOGROUP")
	s.refused(s.as(strings.Repeat("0", 32), "POST", "/v1/groups/g/members", ""), 404, "NOSESSION")
}

// A message may have its full size, whatever its bytes cost in JSON; one byte more is too much.
func TestLargestMessage(t *testing.T) {
	s := unhurried(t)
	id := s.session()
	s.expect(s.as(id, "PUT", "/v1/groups/g", ``), 200, `{}`)
	for text, size := range map[string]int{"x": 1, `\u0001`: 1, "é": 2} {
		most := 1 << 20 / size
		payload := strings.Repeat(text, most)
		a := s.as(id, "POST", "/v1/groups/g/messages", `{"payload":"`+payload+`","ordered":true}`)
		s.expect(a, 200, `{"addressed":0}`)
		a = s.as(id, "POST", "/v1/groups/g/messages", `{"payload":"`+payload+text+`"}`)
		s.refused(a, 400, "ERR")
	}
}

// Each path takes its methods, and says so to all others.
func TestMethods(t *testing.T) {
	s := open(t, httpd.Config{})
	takes := map[string][]string{}
	for _, r := range httpd.Routes() {
		method, path, _ := strings.Cut(r, " ")
		takes[path] = append(takes[path], method)
		if method == "GET" {
			takes[path] = append(takes[path], "HEAD")
		}
	}
	for path, methods := range takes {
		slices.Sort(methods)
		for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"} {
			if slices.Contains(methods, method) {
				continue
			}
			a := s.ask(method, strings.NewReplacer("{", "", "}", "").Replace(path))
			s.refused(a, 405, "ERR")
			if got := a.header.Get("Allow"); got != strings.Join(methods, ", ") {
				t.Errorf("%s %s: Allow %q, want %q", method, path, got, methods)
			}
		}
	}
	real := nodes(t, 1)[0]
	if a := real.ask("HEAD", "/v1/groups"); a.status != 200 || a.body != "" ||
		a.header.Get("Content-Length") != "20" {
		t.Errorf("HEAD: %+v", a)
	}
}

// Each option of a command can be stated in the request that stands for it.
func TestNoOptionIsForgotten(t *testing.T) {
	s := open(t, httpd.Config{})
	word := regexp.MustCompile(`[A-Z]{2,}`)
	for name, way := range map[string]string{"session|open": "POST /v1/sessions", "group|list": "GET /v1/groups",
		"group|create": "PUT /v1/groups/g", "group|join": "POST /v1/groups/g/members",
		"group|members": "GET /v1/groups/g/members", "group|index": "GET /v1/groups/g/index",
		"group|slots": "GET /v1/groups/g/slots", "group|send": "POST /v1/groups/g/messages",
		"vote|call": "POST /v1/groups/g/votes", "vote|result": "GET /v1/groups/g/votes/1",
		"lock|acquire": "POST /v1/locks/l"} {
		spec, err := command.New().Lookup(append(strings.Split(strings.ToUpper(name), "|"), "a", "b", "c", "d"))
		if err != nil {
			t.Fatal(err)
		}
		method, path, _ := strings.Cut(way, " ")
		for _, option := range word.FindAllString(spec.Usage, -1) {
			field := strings.ToLower(strings.Replace(option, "META", "METADATA", 1))
			a := s.say(method, path, `{"`+field+`":{}}`)
			if method == "GET" {
				a = s.ask(method, path+"?"+field+"=")
			}
			if strings.Contains(a.body, "'"+field+"' is unknown") {
				t.Errorf("%s has %s, which is refused: %d %s", name, option, a.status, a.body)
			}
		}
	}
}
