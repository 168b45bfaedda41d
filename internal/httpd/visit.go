package httpd

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/waist"
)

// sessionHeader names the session for which a request of /v1 is.
const sessionHeader = "Caucus-Session"

// visit is a request of the JSON API: what it asks for, for whom, and the means to have it done. It decides
// nothing: it turns the request into commands, which check and answer it as they do at any door.
type visit struct {
	door    *Door
	w       http.ResponseWriter
	r       *http.Request
	ctx     context.Context // over with the time for the request, or with its client
	who     waist.Login     // who asks
	session string          // the id that the request names; "" for none
	given   given

	load        *bodyLoad
	commands    []caucus.Command // of POST /v1/commands, in place of given
	transaction bool             // they are to be carried out as one

	status int    // of the answer; 0 for what its word says, and 200
	body   []byte // of the answer, in place of the reply; nil for none
}

// Limits on bodies, in bytes. A byte of text may take six in JSON, so a message of 1 MiB has room.
const (
	maxObject  = 1 << 20
	maxMessage = 7 << 20
	maxValue   = -1 // as for a message, by how long a value may be
)

// mostBytes is how long the body of a request may be.
func (d *Door) mostBytes(of route) int64 {
	switch of.limit {
	case 0:
		return maxObject
	case maxValue:
		return 6*int64(d.cfg.MaxArgument) + maxObject
	}
	return of.limit
}

// handler makes the handler of a route.
func (d *Door) handler(of route) http.HandlerFunc {
	if of.raw != nil {
		return of.raw
	}
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), d.cfg.RequestTimeout)
		defer cancel()
		v := &visit{door: d, w: w, r: r, ctx: traced(ctx, r), who: loginOf(r), load: d.countBody(r)}
		defer v.load.Release()
		status, err := http.StatusBadRequest, v.identify()
		if err == nil {
			status, err = v.read(of)
		}
		if err != nil {
			fail(w, status, err)
			return
		}
		v.answer(of.do(v))
	}
}

// converse begins a conversation of the user who asks.
func (v *visit) converse(info waist.ConnInfo) (waist.Conn, error) {
	info.User, info.About = v.who.User, about(v.ctx, v.who.User)
	return v.door.server.Open(info)
}

// read reads what the request states. With an error comes its status.
func (v *visit) read(of route) (status int, err *caucus.Error) {
	limit := v.door.mostBytes(of)
	if of.commands {
		return v.readCommands(limit)
	}
	v.given, status, err = parse(v.w, v.r, limit, of.takes)
	return status, err
}

// identify finds the session that the request names: in its path, or in its header.
func (v *visit) identify() *caucus.Error {
	ids := v.r.Header[sessionHeader]
	if id := v.r.PathValue("session"); id != "" {
		ids = []string{id}
	}
	switch {
	case len(ids) == 0:
		return nil
	case len(ids) > 1:
		return wrong("the header %s stands there %d times; it names one session", sessionHeader, len(ids))
	case !validID(ids[0]):
		return wrong("'%.64s' is no session: an id is 32 hexadecimal digits, as POST /v1/sessions answers", ids[0])
	}
	v.session = ids[0]
	return nil
}

// tell answers with a body, which is held until its client has taken it.
func (v *visit) tell(body []byte) {
	if !v.load.grow(len(body)) {
		fail(v.w, noRoom().HTTPStatus(), noRoom())
		return
	}
	say(v.w, http.StatusOK, body)
}

func (v *visit) answer(reply caucus.Reply) {
	switch {
	case v.status == http.StatusNotModified: // which has no body
		v.w.WriteHeader(v.status)
		return
	case reply.Kind != caucus.KindError && v.body != nil:
		v.tell(v.body)
		return
	case reply.Kind != caucus.KindError:
		v.tell(appendReply(nil, reply))
		return
	}
	err := caucus.ParseError(reply.Str)
	if err.Word == caucus.ErrNoSession.Word {
		err.Message = strings.Replace(err.Message, "SESSION OPEN begins", "POST /v1/sessions opens", 1)
		if v.session == "" {
			err.Message = "the header " + sessionHeader + " names no session: POST /v1/sessions opens one"
		}
	}
	fail(v.w, cmp.Or(v.status, err.HTTPStatus()), err)
}

// as gives an error as the reply, for which HTTP has a status of its own.
func (v *visit) as(status int, err *caucus.Error) caucus.Reply {
	v.status = status
	return caucus.ErrorReply(err)
}

// patient lets the request take as long as it says itself, until its client goes away. What is written
// after must still be taken in time.
func (v *visit) patient(do func() caucus.Reply) caucus.Reply {
	v.ctx = traced(v.r.Context(), v.r)
	c := http.NewResponseController(v.w) // nothing is read any more, and reading has no deadline by now
	if err := c.SetWriteDeadline(time.Time{}); err != nil {
		return caucus.Fail(caucus.ErrTryAgain, "it cannot be waited for here: %v", err)
	}
	reply := do()
	if err := c.SetWriteDeadline(time.Now().Add(requestTime)); err != nil {
		v.door.cfg.Logger.Debug("after a wait", "error", err) // then its client has gone
	}
	return reply
}

// name gives what stands in the path for a wildcard, unescaped.
func (v *visit) name(wildcard string) string { return v.r.PathValue(wildcard) }

// ask carries out commands that change nothing, in one state, for the session that the request names,
// wherever that is attached.
func (v *visit) ask(cmds ...caucus.Command) []caucus.Reply {
	conn, err := v.converse(waist.ConnInfo{Session: v.session, Seen: v.seen()})
	if err != nil {
		replies := make([]caucus.Reply, len(cmds))
		for i := range replies {
			replies[i] = caucus.ErrorReply(known(err))
		}
		return replies
	}
	defer conn.Close(false)
	return v.do(conn, cmds...)
}

// change carries out a command that changes something, for the session that the request names, or as
// somebody who has none.
func (v *visit) change(cmd caucus.Command) caucus.Reply {
	if v.session == "" {
		return v.ask(cmd)[0]
	}
	return v.carry(cmd)
}

// through lets do use a conversation that acts for the session that the request names, and, for changes,
// carries it.
func (v *visit) through(changes bool, do func(waist.Conn) caucus.Reply) caucus.Reply {
	if changes && v.session != "" {
		reply, _ := v.inTurn(do)
		return reply
	}
	conn, err := v.converse(waist.ConnInfo{Session: v.session})
	if err != nil {
		return caucus.ErrorReply(known(err))
	}
	defer conn.Close(false)
	return do(conn)
}

// do has commands carried out, and gives a reply for each.
func (v *visit) do(conn waist.Conn, cmds ...caucus.Command) []caucus.Reply {
	replies := conn.DoAll(v.ctx, cmds)
	for len(replies) < len(cmds) {
		replies = append(replies, caucus.Fail(caucus.ErrUncertain, "the outcome is not known"))
	}
	return replies
}
