package httpd

import (
	"slices"
	"strings"

	"github.com/caucus-project/caucus"
)

// What may be stated of votes and locks.
var (
	callFields = []field{
		{name: "topic", shape: data, must: true, about: "any bytes, 64 KiB at most"},
		{name: "majority", shape: flag, about: "more than half must say yes"},
		{name: "consensus", shape: flag, about: "all must say yes"},
		{name: "timeout", shape: number, about: "milliseconds for which it is open"},
		{name: "at", shape: number, about: "when to do it, unix milliseconds: it is about an action"}}
	castFields = []field{{name: "vote", must: true, about: "yes or no"}}
	waitFields = []field{{name: "wait", shape: number, about: "milliseconds to wait, 0 without limit"}}
	lockFields = slices.Concat(waitFields, lifeFields[:1])
	termFields = []field{{name: "term", shape: number, must: true, about: "the term that acquiring it answered"}}
)

// vote begins a command about the polls of the group that the path names.
func (v *visit) vote(sub string, args ...string) caucus.Command {
	return append(caucus.Command{"VOTE", sub, v.name("g")}, args...)
}

// listVotes is GET /v1/groups/{g}/votes.
func (v *visit) listVotes() caucus.Reply { return listed(v.ask(v.vote("LIST"))[0], "votes") }

// call is POST /v1/groups/{g}/votes.
func (v *visit) call() caucus.Reply {
	cmd := v.given.options(v.vote("CALL", v.given.value("topic")), callFields[1:]...)
	return named(v.change(cmd), "poll")
}

// result is GET /v1/groups/{g}/votes/{id}.
func (v *visit) result() caucus.Reply {
	cmd := v.given.options(v.vote("RESULT", v.name("id")), waitFields...)
	ask := func() caucus.Reply { return v.ask(cmd)[0] }
	reply := caucus.Reply{}
	if v.given["wait"] != nil {
		reply = v.patient(ask)
	} else {
		reply = ask()
	}
	return named(reply, "outcome", "yes", "no", "electorate")
}

// cast is POST /v1/groups/{g}/votes/{id}/cast.
func (v *visit) cast() caucus.Reply {
	vote := v.given.value("vote")
	if !strings.EqualFold(vote, "yes") && !strings.EqualFold(vote, "no") {
		return caucus.ErrorReply(wrong("'vote' must be yes or no, not %.32s", vote))
	}
	return done(v.change(v.vote("CAST", v.name("id"), vote)))
}

// acquire is POST /v1/locks/{name}. Without a session it opens one, unless the lock is not had at once and
// not waited for.
func (v *visit) acquire() caucus.Reply {
	cmd := v.given.options(caucus.Command{"LOCK", "ACQUIRE", v.name("name")}, lockFields...)
	if v.given["wait"] == nil {
		return v.enter(cmd, "term")
	}
	return v.patient(func() caucus.Reply {
		if v.session == "" {
			return v.enter(cmd, "term")
		}
		return with(named(v.carryBeside(cmd), "term"), sessionField(v.session)...)
	})
}

// releaseLock is DELETE /v1/locks/{name}.
func (v *visit) releaseLock() caucus.Reply {
	return named(truly(v.change(caucus.Command{"LOCK", "RELEASE", v.name("name"), v.given.value("term")})),
		"released")
}
