package httpd_test

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/httpd"
	"github.com/caucus-project/caucus/internal/waist"
)

// scripted is a server that answers as told, and notes what it is asked: how the conversation began, and the
// command.
type scripted struct {
	waist.Server
	reply func(ctx context.Context, asked string) caucus.Reply
	id    string // of the session that its conversations carry

	mu    sync.Mutex
	asked []string
	open  int
}

type scriptedTalk struct {
	of  *scripted
	how string
}

func (s *scripted) Open(info waist.ConnInfo) (waist.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open++
	how := "for nobody"
	switch {
	case info.Unbound:
		how = "anew"
	case info.Beside != nil:
		how = "beside"
	case info.Session != "":
		how = "acting"
	}
	return &scriptedTalk{s, how}, nil
}

func (c *scriptedTalk) DoAll(ctx context.Context, cmds []caucus.Command) (replies []caucus.Reply) {
	for _, cmd := range cmds {
		asked := c.how + ": " + strings.Join(cmd[:min(2, len(cmd))], " ")
		c.of.mu.Lock()
		c.of.asked = append(c.of.asked, asked)
		c.of.mu.Unlock()
		replies = append(replies, c.of.reply(ctx, asked))
	}
	return replies
}

func (c *scriptedTalk) Session() string { return c.of.id }

func (c *scriptedTalk) Feed(context.Context, string) (string, *caucus.Error) { return "", nil }

func (c *scriptedTalk) As(string) {}

func (c *scriptedTalk) Close(lost bool) {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	if c.of.open--; lost {
		c.of.asked = append(c.of.asked, "lost")
	}
}

// play opens a door to a server that answers as told. Its listener is as edit makes it.
func play(t *testing.T, reply func(context.Context, string) caucus.Reply,
	edit func(net.Listener) net.Listener) (*scripted, *stage) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, url: "http://" + l.Addr().String(),
		http: &http.Client{Transport: &http.Transport{}, Timeout: patience}}
	if edit != nil {
		l = edit(l)
	}
	server := &scripted{reply: reply}
	door := httpd.New(httpd.Config{}, server)
	served := make(chan error, 1)
	go func() { served <- door.Serve(l) }()
	t.Cleanup(func() {
		s.http.CloseIdleConnections()
		door.Close(context.Background())
		if err := <-served; err != nil || server.open != 0 {
			t.Errorf("Serve ends with %v, %d conversations are left open", err, server.open)
		}
	})
	return server, s
}

// What becomes of a change when its session is not here, or does not stay.
func TestA4_TakingASessionOver(t *testing.T) {
	const send, lock = "/v1/groups/g/messages", "/v1/locks/x"
	gone := caucus.Fail(caucus.ErrNoSession, "elsewhere")
	for _, c := range []struct {
		why, path string
		replies   map[string]caucus.Reply
		asked     []string
		status    int
		word      string
	}{
		{"it never stays", send, map[string]caucus.Reply{"anew: GROUP SEND": gone},
			[]string{"anew: SESSION RESUME", "anew: GROUP SEND", "anew: SESSION RESUME", "anew: GROUP SEND"},
			503, "TRYAGAIN"},
		{"whether it was taken over is unknown", send,
			map[string]caucus.Reply{"anew: SESSION RESUME": caucus.Fail(caucus.ErrUncertain, "who knows")},
			[]string{"anew: SESSION RESUME"}, 503, "TRYAGAIN"},
		{"what became of the change is unknown", send,
			map[string]caucus.Reply{"anew: GROUP SEND": caucus.Fail(caucus.ErrUncertain, "who knows")},
			[]string{"anew: SESSION RESUME", "anew: GROUP SEND"}, 504, "UNCERTAIN"},
		{"it has ended", send, map[string]caucus.Reply{"anew: SESSION RESUME": gone,
			"acting: GROUP SEND": caucus.Fail(caucus.ErrNoGroup, "g")},
			[]string{"anew: SESSION RESUME", "acting: GROUP SEND"}, 404, "NOGROUP"},
		{"a wait does not stay either", lock, map[string]caucus.Reply{"beside: LOCK ACQUIRE": gone},
			[]string{"anew: SESSION RESUME", "anew: SESSION INFO", "beside: LOCK ACQUIRE",
				"anew: SESSION INFO", "beside: LOCK ACQUIRE"}, 503, "TRYAGAIN"},
		{"nobody waits who is not here", lock, map[string]caucus.Reply{"anew: SESSION INFO": gone},
			[]string{"anew: SESSION RESUME", "anew: SESSION INFO", "anew: SESSION RESUME",
				"anew: SESSION INFO"}, 503, "TRYAGAIN"},
	} {
		server, s := play(t, func(_ context.Context, asked string) caucus.Reply {
			return c.replies[asked]
		}, nil)
		s.refused(s.as(strings.Repeat("0", 32), "POST", c.path, map[string]string{
			send: `{"payload":"x"}`, lock: `{"wait":0}`}[c.path]), c.status, c.word)
		if !slices.Equal(server.asked, c.asked) {
			t.Errorf("%s: it asks %q, not %q", c.why, server.asked, c.asked)
		}
	}
}

// A session that was opened for a client that has gone by then is closed: nobody else knows of it.
func TestNobodyIsToldOfTheSession(t *testing.T) {
	opening, done := make(chan struct{}), make(chan struct{})
	server, s := play(t, func(ctx context.Context, asked string) caucus.Reply {
		if asked != "anew: SESSION OPEN" {
			defer close(done)
			if ctx.Err() != nil {
				t.Errorf("%s is asked when its time is over", asked)
			}
			return caucus.Int(1)
		}
		close(opening)
		<-ctx.Done()
		return caucus.Bulk("id")
	}, nil)
	server.id = strings.Repeat("0", 32)
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		<-opening
		leave()
	}()
	r, err := http.NewRequestWithContext(ctx, "POST", s.url+"/v1/sessions", nil)
	if err != nil {
		t.Fatal(err)
	}
	if a, err := s.http.Do(r); err == nil {
		t.Errorf("it was answered %d", a.StatusCode)
		a.Body.Close()
	}
	<-done
	if want := []string{"anew: SESSION OPEN", "anew: SESSION CLOSE"}; !slices.Equal(server.asked, want) {
		t.Errorf("it asks %q, not %q", server.asked, want)
	}
}

// A request that waits may take longer than any other, until it is answered.
func TestWaitsHaveNoDeadline(t *testing.T) {
	watched := &deadlines{}
	seen := make(chan [2]time.Time, 1)
	_, s := play(t, func(context.Context, string) caucus.Reply {
		seen <- watched.now()
		return caucus.Array(caucus.Bulk("yes"), caucus.Int(1), caucus.Int(0), caucus.Int(1))
	}, func(l net.Listener) net.Listener { return timed{l, watched} })
	const path = "/v1/groups/g/votes/1"
	s.expect(s.ask("GET", path), 200, `{"outcome":"yes","yes":1,"no":0,"electorate":1}`)
	if at := <-seen; at[1].IsZero() {
		t.Errorf("%s: its answer may take for ever to be written", path)
	}
	s.expect(s.ask("GET", path+"?wait=0"), 200, `{"outcome":"yes","yes":1,"no":0,"electorate":1}`)
	if at := <-seen; !at[0].IsZero() || !at[1].IsZero() {
		t.Errorf("%s: it may wait until %v", path, at)
	}
}

// deadlines are the last that were set on a connection: for reading, and for writing.
type deadlines struct {
	mu sync.Mutex
	at [2]time.Time
}

func (d *deadlines) now() [2]time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.at
}

func (d *deadlines) set(i int, at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at[i] = at
}

type timed struct {
	net.Listener
	watched *deadlines
}

func (l timed) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return timedConn{conn, l.watched}, nil
}

type timedConn struct {
	net.Conn
	watched *deadlines
}

func (c timedConn) SetReadDeadline(at time.Time) error {
	c.watched.set(0, at)
	return c.Conn.SetReadDeadline(at)
}

func (c timedConn) SetWriteDeadline(at time.Time) error {
	c.watched.set(1, at)
	return c.Conn.SetWriteDeadline(at)
}
