package httpd

import (
	"context"
	"errors"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/follow"
	"github.com/caucus-project/caucus/internal/waist"
)

// eventSource is what happens in a group: GET /v1/groups/{g}/events.
type eventSource struct {
	*stream
	place *follow.Place
	ear   waist.Subscription
}

func groupEvents(s *stream) (source, *caucus.Error) {
	e := &eventSource{stream: s, place: follow.Now(s.name("g")), ear: s.door.server.Watch()}
	s.needs = caucus.Command{"GROUP", "EVENTS", s.name("g"), "FROM", "0"}
	seq, ok, err := s.lastSeen()
	if ok {
		e.place = follow.From(s.name("g"), seq+1)
	}
	return e, err
}

func (e *eventSource) close() { e.ear.Close() }

// begin listens, to what is for the session's own member as well, and then reads what is to be said first.
func (e *eventSource) begin() error {
	e.ear.Subscribe(caucus.EventChannel(e.name("g")))
	if e.session != "" {
		feed, err := e.ownFeed()
		if err != nil {
			return err
		}
		e.ear.Subscribe(feed)
	}
	return e.catchUp()
}

// ownFeed finds where the messages for the session's member of the group are.
func (e *eventSource) ownFeed() (string, error) {
	conn, err := e.converse(waist.ConnInfo{Session: e.session})
	if err != nil {
		return "", err
	}
	defer conn.Close(false)
	alive, err := e.askOne(conn, e.door.cfg.RequestTimeout, keepAlive)
	if err != nil {
		return "", err
	}
	if err := alive.Err(); err != nil {
		return "", err // a session is missed before a member
	}
	ctx, cancel := context.WithTimeout(e.ctx, e.door.cfg.RequestTimeout)
	defer cancel()
	feed, refused := conn.Feed(ctx, caucus.MemberChannel(e.name("g"), ""))
	switch {
	case refused == nil:
		return feed, nil
	case refused.Word == caucus.ErrNoPerm.Word:
		refused = caucus.Errorf(caucus.ErrNoMember, "the session of the header %s is not a member of group '%s'; "+
			"join before you listen for what is sent to you", sessionHeader, e.name("g"))
	}
	return "", refused
}

// catchUp asks what must be known before anything more can be said.
func (e *eventSource) catchUp() error {
	cmd, ok := e.place.Ask()
	if !ok {
		return nil
	}
	conn, err := e.converse(waist.ConnInfo{})
	if err != nil {
		return err
	}
	defer conn.Close(false)
	for ; ok && err == nil; cmd, ok = e.place.Ask() {
		var reply caucus.Reply
		if reply, err = e.askOne(conn, e.door.cfg.RequestTimeout, cmd); err == nil {
			err = e.sayAll(e.place.Answered(reply))
		}
	}
	return err
}

func (e *eventSource) sayAll(events []follow.Event, err error) error {
	for _, event := range events {
		e.say(event.Seq, event.Kind, event.JSON)
	}
	return err
}

func (e *eventSource) more() error {
	messages, err := e.next()
	switch {
	case e.ctx.Err() != nil:
		return errGone
	case errors.Is(err, context.DeadlineExceeded):
		e.place.Lost()
		err = e.catchUp()
		e.comment()
	case err == nil:
		err = e.hear(messages)
	}
	return err
}

// next waits for something to happen, for a beat at most.
func (e *eventSource) next() ([]waist.Message, error) {
	ctx, cancel := context.WithTimeout(e.ctx, e.door.pace.beat)
	defer cancel()
	return e.ear.Next(ctx)
}

// piece is how many bytes of events are gathered into one write.
const piece = 64 << 10

func (e *eventSource) hear(messages []waist.Message) error {
	for _, m := range messages {
		err := e.sayAll(e.place.Heard(m.Payload))
		if err == nil {
			err = e.catchUp()
		}
		if err == nil && len(e.text) >= piece {
			err = e.flush()
		}
		if err != nil {
			return err
		}
	}
	return nil
}
