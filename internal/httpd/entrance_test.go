package httpd_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/httpd"
	"github.com/caucus-project/caucus/internal/waist"
)

// TestBadRequests: each is answered with what is wrong, and none disturbs the group.
func TestBadRequests(t *testing.T) {
	const id = "Bloc-Session-ID"
	s := open(t, httpd.Config{})
	s.index("a")
	s.settle("bloc")
	s.written()
	for _, c := range []struct {
		method, path string
		headers      []string
		status       int
		allow        string
	}{
		{"GET", "/index", nil, 400, ""},
		{"DELETE", "/session", nil, 400, ""},
		{"GET", "/index", []string{id, ""}, 400, ""},
		{"GET", "/index", []string{id, "a", id, "a"}, 400, ""},
		{"GET", "/index", []string{id, "a", id, "b"}, 400, ""},
		{"DELETE", "/session", []string{id, "a", id, "b"}, 400, ""},
		{"GET", "/index", []string{id, strings.Repeat("x", 256)}, 400, ""},
		{"POST", "/index", []string{id, "a"}, 405, "GET"},
		{"HEAD", "/index", []string{id, "a"}, 405, "GET"},
		{"DELETE", "/index", []string{id, "a"}, 405, "GET"},
		{"OPTIONS", "/index", nil, 405, "GET"},
		{"GET", "/session", []string{id, "a"}, 405, "DELETE"},
		{"GET", "/g/x/session", []string{id, "a"}, 405, "DELETE"},
		{"POST", "/healthz", nil, 405, "GET, HEAD"},
		{"POST", "/readyz", nil, 405, "GET, HEAD"},
		{"POST", "/", nil, 405, "GET, HEAD"},
		{"DELETE", "/ui/main.js", nil, 405, "GET, HEAD"},
		{"GET", "/ui", nil, 404, ""},
		{"GET", "/ui/", nil, 404, ""},
		{"GET", "/ui/none.js", nil, 404, ""},
		{"GET", "/ui/../ui/main.js", nil, 404, ""},
		{"GET", "/index/", []string{id, "a"}, 404, ""},
		{"GET", "//index", []string{id, "a"}, 404, ""},
		{"GET", "/INDEX", []string{id, "a"}, 404, ""},
		{"GET", "/g/index", []string{id, "a"}, 404, ""},
		{"GET", "/g/", []string{id, "a"}, 404, ""},
		{"GET", "/g/x", []string{id, "a"}, 404, ""},
		{"GET", "/g/x/healthz", nil, 404, ""},
		{"GET", "/g/x%2Findex", []string{id, "a"}, 404, ""},
		{"GET", "/g//index", []string{id, "a"}, 400, ""},
		{"GET", "/g/x//index", []string{id, "a"}, 400, ""},
		{"GET", "/g/x//y/index", []string{id, "a"}, 400, ""},
		{"GET", "/g/../index", []string{id, "a"}, 400, ""},
		{"GET", "/g/%2e%2e/index", []string{id, "a"}, 400, ""},
		{"GET", "/g/x%252Fy/index", []string{id, "a"}, 400, ""},
		{"GET", "/g/x%00/index", []string{id, "a"}, 400, ""},
		{"GET", "/g/x%20y/index", []string{id, "a"}, 400, ""},
		{"GET", "/g/x:y/index", []string{id, "a"}, 400, ""},
		{"GET", "/g/" + strings.Repeat("x", 256) + "/index", []string{id, "a"}, 400, ""},
	} {
		a := s.ask(c.method, c.path, c.headers...)
		if a.status != c.status || a.header.Get("Allow") != c.allow {
			t.Errorf("%s %s %.40q: %d, Allow %q; want %d, %q: %s", c.method, c.path, c.headers, a.status,
				a.header.Get("Allow"), c.status, c.allow, a.body)
		}
		if c.method != "HEAD" && a.word(t) != "ERR" {
			t.Errorf("%s %s: %s", c.method, c.path, a.body)
		}
	}
	if got := s.written(); got != nil {
		t.Errorf("wrote %q", got)
	}
	s.expect(s.index("a"), 200, `{"status": "SETTLED", "index": 1, "total": 1}`)
}

// TestRawRequests sends what no client library would.
func TestRawRequests(t *testing.T) {
	s := open(t, httpd.Config{})
	host := "Host: " + strings.TrimPrefix(s.url, "http://") + "\r\n"
	for _, c := range []struct {
		request string
		status  int
	}{
		{"GET /index HTTP/1.1\r\n" + host + "bloc-session-id: a\r\n\r\n", 200},
		{"GET /index?x=%zz HTTP/1.1\r\n" + host + "BLOC-SESSION-ID:  a \r\n\r\n", 200},
		{"GET " + s.url + "/index HTTP/1.1\r\n" + host + "Bloc-Session-ID: a\r\n\r\n", 200},
		{"GET /index HTTP/1.0\r\nBloc-Session-ID: a\r\n\r\n", 200},
		{"GET /index HTTP/1.1\r\n" + host + "Bloc-Session-ID: a\r\nbloc-session-id: a\r\n\r\n", 400},
		{"GET /index HTTP/1.1\r\n" + host + "Bloc-Session-ID: a\x00\r\n\r\n", 400},
		{"GET /index HTTP/1.1\r\nBloc-Session-ID: a\r\n\r\n", 400},
		{"GET /g/%zz/index HTTP/1.1\r\n" + host + "Bloc-Session-ID: a\r\n\r\n", 400},
		{"GET index HTTP/1.1\r\n" + host + "\r\n", 400},
		{"OPTIONS * HTTP/1.1\r\n" + host + "\r\n", 404},
		{"*1\r\n$4\r\nPING\r\n", 400},
		{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", 400},
		{"GET /index HTTP/1.1\r\n" + host + "X: " + strings.Repeat("x", 40<<10) + "\r\n\r\n", 431},
		{"DELETE /session HTTP/1.1\r\n" + host + "Content-Length: 99999999\r\n\r\n", 413},
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(patience))
		fmt.Fprint(conn, c.request)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.StatusCode != c.status {
			t.Errorf("%.60q: %v, %v; want %d", c.request, resp, err, c.status)
		}
		conn.Close()
	}
}

func TestStrangersAreDenied(t *testing.T) {
	elsewhere := &net.TCPAddr{IP: net.ParseIP("192.0.2.7"), Port: 4711}
	s := openFrom(t, httpd.Config{}, elsewhere)
	for _, path := range []string{"/index", "/g/x/index", "/v1/groups", "/healthz", "/readyz", "/none"} {
		a := s.ask("GET", path, "Bloc-Session-ID", "a", "Authorization", "Bearer x")
		s.refused(a, 403, "DENIED")
		if !strings.Contains(a.body, "--password-file") {
			t.Errorf("%s does not say what to do", a.body)
		}
	}
	if got := s.written(); got != nil {
		t.Errorf("a stranger wrote %q", got)
	}
	known := openFrom(t, httpd.Config{Guard: waist.Password(func() string { return "sesame" })}, elsewhere)
	known.refused(known.index("a"), 401, "NOAUTH")
	a := known.ask("GET", "/index", "Bloc-Session-ID", "a", "Authorization", "Bearer sesame")
	known.expect(a, 200, settling)
	for host, status := range map[string]int{"192.0.2.1:8989": 200, "192.0.2.2:8989": 403} {
		a := known.ask("GET", "/index", "Bloc-Session-ID", "a", "Authorization", "Bearer sesame", "Host", host)
		if a.status != status {
			t.Errorf("at 192.0.2.1, Host %s: %d, want %d", host, a.status, status)
		}
	}
	for from, status := range map[net.Addr]int{
		&net.UnixAddr{Name: "@", Net: "unix"}:      200,
		&net.TCPAddr{IP: net.IPv6loopback}:         200,
		&net.TCPAddr{IP: net.IPv4(127, 1, 2, 3)}:   200,
		&net.TCPAddr{IP: net.IPv4(0, 0, 0, 0)}:     403,
		&net.TCPAddr{IP: net.ParseIP("fe80::1")}:   403,
		&net.IPAddr{IP: net.IPv4(127, 0, 0, 1)}:    403, // nothing that the door listens on
		&net.TCPAddr{IP: net.ParseIP("10.0.0.11")}: 403,
	} {
		if a := openFrom(t, httpd.Config{}, from).index("a"); a.status != status {
			t.Errorf("from %v: %d, want %d", from, a.status, status)
		}
	}
}

func TestPassword(t *testing.T) {
	s := open(t, httpd.Config{Guard: waist.Password(func() string { return "ses ame" })})
	for _, c := range []struct {
		authorization string
		status        int
		word          string
	}{
		{"", 401, "NOAUTH"},
		{"Basic", 401, "NOAUTH"},
		{"Basic !", 401, "NOAUTH"},
		{"Digest ses ame", 401, "NOAUTH"},
		{"Bearer", 401, "NOAUTH"},
		{"Bearer ", 401, "NOAUTH"}, // a header's value has no trailing space
		{"Bearer sesame", 401, "WRONGPASS"},
		{"Basic YW55Ong=", 401, "WRONGPASS"},
		{"Bearer ses ame", 200, ""},
		{"bearer ses ame", 200, ""},
		{"Basic YW55OnNlcyBhbWU=", 401, "WRONGPASS"}, // of a user who is not there
		{"Basic ZGVmYXVsdDpzZXMgYW1l", 200, ""},
		{"Basic OnNlcyBhbWU=", 200, ""},
	} {
		a := s.ask("GET", "/index", "Bloc-Session-ID", "a", "Authorization", c.authorization)
		if c.status == 200 {
			s.expect(a, 200, settling)
			continue
		}
		s.refused(a, c.status, c.word)
		if got := a.header.Values("WWW-Authenticate"); len(got) != 2 {
			t.Errorf("%q: WWW-Authenticate is %q", c.authorization, got)
		}
	}
	s.refused(s.ask("POST", "/v1/sessions"), 401, "NOAUTH")
	s.expect(s.ask("GET", "/healthz"), 200, `{"status": "alive"}`)
	if a := s.ask("GET", "/readyz"); a.status != 200 {
		t.Errorf("/readyz wants a password: %d", a.status)
	}
}

// TestHosts: a web page under a name that somebody made point here cannot join, nor one of another
// origin.
func TestHosts(t *testing.T) {
	s := open(t, httpd.Config{Hosts: []string{"Caucus.example:8989", "[2001:db8::1]:8989", "10.1.2.3"}})
	self := strings.TrimPrefix(s.url, "http://")
	for _, c := range []struct {
		host, origin string
		status       int
	}{
		{self, "", 200},
		{"localhost", "", 200},
		{"LOCALHOST.:1", "", 200},
		{"127.0.0.1:9999", "", 200}, // as through a tunnel
		{"[::1]:8989", "", 200},
		{"[::ffff:127.0.0.1]", "", 200},
		{"caucus.example", "", 200},
		{"CAUCUS.example:8989", "", 200},
		{"[2001:DB8:0::1]", "", 200},
		{"10.1.2.3:8989", "", 200},
		{"evil.example", "", 403},
		{"evil.example:8989", "", 403},
		{"localhost.evil.example", "", 403},
		{"127.0.0.1.evil.example", "", 403},
		{"10.1.2.4", "", 403},
		{self, "http://" + self, 200},
		{self, "https://" + self, 200},
		{"localhost:1", "http://LOCALHOST:1", 200},
		{self, "http://evil.example", 403},
		{self, "http://localhost:1", 403},
		{self, "null", 403},
		{self, self, 403},
	} {
		headers := []string{"Bloc-Session-ID", "a", "Host", c.host}
		if c.origin != "" {
			headers = append(headers, "Origin", c.origin)
		}
		a := s.ask("GET", "/index", headers...)
		if a.status != c.status {
			t.Errorf("Host %s, Origin %q: %d, want %d", c.host, c.origin, a.status, c.status)
		}
		if c.status == 403 && a.word(t) != "NOPERM" {
			t.Errorf("Host %s: %s", c.host, a.body)
		}
		if c.status == 403 {
			s.refused(s.ask("POST", "/v1/sessions", headers...), 403, "NOPERM")
		}
	}
	if a := s.ask("GET", "/healthz", "Host", "probe.example"); a.status != 200 {
		t.Errorf("/healthz under another name: %d", a.status)
	}
}

func TestHealthAndReadiness(t *testing.T) {
	s := open(t, httpd.Config{})
	s.expect(s.ask("GET", "/readyz"), 200, `{"ready":true,"leader":"n1","lag":0,"reason":""}`)
	s.change(func(e *ensemble) { e.ready = waist.Readiness{Lag: 7, Reason: "no leader"} })
	s.expect(s.ask("GET", "/readyz"), 503, `{"ready":false,"leader":"","lag":7,"reason":"no leader"}`)
	s.expect(s.ask("GET", "/healthz"), 200, `{"status": "alive"}`)
	s.expect(s.ask("HEAD", "/readyz"), 503, "")
}

func TestTooManyConnections(t *testing.T) {
	s := open(t, httpd.Config{MaxClients: 1})
	s.expect(s.index("a"), 200, settling) // and keeps its connection
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	all, err := io.ReadAll(conn)
	told := strings.HasPrefix(string(all), "HTTP/1.1 503 ") && strings.Contains(string(all), "TRYAGAIN")
	if err != nil || !told {
		t.Errorf("one too many reads %q, %v", all, err)
	}
	s.expect(s.index("a"), 200, settling)
}
