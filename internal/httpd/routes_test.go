package httpd_test

import (
	"testing"

	"github.com/caucus-project/caucus/internal/httpd"
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
