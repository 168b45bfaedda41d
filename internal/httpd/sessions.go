package httpd

import (
	"strconv"

	"github.com/caucus-project/caucus"
)

// What may be stated of the life of a session, and of the newest promise that its client has read.
var (
	lifeFields = []field{
		{name: "ttl", shape: number, about: "milliseconds for which a session may be silent, 10,000 if left out"},
		{name: "grace", shape: number, about: "milliseconds from the loss of its connection to its end, " +
			"for who resumes it over RESP"}}
	seenFields = []field{{name: "version", shape: natural, about: "the version of the newest promise that " +
		"was read, when all that was revoked up to it has been stopped"}}
)

// seen gives the version of the newest promise that the client says it has read, 0 when it says nothing. It
// is evidence, where the settling of a group waits for it, that the client has stopped what was revoked up
// to there (SAFETY A3). That it asks again is none: it may never have received the answer.
func (v *visit) seen() uint64 {
	n, err := strconv.ParseUint(v.given.value("version"), 10, 64)
	if err != nil {
		return 0 // it was not stated
	}
	return n
}

// openSession is POST /v1/sessions.
func (v *visit) openSession() caucus.Reply {
	reply, _ := v.open(v.given.options(caucus.Command{"SESSION", "OPEN"}, lifeFields...))
	return named(reply, "session")
}

// closeSession is DELETE /v1/sessions/{session}.
func (v *visit) closeSession() caucus.Reply {
	reply := v.ask(caucus.Command{"SESSION", "CLOSE", v.session})[0]
	v.door.carried.dismiss(holder{v.session, v.who.User})
	return named(truly(reply), "closed")
}

// keepAlive is POST /v1/sessions/{session}/keepalive.
func (v *visit) keepAlive() caucus.Reply { return promise(v.ask(keepAlive)[0]) }

var keepAlive = caucus.Command{"SESSION", "KEEPALIVE"}

// promise names what a KEEPALIVE answers.
func promise(r caucus.Reply) caucus.Reply { return named(r, "promise_ms", "time_us", "version") }

// promised asks what a session may believe together with the promise for it, so that both come from one
// state (SAFETY A2). Who names no session is promised nothing.
func (v *visit) promised(cmd caucus.Command, names ...string) caucus.Reply {
	cmds := []caucus.Command{cmd}
	if v.session != "" {
		cmds = append(cmds, keepAlive)
	}
	replies := append(v.ask(cmds...), caucus.NilArray())
	if err, ok := firstError(replies...); !ok {
		return err
	}
	return with(named(replies[0], names...), promise(replies[1]).Items...)
}
