package doors

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// asks sends a request as a client of bloc does, and gives status and body.
func asks(t *testing.T, method, url string, ids ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		r.Header.Add("Bloc-Session-ID", id)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err.Error()
	}
	return answer.StatusCode, string(body)
}

// settled polls as clients of bloc do until each has the share that is wanted of it.
func settled(t *testing.T, base string, shares map[string]string) {
	t.Helper()
	nodetest.Eventually(t, "everybody has his share", func() bool {
		all := true
		for id, want := range shares {
			_, body := asks(t, "GET", base+"/index", id)
			all = all && body == want
		}
		return all
	})
}

func TestBloc(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3, nodetest.Flags("-t", "2", "-s", "0.3"))
	for _, prefix := range []string{"", "/g/team/blue"} {
		base := "http://" + c.HTTP(0) + prefix
		if status, body := asks(t, "GET", base+"/index", "ann"); status != 200 || body != `{"status": "SETTLING"}` {
			t.Errorf("the first GET: %d %s", status, body)
		}
		settled(t, base, map[string]string{"ann": `{"status": "SETTLED", "index": 1, "total": 1}`})
		settled(t, base, map[string]string{"ann": `{"status": "SETTLED", "index": 1, "total": 2}`,
			"an odd name": `{"status": "SETTLED", "index": 2, "total": 2}`})
		if status, body := asks(t, "DELETE", base+"/session", "ann"); status != 200 || body != "{}" {
			t.Errorf("DELETE: %d %s", status, body)
		}
		settled(t, base, map[string]string{"an odd name": `{"status": "SETTLED", "index": 1, "total": 1}`})
		for _, wrong := range []struct {
			method, path string
			ids          []string
			status       int
		}{
			{"GET", "/index", nil, 400}, {"GET", "/index", []string{"a", "b"}, 400},
			{"GET", "/index", []string{strings.Repeat("x", 256)}, 400}, {"GET", "/index", []string{""}, 400},
			{"DELETE", "/session", nil, 400}, {"DELETE", "/session", []string{"ann"}, 404},
			{"DELETE", "/session", []string{"nobody"}, 404},
		} {
			if status, body := asks(t, wrong.method, base+wrong.path, wrong.ids...); status != wrong.status {
				t.Errorf("%s %s %q: %d %s, want %d", wrong.method, wrong.path, wrong.ids, status, body, wrong.status)
			}
		}
	}
	// The same clients go on at another node when theirs is killed, even the leading one.
	dead := c.Leader()
	c.Kill(dead)
	other := "http://" + c.HTTP((dead+1)%3)
	settled(t, other, map[string]string{"x": `{"status": "SETTLED", "index": 1, "total": 1}`})
}

func TestHealthAndReadiness(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 2)
	for i := range c.Size() {
		for _, path := range []string{"/healthz", "/readyz"} {
			if status, body := asks(t, "GET", "http://"+c.HTTP(i)+path); status != 200 {
				t.Errorf("%s%s: %d %s", c.Name(i), path, status, body)
			}
		}
	}
	c.Kill(0)
	nodetest.Eventually(t, "without a majority nobody is ready", func() bool {
		status, body := asks(t, "GET", "http://"+c.HTTP(1)+"/readyz")
		return status == 503 && strings.Contains(body, `"reason"`)
	})
	if status, body := asks(t, "GET", "http://"+c.HTTP(1)+"/index", "x"); status != 503 {
		t.Errorf("GET /index without a majority: %d %s", status, body)
	}
	if status, _ := asks(t, "GET", "http://"+c.HTTP(1)+"/healthz"); status != 200 {
		t.Errorf("a living process is not healthy: %d", status)
	}
	c.Restart(0)
	c.Settled()
}

// A session over HTTP outlives the node that it was opened at, and goes on at any other.
func TestHTTPSessionsOutliveTheirNode(t *testing.T) {
	t.Parallel()
	c := nodetest.Start(t, 3)
	say := func(i int, session, method, path, body string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(context.Background(), method, "http://"+c.HTTP(i)+path,
			strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if session != "" {
			r.Header.Set("Caucus-Session", session)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return err.Error()
		}
		defer answer.Body.Close()
		said, err := io.ReadAll(answer.Body)
		if err != nil {
			return err.Error()
		}
		return string(said)
	}
	first := c.Leader()
	var opened struct{ Session, Member string }
	joined := say(first, "", "POST", "/v1/groups/g/members", `{"as":"ann","settle":0,"ttl":600000}`)
	if err := json.Unmarshal([]byte(joined), &opened); err != nil || opened.Member != "ann" {
		t.Fatal(joined)
	}
	had := say(first, opened.Session, "POST", "/v1/locks/l", "")
	c.Kill(first)
	next := (first + 1) % 3
	var index struct{ Index, Total int64 }
	nodetest.Eventually(t, "the member goes on elsewhere", func() bool {
		said := say(next, opened.Session, "GET", "/v1/groups/g/index", "")
		return json.Unmarshal([]byte(said), &index) == nil && index.Index == 1 && index.Total == 1
	})
	for _, r := range []struct{ method, path, body, want string }{
		{"POST", "/v1/locks/l", "", had},
		{"POST", "/v1/groups/g/messages", `{"payload":"here I am"}`, `{"addressed":1}`},
		{"PUT", "/v1/groups/g/members/ann/metadata", `{"metadata":"moved"}`, `{}`},
		{"DELETE", "/v1/groups/g/members/ann", "", `{"left":true}`},
		{"DELETE", "/v1/sessions/" + opened.Session, "", `{"closed":true}`},
	} {
		said := ""
		nodetest.Eventually(t, r.path+" is answered", func() bool {
			said = say(next, opened.Session, r.method, r.path, r.body)
			return !strings.Contains(said, "TRYAGAIN")
		})
		if said != r.want {
			t.Errorf("%s %s: %s, want %s", r.method, r.path, said, r.want)
		}
	}
	c.Restart(first)
	c.Settled()
}
