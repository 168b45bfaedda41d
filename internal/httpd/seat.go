package httpd

import (
	"container/list"
	"context"
	"errors"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/waist"
)

// seat is where a client is met again at its next request. It keeps the conversation.
type seat struct {
	turn chan struct{} // holds a token while a request is being answered

	// Of the seats, under their lock.
	place   *list.Element
	users   int
	used    time.Time
	leaving bool // it goes with the last who is at it

	conn waist.Conn // of whose turn it is; nil: to be opened
}

func newSeat() seat { return seat{turn: make(chan struct{}, 1)} }

func (s *seat) at() *seat { return s }

// meet begins the conversation, unless there is one.
func (s *seat) meet(server waist.Server, info waist.ConnInfo) *caucus.Error {
	if s.conn != nil {
		return nil
	}
	conn, err := server.Open(info)
	if err != nil {
		return known(err)
	}
	s.conn = conn
	return nil
}

// hangUp ends the conversation, which means nothing to the session.
func (s *seat) hangUp() {
	if s.conn != nil {
		s.conn.Close(false)
		s.conn = nil
	}
}

// known gives any error as one with a word.
func known(err error) *caucus.Error {
	var word *caucus.Error
	if errors.As(err, &word) {
		return word
	}
	return caucus.Errorf(caucus.ErrTryAgain, "%v", err)
}

// do has commands carried out, and gives one reply for each, or the first error.
func (s *seat) do(ctx context.Context, cmds []caucus.Command) ([]caucus.Reply, *caucus.Error) {
	replies := s.conn.DoAll(ctx, cmds)
	for _, r := range replies {
		if r.Kind == caucus.KindError {
			return nil, caucus.ParseError(r.Str)
		}
	}
	if len(replies) != len(cmds) {
		return nil, caucus.Errorf(caucus.ErrUncertain, "the outcome is not known")
	}
	return replies, nil
}
