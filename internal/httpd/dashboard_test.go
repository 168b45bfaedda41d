package httpd_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/httpd"
	"github.com/caucus-project/caucus/internal/waist"
)

// The dashboard's own files need no password, but nothing else is let in by that: neither pages of other
// hosts, nor strangers while there is no password.
func TestWhoGetsTheDashboard(t *testing.T) {
	s := open(t, httpd.Config{Guard: waist.Password(func() string { return "sesame" })})
	for _, path := range []string{"/", "", "/?from=n2", "/ui/main.js", "/ui/base.css", "/ui/icon.svg"} {
		if a := s.ask("GET", path); a.status != 200 || len(a.body) == 0 {
			t.Errorf("%s: %d", path, a.status)
		}
		if a := s.ask("HEAD", path); a.status != 200 || len(a.body) != 0 {
			t.Errorf("HEAD %s: %d", path, a.status)
		}
		s.refused(s.ask("GET", path, "Host", "evil.example"), 403, "NOPERM")
		s.refused(s.ask("GET", path, "Origin", "http://evil.example"), 403, "NOPERM")
	}
	for _, c := range []struct {
		headers []string
		offered int
	}{{nil, 2}, {[]string{"Caucus-Page", "1"}, 1}} {
		a := s.ask("GET", "/v1/status", c.headers...)
		s.refused(a, 401, "NOAUTH")
		ways := a.header.Values("Www-Authenticate")
		if len(ways) != c.offered || !strings.HasPrefix(ways[0], "Bearer") {
			t.Errorf("%q: offered are %q", c.headers, ways)
		}
	}
	stranger := openFrom(t, httpd.Config{}, &net.TCPAddr{IP: net.ParseIP("192.0.2.7"), Port: 4711})
	s.refused(stranger.ask("GET", "/"), 403, "DENIED")
	s.refused(stranger.ask("GET", "/ui/main.js"), 403, "DENIED")
}

// The policy lets the page ask its own node, and look whether the others live; what a node says its address
// is does not become a policy of its own.
func TestThePolicyOfTheDashboard(t *testing.T) {
	s := open(t, httpd.Config{})
	s.change(func(e *ensemble) {
		for _, address := range []string{"10.0.0.7:8989", "n2.example:80", "[::1]:8989", "*", "",
			"x; script-src *:1"} {
			e.doors = append(e.doors, caucus.Map(caucus.Bulk("http"), caucus.Bulk(address)))
		}
	})
	got := s.ask("GET", "/").header.Get("Content-Security-Policy")
	const want = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; " +
		"form-action 'none'; frame-ancestors 'none'; connect-src 'self' " +
		"http://10.0.0.7:8989 http://n2.example:80 http://[::1]:8989"
	if got != want {
		t.Errorf("the policy is\n%s, not\n%s", got, want)
	}
	for path, keeping := range map[string]string{"/": "no-store", "/ui/main.js": "no-cache"} {
		h := s.ask("GET", path).header
		if h.Get("Cache-Control") != keeping || h.Get("X-Content-Type-Options") != "nosniff" ||
			h.Get("Content-Security-Policy") == "" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

func TestTheDashboardIsZippedAndTagged(t *testing.T) {
	s := open(t, httpd.Config{})
	const path, accept = "/ui/main.js", "Accept-Encoding"
	plain := s.ask("GET", path, accept, "identity")
	for _, header := range []string{"gzip", "br, gzip;q=0.8", "GZIP"} {
		a := s.ask("GET", path, accept, header)
		r, err := gzip.NewReader(strings.NewReader(a.body))
		if err != nil || a.header.Get("Content-Encoding") != "gzip" {
			t.Fatalf("%s: %v %v", header, err, a.header)
		}
		var unzipped bytes.Buffer
		if _, err := io.Copy(&unzipped, r); err != nil || unzipped.String() != plain.body {
			t.Errorf("%s: %v, another content", header, err)
		}
		if a.header.Get("Etag") == plain.header.Get("Etag") {
			t.Error("one tag for two forms")
		}
	}
	for _, header := range []string{"gzip;q=0", "gzip; q=0.0", "br", ""} {
		if a := s.ask("GET", path, accept, header); a.body != plain.body || a.header.Get("Content-Encoding") != "" {
			t.Errorf("%q: %v", header, a.header)
		}
	}
	a := s.ask("GET", path, accept, "identity", "If-None-Match", plain.header.Get("Etag"))
	if a.status != 304 || a.body != "" {
		t.Errorf("the tag that is there: %d", a.status)
	}
	if a := s.ask("GET", path, "If-None-Match", `"another"`); a.status != 200 {
		t.Errorf("another tag: %d", a.status)
	}
}
