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
	"github.com/caucus-project/caucus/internal/follow"
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

// piece is how many bytes of events are gathered into one write.
const piece = 64 << 10

// stream is a GET of a group's events: one that is answered for as long as its client likes (WIRE "Events").
type stream struct {
	*visit
	out   *http.ResponseController
	place *follow.Place
	ear   waist.Subscription
	text  []byte // what is to be written
}

// events is GET /v1/groups/{g}/events.
func (d *Door) events(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(d.streaming, cancel)()
	s := &stream{visit: &visit{door: d, w: w, r: r, ctx: ctx}, out: http.NewResponseController(w)}
	if status, err := s.check(); err != nil {
		fail(w, status, err)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	if r.Method == http.MethodHead {
		w.WriteHeader(http.StatusOK)
		return
	}
	s.ear = d.server.Watch()
	defer s.ear.Close()
	if err := s.begin(); err != nil {
		fail(w, err.HTTPStatus(), err)
		return
	}
	d.tally.streams.Add(1)
	defer d.tally.streams.Add(-1)
	s.end(s.run())
}

// check looks at what the request says.
func (s *stream) check() (status int, err *caucus.Error) {
	if !takesEvents(s.r.Header["Accept"]) {
		return http.StatusNotAcceptable, wrong("events come as text/event-stream, without an end, and this " +
			"request accepts no such thing")
	}
	if err := s.identify(); err != nil {
		return http.StatusBadRequest, err
	}
	if _, status, err := parse(s.w, s.r, maxBody, nil); err != nil {
		return status, err
	}
	s.place = follow.Now(s.name("g"))
	last := s.r.Header["Last-Event-Id"]
	if len(last) == 0 || len(last) == 1 && last[0] == "" {
		return 0, nil
	}
	seq, problem := strconv.ParseUint(last[0], 10, 63)
	if problem != nil || len(last) > 1 {
		return http.StatusBadRequest, wrong("Last-Event-ID '%.40s' is not the id of an event: a number",
			strings.Join(last, ", "))
	}
	s.place = follow.From(s.name("g"), seq+1)
	return 0, nil
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

// begin listens, to what is for the session's own member as well, and then reads what is to be said first.
func (s *stream) begin() *caucus.Error {
	if s.door.streaming.Err() != nil {
		return caucus.Errorf(caucus.ErrTryAgain, "this node is stopping")
	}
	s.ear.Subscribe(caucus.EventChannel(s.name("g")))
	if s.session != "" {
		feed, err := s.ownFeed()
		if err != nil {
			return err
		}
		s.ear.Subscribe(feed)
	}
	if err := s.catchUp(); err != nil {
		return known(err)
	}
	if err := s.out.SetReadDeadline(time.Time{}); err != nil {
		return caucus.Errorf(caucus.ErrTryAgain, "events cannot be listened to here: %v", err)
	}
	return nil
}

// ownFeed finds where the messages for the session's member of the group are.
func (s *stream) ownFeed() (string, *caucus.Error) {
	ctx, cancel := context.WithTimeout(s.ctx, s.door.cfg.RequestTimeout)
	defer cancel()
	conn, err := s.door.server.Open(waist.ConnInfo{Session: s.session})
	if err != nil {
		return "", known(err)
	}
	defer conn.Close(false)
	if gone := conn.DoAll(ctx, []caucus.Command{keepAlive})[0]; gone.Kind == caucus.KindError {
		return "", caucus.ParseError(gone.Str) // a session is missed before a member
	}
	feed, refused := conn.Feed(ctx, caucus.MemberChannel(s.name("g"), ""))
	if refused != nil && refused.Word == caucus.ErrNoPerm.Word {
		refused = caucus.Errorf(caucus.ErrNoMember, "the session of the header %s is not a member of group '%s'; "+
			"join before you listen for what is sent to you", sessionHeader, s.name("g"))
	}
	return feed, refused
}

// catchUp asks what must be known before anything more can be said.
func (s *stream) catchUp() error {
	cmd, ok := s.place.Ask()
	if !ok {
		return nil
	}
	conn, err := s.door.server.Open(waist.ConnInfo{})
	if err != nil {
		return err
	}
	defer conn.Close(false)
	for ; ok && err == nil; cmd, ok = s.place.Ask() {
		err = s.askOne(conn, cmd)
	}
	return err
}

func (s *stream) askOne(conn waist.Conn, cmd caucus.Command) error {
	ctx, cancel := context.WithTimeout(s.ctx, s.door.cfg.RequestTimeout)
	defer cancel()
	replies := conn.DoAll(ctx, []caucus.Command{cmd})
	if len(replies) != 1 {
		return caucus.Errorf(caucus.ErrTryAgain, "the node does not answer")
	}
	return s.say(s.place.Answered(replies[0]))
}

// say adds events to what is to be written.
func (s *stream) say(events []follow.Event, err error) error {
	for _, e := range events {
		if e.Seq > 0 {
			s.text = append(strconv.AppendUint(append(s.text, "id: "...), e.Seq, 10), '\n')
		}
		s.text = append(append(s.text, "event: "...), e.Kind...)
		s.text = append(append(s.text, "\ndata: "...), e.JSON...)
		s.text = append(s.text, "\n\n"...)
	}
	return err
}

// run says what happens until the client or the door goes, or the node cannot tell any more.
func (s *stream) run() error {
	for {
		if err := s.flush(); err != nil {
			return err
		}
		messages, err := s.next()
		switch {
		case s.ctx.Err() != nil:
			return nil
		case errors.Is(err, context.DeadlineExceeded):
			s.place.Lost()
			err = s.catchUp()
			s.text = append(s.text, ":\n\n"...)
		case err == nil:
			err = s.hear(messages)
		}
		if err != nil {
			return err
		}
	}
}

// next waits for something to happen, for a beat at most.
func (s *stream) next() ([]waist.Message, error) {
	ctx, cancel := context.WithTimeout(s.ctx, s.door.pace.beat)
	defer cancel()
	return s.ear.Next(ctx)
}

func (s *stream) hear(messages []waist.Message) error {
	for _, m := range messages {
		err := s.say(s.place.Heard(m.Payload))
		if err == nil {
			err = s.catchUp()
		}
		if err == nil && len(s.text) >= piece {
			err = s.flush()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

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
		log("a stream of events ended", "group", s.name("g"), "from", s.r.RemoteAddr, "error", why)
	}
	if err := s.out.SetWriteDeadline(time.Now().Add(s.door.pace.patience)); err != nil {
		s.door.cfg.Logger.Debug("ending a stream of events", "error", err) // its client has gone
	}
}
