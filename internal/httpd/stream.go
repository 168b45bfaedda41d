package httpd

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/waist"
)

// pace says how a stream of events goes on.
type pace struct {
	// beat is how often a stream that has nothing to say looks whether its node is still in touch with the
	// others, and says by a comment that it is.
	beat time.Duration
	// patience is how long one write may take until the reader is given up.
	patience time.Duration
}

var usualPace = pace{beat: 15 * time.Second, patience: requestTime}

// stream is a GET that is answered with server-sent events for as long as its client likes (WIRE "Events").
type stream struct {
	*visit
	out *http.ResponseController
	// needs is what a client may have carried out that may have the events.
	needs caucus.Command
	last  string // the id of the event that the client has seen last, "" for none
	text  []byte // what is to be written
}

// source is where a stream's events come from.
type source interface {
	// begin says what is to be said first. Until it has succeeded, nothing is written.
	begin() error
	// more waits until there is something to say, for a beat at most, and says it. It fails with errGone when
	// the client or the door has gone meanwhile.
	more() error
	close()
}

var errGone = errors.New("the client or the door has gone")

// stream answers with the events of a source.
func (d *Door) stream(of func(*stream) (source, *caucus.Error), fields ...field) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(d.streaming, cancel)()
		s := &stream{out: http.NewResponseController(w),
			visit: &visit{door: d, w: w, r: r, ctx: ctx, who: loginOf(r)}}
		if status, err := s.check(fields); err != nil {
			fail(w, status, err)
			return
		}
		from, err := of(s)
		if err != nil {
			fail(w, http.StatusBadRequest, err)
			return
		}
		defer from.close()
		w.Header().Set("Content-Type", "text/event-stream")
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusOK)
			return
		}
		if err := s.begin(from); err != nil {
			fail(w, err.HTTPStatus(), err)
			return
		}
		d.tally.streams.Add(1)
		defer d.tally.streams.Add(-1)
		s.end(s.run(from))
	}
}

// check looks at what the request says.
func (s *stream) check(fields []field) (status int, err *caucus.Error) {
	if !takesEvents(s.r.Header["Accept"]) {
		return http.StatusNotAcceptable, wrong("events come as text/event-stream, without an end, and this " +
			"request accepts no such thing")
	}
	if err := s.identify(); err != nil {
		return http.StatusBadRequest, err
	}
	if s.given, status, err = parse(s.w, s.r, maxBody, fields); err != nil {
		return status, err
	}
	last := s.r.Header["Last-Event-Id"]
	if len(last) > 1 {
		return http.StatusBadRequest, noID(strings.Join(last, ", "))
	}
	s.last = strings.Join(last, "")
	return 0, nil
}

func noID(text string) *caucus.Error {
	return wrong("Last-Event-ID '%.40s' is not the id of an event: a number", text)
}

// lastSeen gives the number of the event that the client has seen last, if it says so.
func (s *stream) lastSeen() (number uint64, ok bool, err *caucus.Error) {
	if s.last == "" {
		return 0, false, nil
	}
	number, problem := strconv.ParseUint(s.last, 10, 63)
	if problem != nil {
		return 0, false, noID(s.last)
	}
	return number, true, nil
}

// takesEvents says whether one of the Accept headers, if there are any, allows for events.
func takesEvents(accept []string) bool {
	for _, header := range accept {
		for kind := range strings.SplitSeq(header, ",") {
			kind, _, _ = strings.Cut(kind, ";")
			switch strings.ToLower(strings.TrimSpace(kind)) {
			case "text/event-stream", "text/*", "*/*":
				return true
			}
		}
	}
	return len(accept) == 0
}

// begin reads what is to be said first.
func (s *stream) begin(from source) *caucus.Error {
	if s.door.streaming.Err() != nil {
		return caucus.Errorf(caucus.ErrTryAgain, "this node is stopping")
	}
	if err := from.begin(); err != nil {
		return known(err)
	}
	if err := s.out.SetReadDeadline(time.Time{}); err != nil {
		return caucus.Errorf(caucus.ErrTryAgain, "events cannot be listened to here: %v", err)
	}
	return nil
}

// askOne has one command carried out on a conversation, for so long at most.
func (s *stream) askOne(conn waist.Conn, patience time.Duration, cmd caucus.Command) (caucus.Reply, error) {
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	replies := conn.DoAll(ctx, []caucus.Command{cmd})
	if len(replies) != 1 {
		return caucus.Reply{}, caucus.Errorf(caucus.ErrTryAgain, "the node does not answer")
	}
	return replies[0], nil
}

// say adds an event to what is to be written. Without an id, the client keeps the one that it saw last.
func (s *stream) say(id uint64, kind, json string) {
	if id > 0 {
		s.id(id)
	}
	s.text = append(append(s.text, "event: "...), kind...)
	s.text = append(append(s.text, "\ndata: "...), json...)
	s.text = append(s.text, "\n\n"...)
}

func (s *stream) id(id uint64) {
	s.text = append(strconv.AppendUint(append(s.text, "id: "...), id, 10), '\n')
}

// comment adds the sign that the stream lives.
func (s *stream) comment() { s.text = append(s.text, ":\n\n"...) }

// run says what happens until the client or the door goes, or the node cannot tell any more.
func (s *stream) run(from source) error {
	for {
		if err := s.flush(); err != nil {
			return err
		}
		err := from.more()
		if errors.Is(err, errGone) {
			return nil
		}
		if err != nil {
			return err
		}
		if !s.door.cfg.Guard.Holds(s.who) {
			return errLoggedOut
		}
		if err := s.door.cfg.Guard.May(s.who.User, s.needs); err != nil {
			return err
		}
	}
}

var errLoggedOut = errors.New("the user may not come in any more")

// flush writes what there is, at first the headers too. The client has to take it in time.
func (s *stream) flush() error {
	if err := s.out.SetWriteDeadline(time.Now().Add(s.door.pace.patience)); err != nil {
		return err
	}
	if _, err := s.w.Write(s.text); err != nil {
		return err
	}
	s.text = s.text[:0]
	return s.out.Flush()
}

// end ends the answer, so that the client sees that it is complete, and notes why if that is worth it.
func (s *stream) end(why error) {
	log := s.door.cfg.Logger.Debug
	if errors.Is(why, waist.ErrSlow) || errors.Is(why, os.ErrDeadlineExceeded) {
		s.door.tally.cut.Add(1)
		log = s.door.cfg.Logger.Warn
	}
	if why != nil {
		log("a stream of events ended", "path", s.r.URL.Path, "from", s.r.RemoteAddr, "error", why)
	}
	if err := s.out.SetWriteDeadline(time.Now().Add(s.door.pace.patience)); err != nil {
		s.door.cfg.Logger.Debug("ending a stream of events", "error", err) // its client has gone
	}
}
