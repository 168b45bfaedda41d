package httpd

import (
	"context"
	"strings"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/waist"
)

// A session of /v1 is carried by no connection. It lives as long as requests that name it come, to any
// node, and ends a TTL after the last of them, or when it is closed.
//
// What only reads, or says that the session lives, acts for it wherever it is attached, and leaves it there.
// What changes something takes the session over to this node first, by one RESUME: from then on nothing that
// its client asked for elsewhere can be applied any more, however long it was under way (SAFETY A4), and
// what it sends is numbered anew, under a part of its own (SAFETY A11). So a client that stays with a
// node causes one RESUME there, and one that changes it with every request one each time.

const (
	// carryFor is for how long a conversation is kept whose session changes nothing. The next change
	// takes it over again.
	carryFor = time.Minute
	// maxCarried bounds how many such conversations are kept.
	maxCarried = 100_000
)

// holder is a session, by id, and who speaks for it: nobody sits where somebody else has begun to speak.
type holder struct{ session, user string }

// newCarried makes the seats of sessions.
func newCarried() *seats[holder, *seat] {
	return newSeats(maxCarried, carryFor, func(h holder) (holder, *seat) {
		s := newSeat()
		return holder{strings.Clone(h.session), strings.Clone(h.user)}, &s
	})
}

// validID says whether a text can be the id of a session.
func validID(id string) bool { return len(id) == 32 && strings.Trim(id, "0123456789abcdef") == "" }

// tries is how often a change is tried when another node takes its session over at the same moment.
const tries = 2

// carry carries out a command for the session that the request names, which this node carries from then on.
func (v *visit) carry(cmd caucus.Command) caucus.Reply {
	reply, ended := v.inTurn(func(conn waist.Conn) caucus.Reply { return v.do(conn, cmd)[0] })
	if ended {
		return v.ask(cmd)[0] // which has its own order of what it misses first
	}
	return reply
}

// carryBeside is carry for a command that may wait: what else the session asks for here is not held up.
func (v *visit) carryBeside(cmd caucus.Command) caucus.Reply {
	for range tries {
		var beside waist.Conn
		reply, ended := v.inTurn(func(conn waist.Conn) (reply caucus.Reply) {
			beside, reply = v.beside(conn)
			return reply
		})
		switch {
		case ended:
			return v.ask(cmd)[0]
		case beside == nil:
			return reply
		}
		reply = v.do(beside, cmd)[0]
		beside.Close(false)
		if !is(reply, caucus.ErrNoSession) {
			return reply
		}
	}
	return elsewhere
}

// inTurn lets do use the conversation that carries the session here, which it takes over if need be. Ended
// says that there is no such session any more.
func (v *visit) inTurn(do func(waist.Conn) caucus.Reply) (reply caucus.Reply, ended bool) {
	s, _, err := v.door.carried.sit(v.ctx, holder{v.session, v.who.User})
	if err != nil {
		return caucus.ErrorReply(err), false
	}
	defer v.door.carried.rise(s)
	for range tries {
		if err := v.takeOver(s); err != nil {
			return caucus.ErrorReply(err), err.Word == caucus.ErrNoSession.Word
		}
		if reply := do(s.conn); !is(reply, caucus.ErrNoSession) {
			return reply, false
		}
		s.hangUp()
	}
	return elsewhere, false
}

var elsewhere = caucus.Fail(caucus.ErrTryAgain, "the session is used through another node at the same time; "+
	"nothing was done")

// takeOver has the session carried here, unless it is.
func (v *visit) takeOver(s *seat) *caucus.Error {
	if s.conn != nil {
		return nil
	}
	conn, problem := v.converse(waist.ConnInfo{Unbound: true})
	if problem != nil {
		return known(problem)
	}
	reply := v.do(conn, caucus.Command{"SESSION", "RESUME", v.session})[0]
	if reply.Kind != caucus.KindError {
		s.conn = conn
		return nil
	}
	conn.Close(false)
	switch err := caucus.ParseError(reply.Str); err.Word {
	case caucus.ErrNoSession.Word:
		v.door.carried.forget(s)
		return err
	case caucus.ErrUncertain.Word:
		return caucus.Errorf(caucus.ErrTryAgain, "whether this node has taken the session over is not known; "+
			"nothing else was done")
	default:
		return err
	}
}

// beside opens a conversation beside the one that carries the session here, if it still does.
func (v *visit) beside(conn waist.Conn) (waist.Conn, caucus.Reply) {
	if reply := v.do(conn, caucus.Command{"SESSION", "INFO"})[0]; reply.Kind == caucus.KindError {
		return nil, reply
	}
	beside, err := v.converse(waist.ConnInfo{Beside: conn})
	if err != nil {
		return nil, caucus.ErrorReply(known(err))
	}
	return beside, caucus.OK()
}

// open carries out a command that may open a session, for a request that names none, and gives the session's
// id. This node carries it from then on. A session of which nobody will be told is closed again.
func (v *visit) open(cmd caucus.Command) (reply caucus.Reply, id string) {
	conn, problem := v.converse(waist.ConnInfo{Unbound: true})
	if problem != nil {
		return caucus.ErrorReply(known(problem)), ""
	}
	reply = v.do(conn, cmd)[0]
	id = conn.Session()
	gone := v.r.Context().Err() != nil
	if id != "" && (gone || reply.Kind == caucus.KindError) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(v.ctx), v.door.cfg.RequestTimeout)
		defer cancel()
		conn.DoAll(ctx, []caucus.Command{{"SESSION", "CLOSE"}})
		id = ""
	}
	if id == "" {
		conn.Close(false)
		return reply, ""
	}
	s, _, err := v.door.carried.sit(v.ctx, holder{id, v.who.User})
	if err != nil {
		conn.Close(false) // nobody else knows the id, so only the time can be over: another node will carry it
		return reply, id
	}
	s.hangUp()
	s.conn = conn
	v.door.carried.rise(s)
	return reply, id
}

// is says whether a reply is the error of a word.
func is(r caucus.Reply, word *caucus.Error) bool {
	return r.Kind == caucus.KindError && caucus.ParseError(r.Str).Word == word.Word
}
