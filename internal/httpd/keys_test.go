package httpd_test

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/node"
)

// revision matches the answer to a write of a key.
var revision = regexp.MustCompile(`^\{"revision":(\d+)\}$`)

// put writes a key and gives its ETag.
func (s *stage) put(path, body string, headers ...string) (tag string) {
	s.t.Helper()
	a := s.say("PUT", path, body, headers...)
	found := revision.FindStringSubmatch(a.body)
	if a.status != 200 || found == nil || a.header.Get("ETag") != `"`+found[1]+`"` {
		s.t.Fatalf("PUT %s %.80s: %d %s, ETag %s", path, body, a.status, a.body, a.header.Get("ETag"))
	}
	return a.header.Get("ETag")
}

// value reads a key and its ETag.
func (s *stage) value(path string) (body, tag string) {
	s.t.Helper()
	a := s.ask("GET", path)
	if a.status != 200 {
		s.t.Errorf("GET %s: %d %s", path, a.status, a.body)
	}
	return a.body, a.header.Get("ETag")
}

func TestKeys(t *testing.T) {
	doors := nodes(t, 3)
	for i, key := range []string{"k", "a/b", "a b", "..", "%", "\xff\x00", "é", "?#"} {
		path := "/v1/keys/" + strings.ReplaceAll(url.PathEscape(key), "..", "%2E%2E")
		s, other := doors[i%3], doors[(i+1)%3]
		if a := s.ask("GET", path); a.status != 404 || a.word(t) != "ERR" || a.header.Get("ETag") != "" {
			t.Errorf("before: %d %s", a.status, a.body)
		}
		s.expect(s.ask("DELETE", path), 200, `{"deleted":false}`)
		tag := s.put(path, `{"value":"<é>\n"}`)
		want := fmt.Sprintf(`{"value":"<é>\n","revision":%s,"ttl":null,"expires":null}`, strings.Trim(tag, `"`))
		if body, read := other.value(path); body != want || read != tag {
			t.Errorf("%q: %s with %s, want %s with %s", key, body, read, want, tag)
		}
		later := other.put(path, `{"value_b64":"/w=="}`)
		body, read := s.value(path)
		if read != later || read == tag || !strings.HasPrefix(body, `{"value_b64":"/w==",`) {
			t.Errorf("%q: %s with %s after %s", key, body, read, later)
		}
		if a := s.ask("HEAD", path); a.status != 200 || a.body != "" || a.header.Get("ETag") != later {
			t.Errorf("HEAD: %+v", a)
		}
		s.expect(s.ask("DELETE", path), 200, `{"deleted":true}`)
		s.refused(other.ask("GET", path), 404, "ERR")
	}
}

func TestKeysThatEnd(t *testing.T) {
	s := nodes(t, 1)[0]
	const path = "/v1/keys/k"
	ends := regexp.MustCompile(`"ttl":(\d+|null),"expires":(\d+|null)`)
	for _, c := range []struct{ body, ttl, expires string }{
		{`{"value":"x","ttl":600000}`, `\d{6}`, `\d{13}`},
		{`{"value":"y","keepttl":true}`, `\d{6}`, `\d{13}`},
		{`{"value":"z","expires":4000000000000}`, `\d{13}`, `4000000000000`},
		{`{"value":"z","keepttl":false}`, `null`, `null`},
	} {
		s.put(path, c.body)
		body, _ := s.value(path)
		found := ends.FindStringSubmatch(body)
		if found == nil || !regexp.MustCompile("^"+c.ttl+"$").MatchString(found[1]) ||
			!regexp.MustCompile("^"+c.expires+"$").MatchString(found[2]) {
			t.Errorf("%s: %s", c.body, body)
		}
	}
	s.expect(s.say("PUT", path, `{"value":"x","expires":1}`), 200, `{"revision":null}`)
	s.refused(s.ask("GET", path), 404, "ERR")
}

// The ETag is the revision, and If-Match and If-None-Match compare and set.
func TestPreconditions(t *testing.T) {
	s := nodes(t, 1)[0]
	const path = "/v1/keys/k"
	first := s.put(path, `{"value":"1"}`, "If-None-Match", "*")
	second := s.put(path, `{"value":"2"}`, "If-Match", first)
	for _, c := range []struct {
		method, path string
		headers      []string
		status       int
		message      string
	}{
		{"PUT", path, []string{"If-None-Match", "*"}, 412, "exists, at revision " + strings.Trim(second, `"`)},
		{"PUT", path, []string{"If-Match", first}, 412, "is at revision " + strings.Trim(second, `"`)},
		{"PUT", path, []string{"If-Match", `"x", ` + first}, 412, "is at revision"},
		{"PUT", path, []string{"If-Match", "W/" + second}, 412, "is at revision"},
		{"PUT", path, []string{"If-None-Match", "W/" + second}, 412, "exists"},
		{"PUT", path, []string{"If-None-Match", first, "If-None-Match", second}, 412, "exists"},
		{"PUT", "/v1/keys/none", []string{"If-Match", "*"}, 412, "there is no key 'none'"},
		{"PUT", "/v1/keys/none", []string{"If-Match", first}, 412, "there is no key 'none'"},
		{"DELETE", path, []string{"If-Match", first}, 412, "is at revision"},
		{"DELETE", "/v1/keys/none", []string{"If-Match", "*"}, 412, "there is no key"},
		{"GET", path, []string{"If-Match", first}, 412, "is at revision"},
		{"GET", path, []string{"If-None-Match", second}, 304, ""},
		{"GET", path, []string{"If-None-Match", "*"}, 304, ""},
		{"GET", path, []string{"If-None-Match", `"x" ,W/` + second, "If-Match", "*"}, 304, ""},
		{"GET", path, []string{"If-None-Match", first, "If-Match", second}, 200, ""},
		{"GET", "/v1/keys/none", []string{"If-None-Match", second}, 404, "there is no key"},
	} {
		body := ""
		if c.method == "PUT" {
			body = `{"value":"never"}`
		}
		a := s.say(c.method, c.path, body, c.headers...)
		if a.status != c.status || !strings.Contains(a.body, c.message) ||
			c.status == 412 && a.word(t) != "CONFLICT" || c.status == 304 && a.body != "" {
			t.Errorf("%s %s %q: %d %s, want %d %s", c.method, c.path, c.headers, a.status, a.body, c.status, c.message)
		}
		if c.path == path && a.header.Get("ETag") != second {
			t.Errorf("%s %q: ETag %s, want %s", c.method, c.headers, a.header.Get("ETag"), second)
		}
	}
	for _, wrong := range []string{"", "17", `"17`, `17"`, `"1" "2"`, `"1",*`, "*, *", "w/\"1\"", "W/1", ","} {
		for _, header := range []string{"If-Match", "If-None-Match"} {
			a := s.say("PUT", path, `{"value":"never"}`, header, wrong)
			if s.refused(a, 400, "ERR"); !strings.Contains(a.body, header) {
				t.Errorf("%s: %s is answered %s", header, wrong, a.body)
			}
		}
	}
	if body, tag := s.value(path); tag != second || !strings.Contains(body, `"value":"2"`) {
		t.Errorf("it was changed: %s %s", body, tag)
	}
	third := s.put(path, `{"value":"3"}`, "If-Match", `"x" , "y",`+second)
	fourth := s.put(path, `{"value":"4"}`, "If-Match", "*", "If-None-Match", second)
	if third == fourth {
		t.Error("a write gave no new revision")
	}
	a := s.ask("DELETE", path, "If-Match", fourth)
	s.expect(a, 200, `{"deleted":true}`)
	fifth := s.put(path, `{"value":"5"}`, "If-None-Match", "*")
	s.expect(s.as(s.session(), "DELETE", path, ""), 200, `{"deleted":true}`)
	s.refused(s.say("PUT", path, `{"value":"6"}`, "If-Match", fifth), 412, "CONFLICT")
}

// Many who count up one key by compare-and-set, at all nodes, lose nothing.
func TestB8_CompareAndSetLosesNothing(t *testing.T) {
	doors := nodes(t, 3)
	const path, each = "/v1/keys/sum", 10
	doors[0].put(path, `{"value":"0"}`)
	value := regexp.MustCompile(`"value":"(\d+)"`)
	var all sync.WaitGroup
	for i := range 6 {
		s := doors[i%3]
		session := ""
		if i >= 3 {
			session = s.session()
		}
		all.Go(func() {
			for done := 0; done < each; {
				body, tag := s.value(path)
				n := 0
				fmt.Sscan(value.FindStringSubmatch(body)[1], &n)
				headers := []string{"If-Match", tag}
				if session != "" {
					headers = append(headers, "Caucus-Session", session)
				}
				switch a := s.say("PUT", path, fmt.Sprintf(`{"value":"%d"}`, n+1), headers...); a.status {
				case 200:
					done++
				case 412:
				default:
					t.Errorf("%d %s", a.status, a.body)
					return
				}
			}
		})
	}
	all.Wait()
	if body, _ := doors[1].value(path); !strings.Contains(body, fmt.Sprintf(`"value":"%d"`, 6*each)) {
		t.Errorf("the sum is %s, not %d", body, 6*each)
	}
}

func TestListOfKeys(t *testing.T) {
	doors := nodes(t, 2)
	for i := range 25 {
		doors[0].put(fmt.Sprintf("/v1/keys/k%d", i), `{"value":"x"}`)
	}
	doors[0].put("/v1/keys/%FF", `{"value":"x"}`)
	found, pages := map[string]int{}, 0
	for cursor := "0"; cursor != ""; pages++ {
		a := doors[pages%2].ask("GET", "/v1/keys?count=10&type=string&match=k*&cursor="+cursor)
		for _, key := range regexp.MustCompile(`{"key":"(\w+)"}`).FindAllStringSubmatch(a.body, -1) {
			found[key[1]]++
		}
		next := regexp.MustCompile(`^{"keys":\[.*\],"cursor":(?:"(\d+)"|null)}$`).FindStringSubmatch(a.body)
		if next == nil {
			t.Fatalf("%d %s", a.status, a.body)
		}
		cursor = next[1]
	}
	if len(found) != 25 || pages != 3 {
		t.Errorf("%d keys on %d pages: %v", len(found), pages, found)
	}
	s := doors[0]
	s.expect(s.ask("GET", "/v1/keys?match=%FF"), 200, `{"keys":[{"key_b64":"/w=="}],"cursor":null}`)
	s.expect(s.ask("GET", "/v1/keys?match=none"), 200, `{"keys":[],"cursor":null}`)
	s.expect(s.ask("GET", "/v1/keys?type=list"), 200, `{"keys":[],"cursor":null}`)
}

func TestWrongKeys(t *testing.T) {
	s := unhurried(t)
	big := `{"value":"` + strings.Repeat("x", 8<<20) + `"}`
	s.run(nil, []request{
		{"", "PUT", "/v1/keys/k", ``, `400 ERR 'value' is missing`},
		{"", "PUT", "/v1/keys/k", `"x"`, `400 ERR JSON object`},
		{"", "PUT", "/v1/keys/k", `{"value":1}`, `400 ERR 'value' must be a string, not 1`},
		{"", "PUT", "/v1/keys/k", `{"value":"x","value_b64":""}`, `400 ERR exclude each other`},
		{"", "PUT", "/v1/keys/k", `{"value":"x","px":1}`, `400 ERR 'px' is unknown; there is value, ttl`},
		{"", "PUT", "/v1/keys/k", `{"value":"x","ttl":0}`, `400 ERR 'ttl' must be an integer above 0, not 0`},
		{"", "PUT", "/v1/keys/k", `{"value":"x","ttl":"1"}`, `400 ERR 'ttl' must be an integer above 0`},
		{"", "PUT", "/v1/keys/k", `{"value":"x","expires":-1}`, `400 ERR 'expires' must be an integer above 0`},
		{"", "PUT", "/v1/keys/k", `{"value":"x","ttl":9223372036854775807}`, `400 ERR 'ttl' or 'expires'`},
		{"", "PUT", "/v1/keys/k", `{"value":"x","ttl":1,"keepttl":true}`, `400 ERR exclude each other`},
		{"", "PUT", "/v1/keys/k?ttl=1", `{"value":"x"}`, `400 ERR not in the query`},
		{"", "GET", "/v1/keys?count=0", ``, `400 ERR 'count' must be an integer above 0, not 0`},
		{"", "GET", "/v1/keys?cursor=x", ``, `400 ERR 'cursor' must be an integer from 0, not x`},
		{"", "GET", "/v1/keys?x=1", ``, `400 ERR 'x' is unknown; there is match, cursor, count, type`},
		{"", "GET", "/v1/keys/k?x=1", ``, `400 ERR nothing can be stated here`},
		{"", "DELETE", "/v1/keys/k", `{}`, `400 ERR has no body`},
		{"", "GET", "/v1/keys/", ``, `404 ERR nothing at`},
		{"", "GET", "/v1/keys/a/b", ``, `404 ERR %2F`},
	})
	s.put("/v1/keys/k", big)
	over := strings.Replace(big, `"}`, `x"}`, 1)
	s.run(nil, []request{
		{"", "PUT", "/v1/keys/k", over,
			`400 ERR 'value' has 8388609 bytes; it may have 8388608 (proto-max-bulk-len)`},
	})
	s.refused(s.say("PUT", "/v1/keys/k", strings.Repeat(" ", 49<<20+1)), 413, "ERR")
}

// How long a value may be is the node's setting, less than the usual or more, and how long the body may be
// follows it: each byte may take six. The long ones are where the setting is low: under the race detector a
// megabyte of JSON takes a third of a second.
func TestValuesAreAsLongAsTheNodeSays(t *testing.T) {
	for _, c := range []struct {
		most int
		each string
	}{{256 << 10, `\u0001`}, {10 << 20, "x"}} {
		s := ofNode(t, nodetest.InProcess(t, 1, func(_ int, cfg *node.Config) {
			cfg.RequestTimeout, cfg.MaxArgument = patience, c.most
		})[0])
		body := func(n int) string { return `{"value":"` + strings.Repeat(c.each, n) + `"}` }
		s.put("/v1/keys/k", body(c.most))
		s.refused(s.say("PUT", "/v1/keys/k", body(c.most+1)), 400, "ERR")
		s.refused(s.say("POST", "/v1/commands", `["SET","k","`+strings.Repeat("x", c.most+1)+`"]`), 400, "ERR")
		if c.most < 1<<20 {
			s.refused(s.say("PUT", "/v1/keys/k", strings.Repeat(" ", 6*c.most+1<<20+1)), 413, "ERR")
		}
	}
}

// What the ensemble answers is passed on, and nothing is made of it that it does not say.
func TestKeysWhenTheAnswerIsAnother(t *testing.T) {
	wrongType := caucus.Fail(caucus.ErrWrongType, "Operation against a key holding the wrong kind of value")
	for _, c := range []struct {
		why, method string
		headers     []string
		replies     map[string]caucus.Reply
		status      int
		word        string
	}{
		{"the key holds a list", "GET", nil, map[string]caucus.Reply{"GET k": wrongType,
			"OBJECT REVISION": caucus.Int(7)}, 400, "WRONGTYPE"},
		{"nobody leads", "GET", nil, map[string]caucus.Reply{
			"GET k": caucus.Fail(caucus.ErrTryAgain, "nobody leads")}, 503, "TRYAGAIN"},
		{"the outcome is unknown", "PUT", nil, map[string]caucus.Reply{
			"EXEC": caucus.Fail(caucus.ErrUncertain, "who knows")}, 504, "UNCERTAIN"},
		{"memory is full", "PUT", nil, map[string]caucus.Reply{
			"EXEC": caucus.Array(caucus.Fail(caucus.ErrOutOfMemory, "full"), caucus.Nil())}, 507, "OOM"},
		{"the disk is full", "PUT", nil, map[string]caucus.Reply{
			"EXEC": caucus.Fail(caucus.ErrNoSpace, "full")}, 507, "NOSPACE"},
		{"the look fails", "PUT", []string{"If-Match", "*"}, map[string]caucus.Reply{
			"WATCH k": caucus.Fail(caucus.ErrTryAgain, "nobody leads")}, 503, "TRYAGAIN"},
	} {
		_, s := play(t, func(_ context.Context, asked string) caucus.Reply {
			_, asked, _ = strings.Cut(asked, ": ")
			return c.replies[asked]
		}, nil)
		body := ""
		if c.method == "PUT" {
			body = `{"value":"x"}`
		}
		headers := append(c.headers, "Caucus-Session", strings.Repeat("0", 32))
		s.refused(s.say(c.method, "/v1/keys/k", body, headers...), c.status, c.word)
	}
}

// Whoever comes in between makes the change look again, and then it is told what it found.
func TestSomebodyComesBetweenLookAndChange(t *testing.T) {
	for _, c := range []struct {
		next   caucus.Reply // the revision at the second look
		status int
		asked  int
	}{{caucus.Int(7), 200, 12}, {caucus.Int(8), 412, 9}, {caucus.Nil(), 412, 9}} {
		looks := 0
		server, s := play(t, func(_ context.Context, asked string) caucus.Reply {
			_, asked, _ = strings.Cut(asked, ": ")
			switch {
			case asked == "OBJECT REVISION":
				if looks++; looks > 1 {
					return c.next
				}
				return caucus.Int(7)
			case asked == "EXEC" && looks > 2: // one of which stood in the first transaction
				return caucus.Array(caucus.OK(), caucus.Int(9))
			}
			return caucus.NilArray()
		}, nil)
		a := s.say("PUT", "/v1/keys/k", `{"value":"x"}`, "If-Match", `"7"`)
		if a.status != c.status || len(server.asked) != c.asked {
			t.Errorf("%v: %d %s, asked %q", c.next, a.status, a.body, server.asked)
		}
	}
}

// Without a majority nothing is read or written, and it is said so.
func TestKeysWithoutQuorum(t *testing.T) {
	all := nodetest.InProcess(t, 2, nil)
	s := ofNode(t, all[0])
	s.put("/v1/keys/k", `{"value":"x"}`)
	if err := all[1].Close(); err != nil {
		t.Fatal(err)
	}
	nodetest.Eventually(t, "the other node is missed", func() bool {
		return s.ask("GET", "/readyz").status == 503
	})
	s.refused(s.ask("GET", "/v1/keys/k"), 503, "TRYAGAIN")
	s.refused(s.say("POST", "/v1/commands", `["GET","k"]`), 503, "TRYAGAIN")
	if a := s.ask("GET", "/v1/status"); a.status != 200 || !strings.Contains(a.body, `"quorum":false`) {
		t.Errorf("status: %d %s", a.status, a.body)
	}
}
