package httpd_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/httpd"
	"github.com/caucus-project/caucus/internal/resp"
	"github.com/caucus-project/caucus/internal/tool"
	"github.com/caucus-project/caucus/internal/waist"
)

// recorder is a server that refuses everything and notes what it was asked.
type recorder struct {
	waist.Server
	waist.Conn
	cmds []caucus.Command
}

func (r *recorder) Open(waist.ConnInfo) (waist.Conn, error) { return r, nil }
func (r *recorder) Ready() waist.Readiness                  { return waist.Readiness{Reason: "no"} }
func (r *recorder) Watch() waist.Subscription               { return deaf{} }
func (r *recorder) Close(bool)                              {}
func (r *recorder) Session() string                         { return "" }
func (r *recorder) Local(_ context.Context, cmd caucus.Command) caucus.Reply {
	return r.DoAll(context.Background(), []caucus.Command{cmd})[0]
}
func (r *recorder) Feed(context.Context, string) (string, *caucus.Error) {
	return "", caucus.Errorf(caucus.ErrNoPerm, "no")
}

func (r *recorder) DoAll(_ context.Context, cmds []caucus.Command) []caucus.Reply {
	replies := make([]caucus.Reply, len(cmds))
	for i, cmd := range cmds {
		r.cmds = append(r.cmds, cmd)
		replies[i] = caucus.Fail(caucus.ErrTryAgain, "no")
	}
	return replies
}

// deaf is a subscription that hears nothing.
type deaf struct{ waist.Subscription }

func (deaf) Subscribe(...string) {}
func (deaf) Close()              {}

// FuzzDoor sends any request: what stands before its end, and a body. It proves that the door answers,
// with an error in JSON if it does not do it, that what it asks the ensemble for are commands that there
// are, of no more bytes than came, and that it takes no more memory than so many times the bytes that
// came.
func FuzzDoor(f *testing.F) {
	for _, c := range [][2]string{
		{"GET /index HTTP/1.1\r\nBloc-Session-ID: a", ""},
		{"DELETE /g/a%2Fb/session HTTP/1.1\r\nbloc-session-id: \xff\x01", ""},
		{"GET /g/a/../b/index HTTP/1.0", ""}, {"GET /g/%zz/index HTTP/1.1", ""},
		{"HEAD /healthz HTTP/1.1", ""}, {"OPTIONS * HTTP/1.1", ""}, {"CONNECT a:1 HTTP/1.1", ""},
		{"GET http://localhost HTTP/1.1", ""}, {"GET /v1/%2e%2e/x HTTP/1.1", ""}, {"GET /v1//keys HTTP/1.1", ""},
		{"GET /v1/keys?cursor=0&count=5&match=a*&type=string HTTP/1.1", ""},
		{"PUT /v1/keys/a%2Fb HTTP/1.1\r\nIf-Match: \"17\", W/\"18\"", `{"value_b64":"AP8=","ttl":5}`},
		{"GET /v1/keys/k HTTP/1.1\r\nIf-None-Match: *", ""},
		{"POST /v1/sessions HTTP/1.1", `{"ttl":5000,"grace":1}`},
		{"POST /v1/sessions/" + someID + "/keepalive HTTP/1.1", `{"version":7}`},
		{"POST /v1/groups/g/members HTTP/1.1\r\nCaucus-Session: " + someID,
			`{"as":"ann","metadata":"\u00e9","priority":-3,"noleader":true}`},
		{"POST /v1/groups/g/release HTTP/1.1\r\nCaucus-Session: " + someID, `{"slots":[1, 2,3]}`},
		{"POST /v1/groups/g/votes HTTP/1.1\r\nCaucus-Session: " + someID, `{"topic":"t","consensus":true}`},
		{"GET /v1/groups/g/votes/7?wait=5 HTTP/1.1", ""}, {"POST /v1/locks/l HTTP/1.1", `{"wait":5}`},
		{"GET /v1/groups/g/events HTTP/1.1\r\nAccept: text/event-stream\r\nLast-Event-ID: 17", ""},
		{"GET /v1/changes?match=a* HTTP/1.1\r\nLast-Event-ID: 99999999999999999999", ""},
		{"POST /v1/commands HTTP/1.1", `["SET", {"b64":"/w=="}, 1.50]`},
		{"POST /v1/commands HTTP/1.1", ` [ ["GUARD","g","TERM",7], ["SET","t","guarded"] ] `},
		{"POST /v1/commands HTTP/1.1", `["ONCE",1,"ONCE",2,"SET","k","\ud800"]`},
	} {
		f.Add(c[0], []byte(c[1]))
	}
	table, server := command.New(), &recorder{}
	door := httpd.New(httpd.Config{}, server)
	f.Cleanup(func() { door.Close(context.Background()) })
	f.Fuzz(func(t *testing.T, head string, body []byte) {
		text := fmt.Sprintf("%s\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", head, len(body), body)
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
		if err != nil {
			return
		}
		server.cmds = nil
		w := httptest.NewRecorder()
		tool.AtMost(t, 1<<20+400*len(text), func() { door.ServeHere(w, r) })
		checkAnswer(t, r, w)
		for _, cmd := range server.cmds {
			if _, err := table.Lookup(cmd); err != nil {
				t.Errorf("%q asks for %q: %v", text, cmd, err)
			}
			if size := len(strings.Join(cmd, "")); size > 2*len(text)+200 {
				t.Errorf("%d bytes make a command of %d", len(text), size)
			}
		}
	})
}

const someID = "0123456789abcdef0123456789abcdef"

func checkAnswer(t *testing.T, r *http.Request, w *httptest.ResponseRecorder) {
	switch {
	case w.Code == http.StatusOK:
	case w.Code < 400 && w.Code != http.StatusNotModified || w.Code > 599:
		t.Errorf("%s %q is answered %d", r.Method, r.URL, w.Code)
	case r.Method != http.MethodHead && r.URL.Path != "/readyz":
		var said map[string]string
		err := json.Unmarshal(w.Body.Bytes(), &said)
		if err != nil || said["error"] == "" || said["message"] == "" {
			t.Errorf("%s %q is answered %d %q", r.Method, r.URL, w.Code, w.Body)
		}
	}
}

// FuzzStated gives any body to each route, and proves that what the route takes it for, written as plainly as
// can be, is taken for the same.
func FuzzStated(f *testing.F) {
	routes := httpd.Routes()
	for i := range routes {
		f.Add(uint8(i), []byte(`{"ttl":5000,"metadata_b64":"AP8=","slots":[1,2],"noleader":false}`))
	}
	f.Add(uint8(0), []byte(`{"value":"\ud83d\ude00"}`))
	f.Add(uint8(0), []byte(`{"ttl":-0, "as":"a\u0000"}`))
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		route := routes[int(which)%len(routes)]
		given, plain, err := httpd.Stated(route, body)
		if err != nil {
			if err.Message == "" {
				t.Errorf("%q is refused without a word", body)
			}
			return
		}
		again, _, err := httpd.Stated(route, plain)
		if err != nil || fmt.Sprintf("%q", again) != fmt.Sprintf("%q", given) {
			t.Errorf("%q is %q; written as %q it is %q, %v", body, given, plain, again, err)
		}
	})
}

// FuzzJSON makes JSON of any replies, and proves that it is JSON, and says all of it: the text and the
// numbers are those of the reply.
func FuzzJSON(f *testing.F) {
	for _, in := range []string{
		"*2\r\n$1\r\na\r\n%1\r\n+k\r\n:-5\r\n", "%2\r\n+k\r\n$1\r\n\xff\r\n+k\r\n_\r\n", ",nan\r\n", ",-inf\r\n",
		",1e300\r\n", "%1\r\n$1\r\n\xff\r\n#t\r\n", "-NOGROUP no\r\n", "=7\r\ntxt:<\xe2\x80\xa8\r\n", "*-1\r\n",
		">1\r\n~1\r\n:1\r\n",
	} {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		reply, err := resp.NewReplyReader(bytes.NewReader(in), resp.Limits{}).Read()
		if err != nil {
			return
		}
		text := httpd.JSON(reply)
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		var back any
		if err := d.Decode(&back); err != nil {
			t.Fatalf("%q becomes %q: %v", in, text, err)
		}
		if rest, _ := io.ReadAll(d.Buffered()); len(rest) > 0 {
			t.Fatalf("%q becomes %q, and %q follows", in, text, rest)
		}
	})
}

// What a body may hold of fields and words is bounded by what there can be of them, not by its bytes. Seven
// million unknown fields were compared with each other, and a ONCE within a ONCE took a piece of stack each.
func TestBodiesOfVeryMuch(t *testing.T) {
	defer debug.SetMaxStack(debug.SetMaxStack(16 << 20))
	long := func(first, piece, last string) string {
		return first + strings.Repeat(piece, 3<<20/len(piece)) + last
	}
	for _, c := range []struct{ method, path, body, want string }{
		{"PUT", "/v1/keys/k", long(`{"value":"x"`, `,"b":1`, `}`), "'b' is unknown"},
		{"POST", "/v1/commands", long(`["MGET"`, `,1`, `]`), "too many words: at most 1048576"},
		{"POST", "/v1/commands", long(`["GET",{"b64":""`, `,"c":""`, `}]`), "word 2 of a command must be"},
		{"POST", "/v1/commands", long(`["ONCE",1`, `,"ONCE",1`, `,"PING"]`), "TRYAGAIN"},
	} {
		door := httpd.New(httpd.Config{}, &recorder{})
		r := httptest.NewRequest(c.method, "http://localhost"+c.path, strings.NewReader(c.body))
		w := httptest.NewRecorder()
		door.ServeHere(w, r)
		if !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%.40s: %d %.200s, want %s", c.body, w.Code, w.Body, c.want)
		}
		door.Close(context.Background())
	}
}
