package httpd_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/httpd"
	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/internal/waist"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen.
const patience = nodetest.Patience

// ensemble is a waist.Server that knows of detached sessions and groups as much as bloc needs. Its
// groups settle when told, and refuse to as long as a holder may not know that its index was revoked
// (SAFETY A3).
type ensemble struct {
	waist.Server // the rest of a server is not asked for

	hold chan struct{} // when not nil, DoAll says so on held and waits for it
	late bool          // and after that for the end of the request's time
	held chan struct{}

	mu      sync.Mutex
	refusal *caucus.Error  // what every DoAll is answered
	closing bool           // Open fails
	doors   []caucus.Reply // what Local says of the nodes
	ready   waist.Readiness

	version  int64
	sessions map[string]bool      // by the text that names them
	knows    map[string]int64     // the newest version that each session has shown to know
	groups   map[string]*division // by name
	log      []string             // what was written
	reads    int
	talks    int // conversations open
	most     int
}

type division struct {
	settled bool
	revoked int64
	order   []member
	holders []string // sessions that held an index when it was revoked
}

type member struct{ name, session string }

func newEnsemble() *ensemble {
	return &ensemble{sessions: map[string]bool{}, knows: map[string]int64{}, groups: map[string]*division{},
		held: make(chan struct{}, 100), ready: waist.Readiness{Ready: true, Leader: "n1"}}
}

func (e *ensemble) Ready() waist.Readiness {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ready
}

func (e *ensemble) Local(context.Context, caucus.Command) caucus.Reply {
	e.mu.Lock()
	defer e.mu.Unlock()
	return caucus.Array(e.doors...)
}

func (e *ensemble) Open(info waist.ConnInfo) (waist.Conn, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closing {
		return nil, errors.New("stopping")
	}
	e.talks++
	e.most = max(e.most, e.talks)
	return &conversation{e: e, session: info.Detached}, nil
}

// conversation shows with every request what the answer before told it, as internal/talk does.
type conversation struct {
	e       *ensemble
	session string
	seen    int64
}

func (c *conversation) Session() string { return "" }

func (c *conversation) Feed(context.Context, string) (string, *caucus.Error) { return "", nil }

func (c *conversation) As(string) {}

func (c *conversation) Close(bool) {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	c.e.talks--
}

func (c *conversation) DoAll(ctx context.Context, cmds []caucus.Command) []caucus.Reply {
	if c.e.hold != nil {
		c.e.held <- struct{}{}
		<-c.e.hold
		if c.e.late {
			<-ctx.Done()
		}
	}
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	c.e.knows[c.session] = max(c.e.knows[c.session], c.seen)
	var replies []caucus.Reply
	for _, cmd := range cmds {
		var reply caucus.Reply
		switch {
		case ctx.Err() != nil:
			reply = caucus.Fail(caucus.ErrTryAgain, "%v", ctx.Err())
		case c.e.refusal != nil:
			reply = caucus.ErrorReply(c.e.refusal)
		default:
			reply = c.do(cmd)
		}
		replies = append(replies, reply)
	}
	return replies
}

func (c *conversation) do(cmd caucus.Command) caucus.Reply {
	e, alive := c.e, c.e.sessions[c.session]
	switch what := strings.Join(cmd[:2], " "); {
	case what == "GROUP JOIN":
		return c.join(cmd)
	case !alive:
		return caucus.Fail(caucus.ErrNoSession, "no session")
	case what == "SESSION KEEPALIVE":
		e.reads++
		c.seen = e.version
		return caucus.Array(caucus.Int(4000), caucus.Int(0), caucus.Int(e.version))
	case what == "SESSION CLOSE":
		e.end(c.session)
		return caucus.Int(1)
	case what == "GROUP INDEX":
		return e.groups[cmd[2]].index(c.session)
	}
	return caucus.Fail(caucus.ErrBad, "unexpected %q", cmd)
}

func (g *division) index(session string) caucus.Reply {
	at := slices.IndexFunc(g.order, func(m member) bool { return m.session == session })
	switch {
	case at < 0:
		return caucus.Fail(caucus.ErrNoMember, "no member")
	case !g.settled:
		return caucus.NilArray()
	}
	return caucus.Array(caucus.Int(int64(at+1)), caucus.Int(int64(len(g.order))), caucus.Int(1))
}

func (c *conversation) join(cmd caucus.Command) caucus.Reply {
	e, g := c.e, c.e.groups[cmd[2]]
	if g == nil {
		g = &division{}
		e.groups[cmd[2]] = g
	}
	for _, m := range g.order {
		if m.session == c.session {
			return caucus.Bulk(m.name)
		}
		if m.name == cmd[4] {
			return caucus.Fail(caucus.ErrConflict, "member '%s' is held by another session", m.name)
		}
	}
	e.log = append(e.log, strings.Join(cmd, " "))
	e.sessions[c.session] = true
	e.unsettle(g)
	g.order = append(g.order, member{cmd[4], c.session})
	return caucus.Bulk(cmd[4])
}

func (e *ensemble) unsettle(g *division) {
	e.version++
	if g.settled {
		for _, m := range g.order {
			g.holders = append(g.holders, m.session)
		}
	}
	g.settled, g.revoked = false, e.version
}

// end ends a session, as its client or silence does.
func (e *ensemble) end(session string) {
	e.log = append(e.log, "end "+strings.ReplaceAll(session, "\x00", " "))
	delete(e.sessions, session)
	for _, g := range e.groups {
		was := len(g.order)
		g.order = slices.DeleteFunc(g.order, func(m member) bool { return m.session == session })
		if len(g.order) < was {
			e.unsettle(g)
		}
	}
}

// settle settles a group unless a living holder has not shown that it knows of the revocation.
func (e *ensemble) settle(group string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	g := e.groups[group]
	for _, s := range g.holders {
		if e.sessions[s] && e.knows[s] < g.revoked {
			return false
		}
	}
	g.settled, g.holders = true, nil
	return true
}

func (e *ensemble) change(f func(*ensemble)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f(e)
}

// written gives what was written since it was asked last.
func (e *ensemble) written() (log []string) {
	e.change(func(e *ensemble) { log, e.log = e.log, nil })
	return log
}

// stage is a door before an ensemble.
type stage struct {
	*ensemble
	t    testing.TB
	door *httpd.Door
	url  string
	http *http.Client
	resp string // address of the RESP door, where there is one
}

func open(t testing.TB, cfg httpd.Config) *stage { return openFrom(t, cfg, nil) }

// openFrom opens a door whose clients seem to come from another address, and which is edited before it
// serves.
func openFrom(t testing.TB, cfg httpd.Config, from net.Addr, edits ...func(*httpd.Door)) *stage {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{ensemble: newEnsemble(), t: t, url: "http://" + l.Addr().String(),
		http: &http.Client{Transport: &http.Transport{}, Timeout: patience}}
	s.door = httpd.New(cfg, s.ensemble)
	for _, edit := range edits {
		edit(s.door)
	}
	served := make(chan error, 1)
	go func() { served <- s.door.Serve(disguised{l, from}) }()
	t.Cleanup(func() {
		s.http.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		s.door.Close(ctx)
		if err := <-served; err != nil {
			t.Errorf("Serve ends with %v", err)
		}
		if s.talks != 0 {
			t.Errorf("%d conversations are left open", s.talks)
		}
	})
	return s
}

// disguised is a listener whose connections seem to come from elsewhere.
type disguised struct {
	net.Listener
	from net.Addr
}

func (d disguised) Accept() (net.Conn, error) {
	conn, err := d.Listener.Accept()
	if err != nil || d.from == nil {
		return conn, err
	}
	return foreigner{conn, d.from}, nil
}

type foreigner struct {
	net.Conn
	from net.Addr
}

func (f foreigner) RemoteAddr() net.Addr { return f.from }

// LocalAddr is an address that no list names.
func (f foreigner) LocalAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 8989} }

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// word gives the word of an error, with a check that it is one as the contract has it.
func (a answer) word(t testing.TB) string {
	t.Helper()
	var e map[string]string
	err := json.Unmarshal([]byte(a.body), &e)
	if err != nil || len(e) != 2 || e["error"] == "" || e["message"] == "" {
		t.Errorf("%q is no error: %v", a.body, err)
	}
	return e["error"]
}

// ask sends a request with headers, name and value in turn. Host stands for the Host.
func (s *stage) ask(method, path string, headers ...string) answer {
	s.t.Helper()
	return s.say(method, path, "", headers...)
}

// say sends a request with a body.
func (s *stage) say(method, path, body string, headers ...string) answer {
	s.t.Helper()
	r, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for pair := range slices.Chunk(headers, 2) {
		if pair[0] == "Host" {
			r.Host = pair[1]
			continue
		}
		r.Header[pair[0]] = append(r.Header[pair[0]], pair[1])
	}
	resp, err := s.http.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	a := answer{resp.StatusCode, resp.Header, string(said)}
	made := s.ensemble != nil && a.status == http.StatusNotFound // by an ensemble that knows bloc alone
	if strings.HasPrefix(path, "/v1/") && method != "HEAD" && !made {
		described(s.t, r, body, a)
	}
	return a
}

// index is a heartbeat of a client of the bare paths.
func (s *stage) index(id string) answer {
	s.t.Helper()
	return s.ask("GET", "/index", "Bloc-Session-ID", id)
}

// expect fails unless the answer is this one.
func (s *stage) expect(a answer, status int, body string) {
	s.t.Helper()
	if a.status != status || a.body != body || a.header.Get("Content-Type") != "application/json" {
		s.t.Errorf("got %d %s (%s), want %d %s", a.status, a.body, a.header.Get("Content-Type"), status, body)
	}
}

// refused fails unless the answer is an error with this status and word.
func (s *stage) refused(a answer, status int, word string) {
	s.t.Helper()
	if got := a.word(s.t); a.status != status || got != word {
		s.t.Errorf("got %d %s, want %d %s: %s", a.status, got, status, word, a.body)
	}
	if got := a.header.Get("Content-Type"); got != "application/json" {
		s.t.Errorf("an error comes as %q", got)
	}
}

const settling = `{"status": "SETTLING"}`
