package httpd_test

import (
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/caucus-project/caucus/internal/httpd"
	"github.com/caucus-project/caucus/internal/waist"
)

// page stands for the metrics.
var page = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "caucus_term 7\n") // who does not read it fails the test
})

// The page of metrics stands behind the same entrance as all else.
func TestMetricsAreServedToWhoMayComeIn(t *testing.T) {
	elsewhere := &net.TCPAddr{IP: net.IPv4(198, 51, 100, 7), Port: 4000}
	guarded := waist.Password(func() string { return "p" })
	for _, c := range []struct {
		name    string
		cfg     httpd.Config
		from    net.Addr
		method  string
		headers []string
		status  int
	}{
		{"from here", httpd.Config{Metrics: page}, nil, "GET", nil, 200},
		{"HEAD", httpd.Config{Metrics: page}, nil, "HEAD", nil, 200},
		{"POST", httpd.Config{Metrics: page}, nil, "POST", nil, 405},
		{"none", httpd.Config{}, nil, "GET", nil, 404},
		{"from elsewhere", httpd.Config{Metrics: page}, elsewhere, "GET", nil, 403},
		{"a web page", httpd.Config{Metrics: page}, nil, "GET", []string{"Host", "evil.example"}, 403},
		{"no password", httpd.Config{Metrics: page, Guard: guarded}, nil, "GET", nil, 401},
		{"the password", httpd.Config{Metrics: page, Guard: guarded}, nil, "GET",
			[]string{"Authorization", "Bearer p"}, 200},
	} {
		s := openFrom(t, c.cfg, c.from)
		a := s.ask(c.method, "/metrics", c.headers...)
		if a.status != c.status || a.status == 200 && c.method == "GET" && a.body != "caucus_term 7\n" {
			t.Errorf("%s: %d %q, want %d", c.name, a.status, a.body, c.status)
		}
		st := s.door.Stats()
		if st.Answers[c.status] != 1 || st.Accepted != 1 || st.BytesIn < 40 || (st.Denied == 1) != (c.from != nil) {
			t.Errorf("%s: counted %+v", c.name, st)
		}
	}
}
