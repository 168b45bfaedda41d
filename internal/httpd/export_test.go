package httpd

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/caucus-project/caucus"
)

// AtSeat gives how many requests of a client have come and have not been answered.
func (d *Door) AtSeat(group, header string) int {
	d.seats.mu.Lock()
	defer d.seats.mu.Unlock()
	if s, ok := d.seats.byWho[client{group, header, ""}]; ok {
		return s.users
	}
	return 0
}

// Routes gives the routes of /v1, as "METHOD /path".
func Routes() (list []string) {
	for _, r := range New(Config{}, nil).routes() {
		list = append(list, r.method+" "+r.path)
	}
	return list
}

// Takes gives what can be stated at each route, in order.
func Takes() map[string][]string {
	all := map[string][]string{}
	for _, r := range New(Config{}, nil).routes() {
		names := []string{}
		for _, f := range r.takes {
			names = append(names, f.name)
		}
		all[r.method+" "+r.path] = names
	}
	return all
}

// Document gives the document of the API, as GET /v1/openapi.json answers it.
func Document() []byte {
	text, err := json.Marshal(New(Config{}, nil).document())
	if err != nil {
		panic(err)
	}
	return text
}

// SetPace sets how often streams of events give a sign of life, and how long a write to them may take.
func (d *Door) SetPace(beat, patience time.Duration) { d.pace = pace{beat, patience} }

// SetTimes sets for how long a request may come in and an answer may go out, but for streams of events.
func (d *Door) SetTimes(each time.Duration) { d.allow(each) }

// ServeHere answers a request as if it came from this machine.
func (d *Door) ServeHere(w http.ResponseWriter, r *http.Request) {
	v := visitor{from: &net.TCPAddr{IP: net.IPv6loopback}}
	d.serve(w, r.WithContext(context.WithValue(r.Context(), visitorKey{}, v)))
}

// JSON gives a reply as it is answered.
func JSON(r caucus.Reply) []byte { return appendReply(nil, r) }

var allRoutes = sync.OnceValue(func() []route { return New(Config{}, nil).routes() })

// Stated gives what a body says at a route, and the plainest body that says the same.
func Stated(name string, body []byte) (map[string][]string, []byte, *caucus.Error) {
	for _, of := range allRoutes() {
		if of.method+" "+of.path != name {
			continue
		}
		found, err := inBody(body, of.takes)
		g := given{}
		for _, what := range found {
			if err == nil {
				err = g.take(of.takes, what)
			}
		}
		if err != nil {
			return nil, nil, err
		}
		return g, g.plain(of.takes), nil
	}
	panic(name)
}

// plain writes what a request says as a body.
func (g given) plain(fields []field) []byte {
	var items []caucus.Reply
	var raw []string
	for _, f := range fields {
		values, ok := g[f.name]
		switch {
		case !ok:
		case f.shape == text || f.shape == data:
			items = append(items, caucus.Bulk(f.name), caucus.Bulk(values[0]))
		case f.shape == flag:
			raw = append(raw, `"`+f.name+`":true`)
		case f.shape == numbers:
			raw = append(raw, `"`+f.name+`":[`+strings.Join(values, ",")+"]")
		default:
			raw = append(raw, `"`+f.name+`":`+values[0])
		}
	}
	whole := strings.TrimSuffix(string(appendObject(nil, items)), "}")
	for i, field := range raw {
		if i > 0 || len(items) > 0 {
			whole += ","
		}
		whole += field
	}
	return []byte(whole + "}")
}
