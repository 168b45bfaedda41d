package httpd

import (
	"net/http"
	"slices"

	"github.com/caucus-project/caucus"
)

// What answers say, for the document of the API. A test holds every answer of every other test against it.
var (
	sessionGiven = field{name: "session", null: true, about: "the id that " + sessionHeader + " names"}
	termGiven    = field{name: "term", shape: number, about: "the fencing token of the leadership"}
	promiseGiven = []field{
		{name: "promise_ms", shape: number, about: "counted from when the request was sent, nothing is taken " +
			"from the session before, as long as version stays the same"},
		{name: "time_us", shape: number, about: "unix microseconds, on the ensemble's clock"},
		{name: "version", shape: number, about: "rises with what is revoked of the session's"}}
	indexGiven = slices.Concat(nullable(
		field{name: "index", shape: number, about: "from 1"},
		field{name: "total", shape: number},
		field{name: "epoch", shape: number, about: "the fencing token of the assignment"}),
		nullable(promiseGiven...))
	leaderGiven = slices.Concat(nullable(
		field{name: "member"}, termGiven, field{name: "metadata", shape: data}), nullable(promiseGiven...))
	slotsGiven = slices.Concat(nullable(
		field{name: "slots", shape: numbers, about: "ascending from 0"},
		field{name: "epoch", shape: number, about: "for GUARD"}), nullable(promiseGiven...))
	memberGiven = []field{
		{name: "name"}, {name: "order", shape: number}, {name: "index", shape: number, null: true},
		{name: "leader", shape: flag}, {name: "priority", shape: number},
		{name: "node", about: "where its session is"}, {name: "metadata", shape: data}}
	shareGiven = []field{
		{name: "member"}, {name: "order", shape: number},
		{name: "slots", about: "ranges such as 0-127,300; empty: none"},
		{name: "revoking", about: "those of them that are to be given up"}}
	groupInShort = []field{
		{name: "name"}, {name: "state", about: "settling or settled"},
		{name: "size", shape: number, about: "members"},
		{name: "total", shape: number, about: "members at the last settling"}, {name: "epoch", shape: number},
		{name: "leader", null: true}, {name: "term", shape: number}}
	groupGiven = slices.Concat(groupInShort, []field{
		{name: "seq", shape: number, about: "of the last event"},
		{name: "oldest", shape: number, about: "seq of the first event that is kept"},
		{name: "life", shape: number, about: "which incarnation of the name this is"},
		{name: "settles_in", shape: number, null: true, about: "milliseconds, at least"},
		{name: "kind", about: "leader or noleader"}, {name: "slots", shape: number},
		{name: "moving", shape: number, about: "slots that wait to be given up"},
		{name: "stuck", null: true, about: "the member who has not given slots up for long"},
		{name: "ttl", shape: number}, {name: "grace", shape: number}, {name: "settle", shape: number},
		{name: "min", shape: number}, {name: "heartbeat", shape: number},
		{name: "vote_timeout", shape: number}})
	pollGiven = []field{
		{name: "poll", shape: number}, {name: "topic", shape: data},
		{name: "kind", about: "majority or consensus"},
		{name: "state", about: "open, yes, no or timeout"}, {name: "yes", shape: number},
		{name: "no", shape: number}, {name: "electorate", shape: number},
		{name: "deadline", shape: number, about: "unix milliseconds"},
		{name: "at", shape: number, null: true, about: "unix milliseconds"}}
	resultGiven = nullable(
		field{name: "outcome", about: "yes, no or timeout; null while it is open"},
		field{name: "yes", shape: number},
		field{name: "no", shape: number}, field{name: "electorate", shape: number})
	lockGiven = []field{
		{name: "term", shape: number, null: true, about: "the fencing token; null: it was not had"},
		sessionGiven}
	revisionGiven = field{name: "revision", shape: number, null: true, about: "new at every change; the ETag"}
	valueGiven    = []field{
		{name: "value", shape: data}, {name: "revision", shape: number, about: "new at every change; the ETag"},
		{name: "ttl", shape: number, null: true, about: "milliseconds that it has left; null: for ever"},
		{name: "expires", shape: number, null: true, about: "unix milliseconds"}}
	pageGiven = []field{
		{name: "keys", shape: objects, of: []field{{name: "key", shape: data}}},
		{name: "cursor", null: true, about: "for the next page; null when there is none"}}
	nodeGiven = slices.Concat([]field{
		{name: "name"}, {name: "id", shape: number, about: "in the protocol of the nodes, never used twice"},
		{name: "role", about: "leader, follower, candidate, learner or unreachable"},
		{name: "addr", about: "of the client door"}, {name: "peer", about: "of the peer door"},
		{name: "http", about: "of the HTTP door"}, {name: "metadata", shape: data}}, nullable(
		field{name: "term", shape: number}, field{name: "index", shape: number},
		field{name: "applied", shape: number},
		field{name: "lag", shape: number, about: "entries"},
		field{name: "contact_ms", shape: number, about: "since it was heard"}), []field{
		{name: "version"}, {name: "level", shape: number}})
	documentGiven = []field{{name: "openapi"}, {name: "info", shape: object}, {name: "paths", shape: object},
		{name: "components", shape: object}, {name: "security", shape: objects}}
	ensembleGiven = []field{
		{name: "cluster_id"}, {name: "name", about: "of the node that was asked"}, {name: "leader", null: true},
		{name: "term", shape: number}, {name: "commit", shape: number},
		{name: "quorum", shape: flag, about: "false: groups are as this one node has them, and may be old"},
		{name: "time", shape: number, about: "unix milliseconds, on the ensemble's clock"},
		{name: "nodes", shape: objects, of: slices.Concat(nodeGiven, nullable(
			field{name: "sessions", shape: number, about: "attached to it"},
			field{name: "connections", shape: number, about: "to its client door"},
			field{name: "disk", about: "ok, low or hung"},
			field{name: "disk_free", shape: number, about: "bytes"},
			field{name: "clock_ms", shape: number, about: "its wall clock is ahead of the ensemble's by so much"}))},
		{name: "groups", shape: objects,
			of: slices.Concat(groupInShort, []field{{name: "slots", shape: number}})}}
)

// nullable gives fields that are null together, when there is nothing to answer.
func nullable(fields ...field) []field {
	fields = slices.Clone(fields)
	for i := range fields {
		fields[i].null = true
	}
	return fields
}

// anyWord stands for words that nobody here knows.
const anyWord = "..."

// failure is something that a request may be answered in place of what it asks for.
type failure struct {
	status int
	word   string
	when   string
}

// meanings is what the words mean (WIRE "Errors").
var meanings = map[string]string{
	"ERR": "the request is wrong; nothing happened", "WRONGTYPE": "the key holds another kind of value",
	"EXECABORT": "a command of the transaction is wrong", "NOPROTO": "no such protocol",
	"NOAUTH": "the password is missing", "WRONGPASS": "that is not the password",
	"NOPERM": "not allowed", "DENIED": "this node serves only its own machine until a password is set",
	"NOSESSION": "there is no such session (any more), or none is named", "NOGROUP": "there is no such group",
	"NOMEMBER": "there is no such member", "NOLEADER": "nobody leads this group",
	"NOPOLL":   "there is no such poll",
	"CONFLICT": "it exists, but otherwise; the message gives both", "GAP": "that is no longer kept",
	"TRYAGAIN": "not applied, for certain; try again", "LOADING": "the node does not serve yet; try again",
	"UNCERTAIN": "the outcome is unknown; it may have been applied",
	"OOM":       "memory is full", "NOSPACE": "the disk is full",
}

// words gives the failures of words, with the status that each always has.
func words(of ...*caucus.Error) (all []failure) {
	for _, err := range of {
		all = append(all, failure{err.HTTPStatus(), err.Word, meanings[err.Word]})
	}
	return all
}

// What the routes may answer in place of what they are asked for.
var (
	always = words(caucus.ErrBad, caucus.ErrNoAuth, caucus.ErrWrongPass, caucus.ErrNoPerm,
		caucus.ErrDenied, caucus.ErrTryAgain, caucus.ErrLoading, caucus.ErrUncertain)
	missing = words(caucus.ErrNoSession, caucus.ErrNoGroup, caucus.ErrNoMember, caucus.ErrNoLeader)
	grows   = words(caucus.ErrOutOfMemory, caucus.ErrNoSpace)
	tooLong = failure{http.StatusRequestEntityTooLarge, "ERR", "the body is too long"}

	noNode       = failure{http.StatusNotFound, "ERR", "there is no such node"}
	noKey        = failure{http.StatusNotFound, "ERR", "there is no such key"}
	otherType    = words(caucus.ErrWrongType)[0]
	precondition = failure{http.StatusPreconditionFailed, "CONFLICT",
		"If-Match or If-None-Match does not hold"}
	notChanged = failure{http.StatusNotModified, "", "the key is as If-None-Match says"}
	noStream   = []failure{{http.StatusNotAcceptable, "ERR", "the request accepts no events"}}
	ownWord    = failure{http.StatusBadRequest, anyWord, "a program's own command may have words of its own"}
	anyFailure = slices.Concat([]failure{ownWord}, words(caucus.ErrWrongType, caucus.ErrExecAbort,
		caucus.ErrNoPoll, caucus.ErrConflict, caucus.ErrGap), missing, grows)
)
