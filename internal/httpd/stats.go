package httpd

import (
	"maps"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/caucus-project/caucus/internal/waist"
)

// Stats counts what the door has done since it was made.
type Stats struct {
	Open     int               // connections now
	Streams  int               // of events, open now
	Accepted uint64            // connections taken
	TooMany  uint64            // connections turned away because there were too many
	Cut      uint64            // streams of events that were ended because their reader was too slow
	Denied   uint64            // requests denied because they came from elsewhere and there is no password
	Answers  map[int]uint64    // by HTTP status
	Limits   map[string]uint64 // refusals by the limit that is their reason

	BytesIn, BytesOut uint64
}

// Stats gives the counts.
func (d *Door) Stats() Stats {
	t := &d.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	limits := map[string]uint64{}
	t.refusals.AddTo(limits)
	return Stats{Limits: limits, Open: int(d.open.Load()), Accepted: t.accepted.Load(),
		TooMany: t.tooMany.Load(), Streams: int(t.streams.Load()), Cut: t.cut.Load(),
		Denied: t.denied.Load(), Answers: maps.Clone(t.answers), BytesIn: t.in.Load(), BytesOut: t.out.Load()}
}

// tally is what is counted.
type tally struct {
	accepted, tooMany, denied, cut, in, out atomic.Uint64
	streams                                 atomic.Int64
	refusals                                waist.Refusals

	mu      sync.Mutex
	answers map[int]uint64
}

func (t *tally) answered(status int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.answers == nil {
		t.answers = map[int]uint64{}
	}
	t.answers[status]++
}

// answer notes the status that a request is answered with.
type answer struct {
	http.ResponseWriter
	tally *tally
	said  bool
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if !a.said {
		a.said = true
		a.tally.answered(status)
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	if !a.said {
		a.WriteHeader(http.StatusOK)
	}
	return a.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach what the server can do.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// counted is a connection whose bytes are counted.
type counted struct {
	net.Conn
	tally *tally
}

// Read implements io.Reader.
func (c counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.tally.in.Add(uint64(n))
	return n, err
}

// Write implements io.Writer.
func (c counted) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.tally.out.Add(uint64(n))
	return n, err
}
