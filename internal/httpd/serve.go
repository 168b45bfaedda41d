package httpd

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/httpd/ui"
)

// resource is what a path names.
type resource uint8

const (
	nothing   resource = iota
	index              // of bloc: heartbeat, join and question in one
	session            // of bloc
	health             // does the process live?
	readiness          // may clients be sent here?
	metrics            // how is the node?
	api                // what is below /v1/
	page               // a file of the dashboard
)

// blocGroup is the group of bloc's bare paths.
const blocGroup = "bloc"

// methods gives what may be done with a resource.
func (what resource) methods() []string {
	switch what {
	case index:
		return []string{http.MethodGet}
	case session:
		return []string{http.MethodDelete}
	}
	return []string{http.MethodGet, http.MethodHead}
}

// find gives what an escaped path names, and the group that stands in it. Only the group is unescaped,
// and once: a "/" in it may stand as it is or as %2F.
func find(path string) (what resource, group string) {
	switch path {
	case "/healthz":
		return health, ""
	case "/readyz":
		return readiness, ""
	case "/metrics":
		return metrics, ""
	case "/index":
		return index, blocGroup
	case "/session":
		return session, blocGroup
	}
	switch {
	case strings.HasPrefix(path, apiRoot):
		return api, ""
	case ui.Find(path) != nil:
		return page, ""
	}
	rest, ok := strings.CutPrefix(path, "/g/")
	at := strings.LastIndexByte(rest, '/')
	if !ok || at < 0 {
		return nothing, ""
	}
	group, err := url.PathUnescape(rest[:at])
	switch {
	case err != nil:
		return nothing, ""
	case rest[at:] == "/index":
		return index, group
	case rest[at:] == "/session":
		return session, group
	}
	return nothing, ""
}

// serve answers one request.
func (d *Door) serve(to http.ResponseWriter, r *http.Request) {
	w := &answer{ResponseWriter: to, tally: &d.tally}
	h := w.Header()
	h["Cache-Control"] = noStore // whoever kept a share of the work would hand it out when it is another's
	h["X-Content-Type-Options"] = noSniff
	what, group := find(r.URL.EscapedPath())
	if what == metrics && d.cfg.Metrics == nil {
		what = nothing
	}
	who, err := d.admit(r, what)
	if err != nil {
		if err.Word == caucus.ErrDenied.Word {
			d.tally.denied.Add(1)
		}
		refuse(w, r, err)
		return
	}
	r = r.WithContext(context.WithValue(r.Context(), loginKey{}, who))
	switch {
	case what == api:
		d.api.ServeHTTP(w, r)
	case what == nothing:
		fail(w, http.StatusNotFound, caucus.Errorf(caucus.ErrBad, "there is nothing at this path; "+
			"there is the dashboard at /, there is /index, /session, "+
			"both also below /g/GROUP, /v1, /healthz, /readyz and /metrics"))
	case !slices.Contains(what.methods(), r.Method):
		h.Set("Allow", strings.Join(what.methods(), ", "))
		fail(w, http.StatusMethodNotAllowed, caucus.Errorf(caucus.ErrBad, "this path takes %s",
			strings.Join(what.methods(), " and ")))
	case r.ContentLength > maxBody:
		h.Set("Connection", "close")
		fail(w, http.StatusRequestEntityTooLarge, caucus.Errorf(caucus.ErrBad, "no body is read here, "+
			"and this one is too long to be read away"))
	case what == health:
		say(w, http.StatusOK, []byte(`{"status": "alive"}`))
	case what == readiness:
		d.ready(w)
	case what == metrics:
		d.cfg.Metrics.ServeHTTP(w, r)
	case what == page:
		d.dashboard(w, r)
	default:
		d.bloc(w, r, what, group)
	}
}

// ready answers whether clients may be sent to this node.
func (d *Door) ready(w http.ResponseWriter) {
	now := d.server.Ready()
	body, err := json.Marshal(now)
	status := http.StatusOK
	if err != nil || !now.Ready {
		status = http.StatusServiceUnavailable
	}
	say(w, status, body)
}

// refuse answers who may not come in, and closes the connection, so that strangers hold none.
// The dashboard asks for the password itself: offered Basic, its browser would do so, too.
func refuse(w http.ResponseWriter, r *http.Request, err *caucus.Error) {
	w.Header().Set("Connection", "close")
	if err.HTTPStatus() == http.StatusUnauthorized {
		ways := []string{`Bearer realm="caucus"`, `Basic realm="caucus"`}
		if r.Header.Get(pageHeader) != "" {
			ways = ways[:1]
		}
		w.Header()["Www-Authenticate"] = ways
	}
	fail(w, err.HTTPStatus(), err)
}

// fail answers with an error. The status is that of the error's word, save where HTTP has its own.
func fail(w http.ResponseWriter, status int, err *caucus.Error) {
	body, problem := json.Marshal(struct {
		Error   string `json:"error"`
		Message string `json:"message"`
	}{err.Word, err.Message})
	if a, counts := w.(*answer); counts {
		a.tally.refusals.Count(err.Message)
	}
	if problem != nil {
		status = http.StatusInternalServerError
	}
	say(w, status, body)
}

var (
	jsonType = []string{"application/json"}
	noStore  = []string{"no-store"}
	noSniff  = []string{"nosniff"}
)

// say writes a whole answer and sends it off. A client that is not there to take it has not learnt
// anything, and knows that.
func say(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h["Content-Type"] = jsonType
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		return
	}
	// What cannot be flushed is sent off when the request is done.
	_ = http.NewResponseController(w).Flush()
}
