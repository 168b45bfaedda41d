package httpd

import (
	"encoding/json"
	"time"
)

// AtSeat gives how many requests of a client have come and have not been answered.
func (d *Door) AtSeat(group, header string) int {
	d.seats.mu.Lock()
	defer d.seats.mu.Unlock()
	if s, ok := d.seats.byWho[client{group, header}]; ok {
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

// SetTimes sets for how long reading a request and answering it may take, but for streams of events.
func (d *Door) SetTimes(most time.Duration) { d.http.ReadTimeout, d.http.WriteTimeout = most, most }
