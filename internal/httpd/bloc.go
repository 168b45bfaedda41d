package httpd

import (
	"context"
	"net/http"
	"strconv"

	"github.com/caucus-project/caucus"
)

// blocHeader names bloc's clients. It stands here as net/http writes it; on the wire any case will do.
const blocHeader = "Bloc-Session-Id"

// maxHeaderValue is how long the name of a client of bloc may be.
const maxHeaderValue = 255

// bloc answers a client of bloc.
func (d *Door) bloc(w http.ResponseWriter, r *http.Request, what resource, group string) {
	header, err := blocClient(r, group)
	if err != nil {
		fail(w, err.HTTPStatus(), err)
		return
	}
	ctx := r.Context()
	if what == session {
		ctx = context.WithoutCancel(ctx) // its client waits a second and is gone; its end counts all the same
	}
	ctx, cancel := context.WithTimeout(ctx, d.cfg.RequestTimeout)
	defer cancel()
	s, err := d.blocSit(ctx, client{group, header, loginOf(r).User})
	if err != nil {
		fail(w, err.HTTPStatus(), err)
		return
	}
	defer d.blocRise(s) // after the answer has been written
	if what == session {
		d.blocEnd(ctx, w, s)
		return
	}
	d.blocIndex(ctx, w, s)
}

// blocClient finds who asks.
func blocClient(r *http.Request, group string) (header string, err *caucus.Error) {
	values := r.Header[blocHeader]
	switch {
	case !caucus.ValidGroup(group):
		return "", caucus.Errorf(caucus.ErrBad, "a group name is 1-255 letters, digits and '._-/', "+
			"not beginning or ending with '/', without an empty, '.' or '..' part")
	case len(values) == 0 || values[0] == "":
		return "", caucus.Errorf(caucus.ErrBad, "the header Bloc-Session-ID is missing; it names the client")
	case len(values) > 1:
		return "", caucus.Errorf(caucus.ErrBad, "the header Bloc-Session-ID stands there %d times; "+
			"it names one client", len(values))
	case len(values[0]) > maxHeaderValue:
		return "", caucus.Errorf(caucus.ErrBad, "the header Bloc-Session-ID has %d bytes; at most %d",
			len(values[0]), maxHeaderValue)
	}
	return values[0], nil
}

// blocIndex answers GET /index.
func (d *Door) blocIndex(ctx context.Context, w http.ResponseWriter, s *blocSeat) {
	now, err := s.heartbeat(ctx)
	if err != nil {
		fail(w, err.HTTPStatus(), err)
		return
	}
	say(w, http.StatusOK, now.json())
}

// json writes a share as bloc does, to the byte.
func (sh share) json() []byte {
	if !sh.settled {
		return []byte(`{"status": "SETTLING"}`)
	}
	b := append(make([]byte, 0, 64), `{"status": "SETTLED", "index": `...)
	b = strconv.AppendInt(b, sh.index, 10)
	b = append(b, `, "total": `...)
	b = strconv.AppendInt(b, sh.total, 10)
	return append(b, '}')
}

// blocEnd answers DELETE /session.
func (d *Door) blocEnd(ctx context.Context, w http.ResponseWriter, s *blocSeat) {
	err := s.end(ctx)
	d.seats.forget(s)
	if err != nil {
		fail(w, err.HTTPStatus(), err)
		return
	}
	say(w, http.StatusOK, []byte("{}"))
}
