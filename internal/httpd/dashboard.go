package httpd

import (
	"bytes"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/httpd/ui"
)

// policy lets the dashboard load and ask nothing but its own node, and be framed by nobody. Nothing that a
// client named itself could run there, even if the page took it for markup by mistake.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; " +
	"form-action 'none'; frame-ancestors 'none'; connect-src 'self'"

// pageHeader says that it is the dashboard which asks.
const pageHeader = "Caucus-Page"

// dashboard answers with a file of the dashboard. There is nothing secret in them, so they are served without
// the password: the page asks for it.
func (d *Door) dashboard(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	file := ui.Find(path)
	h := w.Header()
	h.Set("Content-Type", file.Type)
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Vary", "Accept-Encoding")
	if path == ui.Page {
		h.Set("Content-Security-Policy", policy+d.elsewhere(r)) // which changes with the nodes: it is not stored
	} else {
		h.Set("Cache-Control", "no-cache") // stored, and asked for again by its tag
	}
	content, tag := file.Plain, file.Tag
	if takesGzip(r.Header["Accept-Encoding"]) {
		content, tag = file.Zipped, file.Tag+"-gzip"
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Etag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// hostPort is what an address looks like that may stand in a policy.
var hostPort = regexp.MustCompile(`^[A-Za-z0-9.\-]+:[0-9]+$|^\[[0-9a-fA-F:]+\]:[0-9]+$`)

// elsewhere gives the HTTP doors of all nodes, for the policy: when its node is gone, the page looks which of
// them lives and goes there.
func (d *Door) elsewhere(r *http.Request) (sources string) {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	for _, node := range d.server.Local(r.Context(), caucus.Command{"ENSEMBLE", "NODES"}).Items {
		if address := node.Field("http").Text(); hostPort.MatchString(address) {
			sources += " " + scheme + address
		}
	}
	return sources
}

// takesGzip says whether one of the Accept-Encoding headers asks for gzip.
func takesGzip(accept []string) bool {
	for _, header := range accept {
		for coding := range strings.SplitSeq(header, ",") {
			name, weight, _ := strings.Cut(coding, ";")
			if strings.EqualFold(strings.TrimSpace(name), "gzip") {
				return strings.Trim(weight, " q=0.") != "" || weight == ""
			}
		}
	}
	return false
}
