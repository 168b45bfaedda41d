package httpd

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/caucus-project/caucus"
)

// apiRoot begins the paths of the JSON API.
const apiRoot = "/v1/"

// route is one thing that can be asked for below /v1: a method, and a path as http.ServeMux has them. A
// wildcard stands for one segment, so a "/" within a name is written %2F. Who may get a GET may get a HEAD.
// What the document of the API says is made of it.
type route struct {
	method, path string
	about        string // what it does, without the final stop
	do           func(*visit) caucus.Reply
	takes        []field
	gives        []field
	fails        []failure // beside what any route may answer

	limit    int64            // on the bytes of the body; 0: maxObject
	commands bool             // the body is a command, or several
	raw      http.HandlerFunc // in place of do, for what is not one JSON object
	kind     string           // of the content, if not JSON
}

const get, post, put, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete

// routes is the table of /v1, as WIRE has it.
func (d *Door) routes() []route {
	return slices.Concat(ensembleRoutes(), sessionRoutes(), d.groupRoutes(), memberRoutes(), voteRoutes(),
		d.keyRoutes())
}

func ensembleRoutes() []route {
	const nodes, node = apiRoot + "nodes", apiRoot + "nodes/{id}"
	return []route{
		{method: get, path: apiRoot + "openapi.json", about: "Describes this API", do: (*visit).describe,
			gives: documentGiven},
		{method: get, path: apiRoot + "status", about: "Shows the whole ensemble", do: (*visit).overview,
			gives: ensembleGiven},
		{method: get, path: nodes, about: "Lists the nodes, as this one knows them", do: (*visit).listNodes,
			gives: []field{{name: "nodes", shape: objects, of: nodeGiven}}},
		{method: get, path: node, about: "Describes a node", do: (*visit).describeNode, gives: nodeGiven,
			fails: []failure{noNode}},
		{method: put, path: node, about: "Lets a node of that name in when it comes", do: (*visit).expectNode,
			takes: placeFields, fails: words(caucus.ErrConflict)},
		{method: del, path: node, about: "Removes a node, dead or not", do: (*visit).removeNode,
			fails: []failure{noNode}},
		{method: post, path: node + "/lead", about: "Has a node lead, both the log and the group nodes",
			do: (*visit).lead, fails: []failure{noNode}},
	}
}

func sessionRoutes() []route {
	const sessions, session = apiRoot + "sessions", apiRoot + "sessions/{session}"
	return []route{
		{method: post, path: sessions, about: "Opens a session", do: (*visit).openSession, takes: lifeFields,
			gives: []field{sessionGiven}, fails: grows},
		{method: del, path: session, about: "Closes a session", do: (*visit).closeSession,
			gives: []field{{name: "closed", shape: flag, about: "false when it had ended"}}},
		{method: post, path: session + "/keepalive", about: "Keeps a session alive", do: (*visit).keepAlive,
			takes: seenFields, gives: promiseGiven, fails: words(caucus.ErrNoSession)},
	}
}

const groupPath = apiRoot + "groups/{g}"

func (d *Door) groupRoutes() []route {
	return []route{
		{method: get, path: apiRoot + "groups", about: "Names the groups", do: (*visit).listGroups,
			takes: matchFields, gives: []field{{name: "groups", shape: texts}}},
		{method: get, path: groupPath, about: "Describes a group", do: (*visit).describeGroup, gives: groupGiven,
			fails: words(caucus.ErrNoGroup)},
		{method: put, path: groupPath, about: "Makes a group that stays until it is deleted",
			do: (*visit).makeGroup, takes: groupFields, fails: slices.Concat(words(caucus.ErrConflict), grows)},
		{method: del, path: groupPath, about: "Deletes a group without members", do: (*visit).deleteGroup,
			gives: []field{{name: "deleted", shape: flag}}},
		{method: get, path: groupPath + "/index", about: "Says which share of the work a member has",
			do: (*visit).index, takes: slices.Concat(whoFields, seenFields), gives: indexGiven, fails: missing},
		{method: get, path: groupPath + "/leader", about: "Says who leads", do: (*visit).leader,
			takes: seenFields, gives: leaderGiven, fails: missing},
		{method: get, path: groupPath + "/slots", about: "Says which slots a member has", do: (*visit).slots,
			takes: slices.Concat(slotFields, seenFields), gives: slotsGiven, fails: missing},
		{method: get, path: groupPath + "/shares", about: "Says which slots each member has",
			do: (*visit).shares, takes: pageFields,
			gives: []field{{name: "shares", shape: objects, of: shareGiven}}, fails: missing},
		{method: post, path: groupPath + "/resign", about: "Gives the leadership up", do: (*visit).resign,
			gives: []field{termGiven}, fails: missing},
		{method: post, path: groupPath + "/transfer", about: "Has another member lead", do: (*visit).transfer,
			takes: heirFields, gives: []field{termGiven}, fails: missing},
		{method: post, path: groupPath + "/release", about: "Gives slots up", do: (*visit).release,
			takes: releaseFields, gives: []field{{name: "released", shape: number}}, fails: missing},
		{method: post, path: groupPath + "/messages", about: "Sends a message to members", do: (*visit).send,
			takes: sendFields, gives: []field{{name: "addressed", shape: number, about: "to how many members"}},
			fails: slices.Concat(missing, grows), limit: maxMessage},
		{method: get, path: groupPath + "/events", about: "Tells the events of a group, without an end",
			raw: d.stream(groupEvents), kind: "text/event-stream", fails: slices.Concat(missing, noStream)},
	}
}

func memberRoutes() []route {
	const members, member = groupPath + "/members", groupPath + "/members/{m}"
	return []route{
		{method: get, path: members, about: "Lists members in the order in which they joined",
			do: (*visit).listMembers, takes: pageFields,
			gives: []field{{name: "members", shape: objects, of: memberGiven}}, fails: missing},
		{method: post, path: members, about: "Joins a group, with a new session if none is named",
			do: (*visit).join, takes: joinFields,
			gives: []field{{name: "member", about: "its name"}, sessionGiven},
			fails: slices.Concat(words(caucus.ErrNoSession, caucus.ErrConflict), grows)},
		{method: get, path: member, about: "Describes a member", do: (*visit).describeMember,
			gives: memberGiven, fails: missing},
		{method: del, path: member, about: "Leaves, with the member's own session; evicts it, without one",
			do: (*visit).removeMember, gives: []field{{name: "left", shape: flag, may: true},
				{name: "evicted", shape: flag, may: true}}, fails: missing},
		{method: put, path: member + "/metadata", about: "Replaces a member's own metadata",
			do: (*visit).describeSelf, takes: metadataFields, fails: slices.Concat(missing, grows)},
	}
}

func voteRoutes() []route {
	const votes, vote, lock = groupPath + "/votes", groupPath + "/votes/{id}", apiRoot + "locks/{name}"
	poll := slices.Concat(missing, words(caucus.ErrNoPoll, caucus.ErrConflict))
	return []route{
		{method: get, path: votes, about: "Lists the polls of a group", do: (*visit).listVotes,
			gives: []field{{name: "votes", shape: objects, of: pollGiven}}, fails: missing},
		{method: post, path: votes, about: "Calls for a vote of all who are members now", do: (*visit).call,
			takes: callFields, gives: []field{{name: "poll", shape: number, about: "its id"}},
			fails: slices.Concat(missing, words(caucus.ErrNoLeader, caucus.ErrConflict), grows)},
		{method: get, path: vote, about: "Says what a poll has come to", do: (*visit).result, takes: waitFields,
			gives: resultGiven, fails: poll},
		{method: post, path: vote + "/cast", about: "Votes", do: (*visit).cast, takes: castFields, fails: poll},
		{method: post, path: lock, about: "Acquires a lock, with a new session if none is named",
			do: (*visit).acquire, takes: lockFields, gives: lockGiven,
			fails: slices.Concat(words(caucus.ErrNoSession, caucus.ErrConflict), grows)},
		{method: del, path: lock, about: "Releases a lock", do: (*visit).releaseLock, takes: termFields,
			gives: []field{{name: "released", shape: flag, about: "false when it was not held"}},
			fails: words(caucus.ErrNoSession)},
	}
}

func (d *Door) keyRoutes() []route {
	const key = apiRoot + "keys/{key}"
	return []route{
		{method: get, path: apiRoot + "keys", about: "Goes through the keys, in pages", do: (*visit).listKeys,
			takes: scanFields, gives: pageGiven},
		{method: get, path: key, about: "Reads a key", do: (*visit).readKey, gives: valueGiven,
			fails: []failure{notChanged, noKey, precondition, otherType}},
		{method: put, path: key, about: "Writes a key", do: (*visit).writeKey, takes: valueFields,
			gives: []field{revisionGiven},
			fails: slices.Concat([]failure{precondition}, words(caucus.ErrNoSession), grows), limit: maxValue},
		{method: del, path: key, about: "Deletes a key", do: (*visit).deleteKey,
			gives: []field{{name: "deleted", shape: flag, about: "false when there was none"}},
			fails: slices.Concat([]failure{precondition}, words(caucus.ErrNoSession))},
		{method: get, path: apiRoot + "changes", about: "Tells the changes of keys, without an end",
			takes: matchFields, raw: d.stream(keyChanges, matchFields...), kind: "text/event-stream", fails: noStream},
		{method: post, path: apiRoot + "commands", about: "Carries out a command, or several as one transaction",
			do: (*visit).command, commands: true, gives: []field{{name: "reply", shape: anything}},
			fails: anyFailure, limit: maxValue},
	}
}

// mux makes the handler of the routes. It answers a path that is not there and a method that is not taken
// as the rest of the door does.
func (d *Door) mux() http.Handler {
	byPath := map[string]map[string]http.HandlerFunc{}
	for _, r := range d.routes() {
		if byPath[r.path] == nil {
			byPath[r.path] = map[string]http.HandlerFunc{}
		}
		byPath[r.path][r.method] = d.handler(r)
		if r.method == http.MethodGet {
			byPath[r.path][http.MethodHead] = d.handler(r)
		}
	}
	mux := http.NewServeMux()
	for path, methods := range byPath {
		mux.HandleFunc(path, byMethod(methods))
	}
	mux.HandleFunc(apiRoot, noRoute)
	return cleanOnly(mux)
}

// cleanOnly keeps from a mux what it would answer with a redirection to another path: no name is empty, "."
// or "..", so such a path names nothing.
func cleanOnly(mux http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for part := range strings.SplitSeq(r.URL.EscapedPath()[1:], "/") {
			if part == "" || part == "." || part == ".." {
				noRoute(w, r)
				return
			}
		}
		mux.ServeHTTP(w, r)
	})
}

func byMethod(methods map[string]http.HandlerFunc) http.HandlerFunc {
	allowed := strings.Join(slices.Sorted(maps.Keys(methods)), ", ")
	return func(w http.ResponseWriter, r *http.Request) {
		if handle := methods[r.Method]; handle != nil {
			handle(w, r)
			return
		}
		w.Header().Set("Allow", allowed)
		fail(w, http.StatusMethodNotAllowed, caucus.Errorf(caucus.ErrBad, "this path takes %s, not %s",
			allowed, r.Method))
	}
}

func noRoute(w http.ResponseWriter, r *http.Request) {
	fail(w, http.StatusNotFound, caucus.Errorf(caucus.ErrBad, "there is nothing at '%s'; a \"/\" within the "+
		"name of a group, lock or key is written %%2F", r.URL.EscapedPath()))
}
