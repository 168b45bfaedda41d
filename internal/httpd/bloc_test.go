package httpd_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/httpd"
	"pgregory.net/rapid"
)

// python is a model of bloc's own client: whatever is not a share of the work is None.
type python struct {
	http         *http.Client
	server, id   string // server is what the user gives: host:port, or host:port/prefix
	index, total int
	settled      bool
}

func (s *stage) python(prefix, id string) *python {
	return &python{http: s.http, server: strings.TrimPrefix(s.url, "http://") + prefix, id: id}
}

func (p *python) request(ctx context.Context, method, path string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://"+p.server+path, nil)
	if err != nil {
		return nil, err
	}
	r.Header["Bloc-Session-ID"] = []string{p.id}
	return p.http.Do(r)
}

func (p *python) heartbeat() {
	p.settled = false
	resp, err := p.request(context.Background(), "GET", "/index")
	if err != nil {
		return
	}
	defer resp.Body.Close()
	var content struct {
		Status       string
		Index, Total int
	}
	if resp.StatusCode != 200 || json.NewDecoder(resp.Body).Decode(&content) != nil {
		return
	}
	p.settled, p.index, p.total = content.Status == "SETTLED", content.Index, content.Total
}

// stop says goodbye and waits for at most a second.
func (p *python) stop() (status int) {
	p.settled = false
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	resp, err := p.request(ctx, "DELETE", "/session")
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func (p *python) share() string {
	if !p.settled {
		return "None"
	}
	return fmt.Sprint(p.index, "/", p.total)
}

func TestAnswersAreBlocsToTheByte(t *testing.T) {
	s := open(t, httpd.Config{})
	s.expect(s.index("a"), 200, settling)
	s.expect(s.index("a"), 200, settling)
	s.settle("bloc")
	s.expect(s.index("a"), 200, `{"status": "SETTLED", "index": 1, "total": 1}`)
	gone := s.ask("DELETE", "/session", "Bloc-Session-ID", "a")
	s.expect(gone, 200, `{}`)
	if got := gone.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control is %q; a kept share is nobody's", got)
	}
	s.refused(s.ask("DELETE", "/session", "Bloc-Session-ID", "a"), 404, "NOSESSION")
}

func TestPythonClientsShareTheWork(t *testing.T) {
	for _, prefix := range []string{"", "/g/otter/scheduler"} {
		s := open(t, httpd.Config{})
		group := "bloc"
		if prefix != "" {
			group = strings.TrimPrefix(prefix, "/g/")
		}
		a, b := s.python(prefix, "365f54e9"), s.python(prefix, "f6a6a396")
		beat := func(want string) {
			t.Helper()
			a.heartbeat()
			b.heartbeat()
			if got := a.share() + " " + b.share(); got != want {
				t.Errorf("shares are %s, want %s", got, want)
			}
		}
		beat("None None")
		s.settle(group)
		beat("1/2 2/2")
		s.change(func(e *ensemble) { e.refusal = caucus.Errorf(caucus.ErrTryAgain, "no quorum") })
		beat("None None")
		s.change(func(e *ensemble) { e.refusal = nil })
		beat("1/2 2/2")
		if status := a.stop(); status != 200 {
			t.Errorf("a's goodbye is answered %d", status)
		}
		if b.heartbeat(); b.share() != "None" {
			t.Errorf("b has %s although a left", b.share())
		}
		b.heartbeat()
		if !s.settle(group) {
			t.Error("b has been told, and came again, and the group does not settle")
		}
		if b.heartbeat(); b.share() != "1/1" {
			t.Errorf("b has %s, alone", b.share())
		}
	}
}

// TestHeartbeatsWriteNothing: only who is not a member yet is written down.
func TestHeartbeatsWriteNothing(t *testing.T) {
	s := open(t, httpd.Config{Timeout: 7 * time.Second})
	for range 100 {
		s.index("a")
	}
	if got, want := s.written(), []string{"GROUP JOIN bloc AS a TTL 7000"}; !slices.Equal(got, want) {
		t.Errorf("wrote %q, want %q", got, want)
	}
	s.change(func(e *ensemble) { e.end("bloc\x00bloc\x00a") })
	s.written()
	s.expect(s.index("a"), 200, settling)
	if got := s.written(); len(got) != 1 {
		t.Errorf("after it had expired, a wrote %q; want one JOIN", got)
	}
}

func TestUnknownGoodbyeDisturbsNobody(t *testing.T) {
	s := open(t, httpd.Config{})
	s.index("a")
	s.settle("bloc")
	s.written()
	for _, path := range []string{"/session", "/g/x/session", "/g/bloc/session"} {
		s.refused(s.ask("DELETE", path, "Bloc-Session-ID", "b"), 404, "NOSESSION")
	}
	s.refused(s.ask("DELETE", "/g/other/session", "Bloc-Session-ID", "a"), 404, "NOSESSION")
	s.expect(s.index("a"), 200, `{"status": "SETTLED", "index": 1, "total": 1}`)
	if got := s.written(); got != nil {
		t.Errorf("wrote %q", got)
	}
}

// TestSafetyA3: the answer SETTLING counts as received when its client comes again, and not before; and
// not when it did not wait for it.
func TestSafetyA3(t *testing.T) {
	s := open(t, httpd.Config{})
	s.index("a")
	s.settle("bloc")
	s.index("a")
	s.index("b")
	if s.settle("bloc") {
		t.Fatal("settled before a could know")
	}
	s.expect(s.index("a"), 200, settling)
	if s.settle("bloc") {
		t.Fatal("settled when a's answer may still have been under way")
	}
	s.expect(s.index("a"), 200, settling)
	if !s.settle("bloc") {
		t.Fatal("a came again, and it did not settle")
	}

	s.index("a")
	s.index("c")
	s.index("b")
	s.index("b")
	s.hold = make(chan struct{})
	answers := make(chan answer, 2)
	go func() { answers <- s.index("a") }()
	<-s.held // the first is under way
	go func() { answers <- s.index("a") }()
	s.await("a", 2)
	close(s.hold)
	for range 2 {
		s.expect(<-answers, 200, settling)
	}
	if s.settle("bloc") {
		t.Error("two requests at once showed that one of them had been answered")
	}
	s.await("a", 0) // there are two connections now, and the next request may come by the other
	s.index("a")
	if s.settle("bloc") {
		t.Error("the request after two at once showed which of them was received last")
	}
	s.await("a", 0)
	s.index("a")
	if !s.settle("bloc") {
		t.Error("a waits for its answers again, and it did not settle")
	}
}

// await waits until so many requests of a client have come and not been answered.
func (s *stage) await(id string, requests int) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); s.door.AtSeat("bloc", id) != requests; runtime.Gosched() {
		if time.Now().After(deadline) {
			s.t.Fatalf("%d requests of %s are under way, not %d", s.door.AtSeat("bloc", id), id, requests)
		}
	}
}

// TestGoodbyeOfWhoDidNotWait: the client waits a second and is gone; its session ends all the same.
func TestGoodbyeOfWhoDidNotWait(t *testing.T) {
	s := open(t, httpd.Config{})
	s.index("a")
	s.written()
	s.hold = make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if resp, err := s.python("", "a").request(ctx, "DELETE", "/session"); err == nil {
			resp.Body.Close()
			t.Error("the goodbye was answered before it was carried out")
		}
	}()
	<-s.held
	cancel()
	<-done
	close(s.hold)
	s.await("a", 0)
	if got := s.written(); !slices.Equal(got, []string{"end bloc bloc a"}) {
		t.Errorf("wrote %q", got)
	}
}

// TestWaitingIsBounded: a request of a client whose earlier one hangs is answered in time.
func TestWaitingIsBounded(t *testing.T) {
	s := open(t, httpd.Config{RequestTimeout: 10 * time.Millisecond})
	s.hold, s.late = make(chan struct{}), true
	first := make(chan answer, 1)
	go func() { first <- s.index("a") }()
	<-s.held
	s.refused(s.index("a"), 503, "TRYAGAIN")
	close(s.hold)
	s.refused(<-first, 503, "TRYAGAIN") // its own time was over too
}

func TestErrorsOfTheServer(t *testing.T) {
	for word, status := range map[*caucus.Error]int{caucus.ErrTryAgain: 503, caucus.ErrLoading: 503,
		caucus.ErrUncertain: 504, caucus.ErrOutOfMemory: 507, caucus.ErrBad: 400, caucus.ErrConflict: 409} {
		s := open(t, httpd.Config{})
		s.index("a")
		s.settle("bloc")
		s.change(func(e *ensemble) { e.refusal = caucus.Errorf(word, "why \"not\"") })
		s.refused(s.index("a"), status, word.Word)
		s.refused(s.index("new"), status, word.Word)
		s.refused(s.ask("DELETE", "/session", "Bloc-Session-ID", "a"), status, word.Word)
	}
	s := open(t, httpd.Config{})
	s.change(func(e *ensemble) { e.closing = true })
	s.refused(s.index("a"), 503, "TRYAGAIN")
	s.refused(s.ask("DELETE", "/session", "Bloc-Session-ID", "a"), 503, "TRYAGAIN")
}

// TestSessionThatEndsAtOnce: an answer is found even when nothing can be kept alive.
func TestSessionThatEndsAtOnce(t *testing.T) {
	s := open(t, httpd.Config{})
	s.change(func(e *ensemble) { e.refusal = caucus.Errorf(caucus.ErrNoSession, "gone") })
	s.refused(s.index("a"), 404, "NOSESSION") // the JOIN itself says so
}

func TestMemberNames(t *testing.T) {
	long := strings.Repeat("x", 255)
	for header, name := range map[string]string{
		"a":                       "a",
		"6bec3551-163d-4eb8@h:1/": "6bec3551-163d-4eb8@h:1/",
		long:                      long,
		"two words":               "bloc-a03f1d611645eb53",
		"ä":                       "bloc-33e6d73fee82904c",
		"a, b":                    "bloc-4a479db6af79906e",
	} {
		s := open(t, httpd.Config{})
		s.expect(s.index(header), 200, settling)
		s.expect(s.index(header), 200, settling)
		got := s.written()
		if len(got) != 1 {
			t.Fatalf("%q wrote %q", header, got)
		}
		_, got[0], _ = strings.Cut(got[0], " AS ")
		got[0], _, _ = strings.Cut(got[0], " TTL ")
		if got[0] != name {
			t.Errorf("%q is member %q, want %q", header, got[0], name)
		}
	}
}

func TestNameOfAnotherSession(t *testing.T) {
	s := open(t, httpd.Config{})
	s.change(func(e *ensemble) {
		e.groups["bloc"] = &division{order: []member{{"a", "of a RESP connection"}}}
	})
	s.refused(s.index("a"), 409, "CONFLICT")
}

// TestEveryGroupNameCanBeAsked: escaped or as it is.
func TestEveryGroupNameCanBeAsked(t *testing.T) {
	s := open(t, httpd.Config{})
	rapid.Check(t, func(t *rapid.T) {
		group := rapid.StringMatching(`[a-zA-Z0-9._-]{1,6}(/[a-zA-Z0-9._-]{1,6}){0,2}(/index|/session|/g)?`).
			Filter(caucus.ValidGroup).Draw(t, "group")
		path := "/g/" + group
		if rapid.Bool().Draw(t, "escaped") {
			path = "/g/" + url.PathEscape(group)
		}
		s.change(func(e *ensemble) { clear(e.groups); clear(e.sessions) })
		s.written()
		a := s.ask("GET", path+"/index", "Bloc-Session-ID", "m")
		if got := s.written(); a.status != 200 || len(got) != 1 || got[0] != "GROUP JOIN "+group+" AS m TTL 4000" {
			t.Fatalf("GET %s/index: %d %s, wrote %q", path, a.status, a.body, got)
		}
		a = s.ask("DELETE", path+"/session", "Bloc-Session-ID", "m")
		if got := s.written(); a.status != 200 || len(got) != 1 || got[0] != "end bloc "+group+" m" {
			t.Fatalf("DELETE %s/session: %d %s, wrote %q", path, a.status, a.body, got)
		}
	})
}
