package httpd_test

import (
	"net"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/httpd"
	"github.com/caucus-project/caucus/internal/waist"
)

// What is not below /v1, and methods that are not taken, are answered as at the rest of the door.
func TestPathsThatAreNotThere(t *testing.T) {
	s := open(t, httpd.Config{})
	for _, path := range []string{"/v1", "/v1/", "/v1/none", "/v1//groups", "/v1/groups/", "/v1/groups/a/b",
		"/v1/groups/..", "/v1/./groups", "/v1/groups/a//members", "/V1/groups"} {
		s.refused(s.ask("GET", path), 404, "ERR")
	}
	for _, method := range []string{"POST", "DELETE", "PATCH", "OPTIONS"} {
		a := s.ask(method, "/v1/groups")
		s.refused(a, 405, "ERR")
		if got := a.header.Get("Allow"); got != "GET, HEAD" {
			t.Errorf("%s: Allow %q", method, got)
		}
	}
}

// The door's rules hold for every route: no web page of another host or origin, nobody without the password,
// nobody from elsewhere while there is none.
func TestNoRouteIsOpen(t *testing.T) {
	s := open(t, httpd.Config{Guard: waist.Password(func() string { return "sesame" })})
	stranger := openFrom(t, httpd.Config{}, &net.TCPAddr{IP: net.ParseIP("192.0.2.7"), Port: 4711})
	const name, bearer = "Authorization", "Bearer sesame"
	for _, route := range httpd.Routes() {
		method, path, _ := strings.Cut(route, " ")
		path = strings.NewReplacer("{", "", "}", "").Replace(path)
		s.refused(s.ask(method, path), 401, "NOAUTH")
		s.refused(s.ask(method, path, name, "Bearer x"), 401, "WRONGPASS")
		s.refused(s.ask(method, path, name, bearer, "Host", "evil.example"), 403, "NOPERM")
		s.refused(s.ask(method, path, name, bearer, "Origin", "http://evil.example"), 403, "NOPERM")
		s.refused(stranger.ask(method, path), 403, "DENIED")
	}
	if s.written() != nil || stranger.written() != nil {
		t.Error("something was written")
	}
}
