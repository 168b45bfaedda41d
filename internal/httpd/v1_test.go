package httpd_test

import (
	"net/http"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/node"
)

// ofNode is a client of the HTTP door of a real node.
func ofNode(t *testing.T, n *node.Node) *stage {
	_, _, addr := n.Addresses()
	s := &stage{t: t, url: "http://" + addr, http: &http.Client{Transport: &http.Transport{}, Timeout: patience}}
	t.Cleanup(s.http.CloseIdleConnections)
	return s
}

func TestGroups(t *testing.T) {
	s := ofNode(t, nodetest.InProcess(t, 1, nil)[0])
	s.expect(s.ask("GET", "/v1/groups"), 200, `{"groups":[]}`)
	s.refused(s.ask("GET", "/v1/groups/a%2Fb"), 404, "NOGROUP")
	s.refused(s.ask("GET", "/v1/groups/a%20b"), 400, "ERR")
}
