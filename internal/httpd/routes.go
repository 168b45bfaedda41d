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
type route struct {
	method, path string
	handle       http.HandlerFunc
}

// routes is the table of /v1, as WIRE has it.
func (d *Door) routes() []route {
	const get, post, put, del = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete
	const group, node, key = apiRoot + "groups/{g}", apiRoot + "nodes/{id}", apiRoot + "keys/{key}"
	return []route{
		{get, apiRoot + "status", d.json((*visit).overview)},
		{get, apiRoot + "nodes", d.json((*visit).listNodes)},
		{get, node, d.json((*visit).describeNode)},
		{put, node, d.json((*visit).expectNode, placeFields...)},
		{del, node, d.json((*visit).removeNode)},
		{post, node + "/lead", d.json((*visit).lead)},

		{post, apiRoot + "sessions", d.json((*visit).openSession, lifeFields...)},
		{del, apiRoot + "sessions/{session}", d.json((*visit).closeSession)},
		{post, apiRoot + "sessions/{session}/keepalive", d.json((*visit).keepAlive, seenFields...)},

		{get, apiRoot + "groups", d.json((*visit).listGroups, matchFields...)},
		{get, group, d.json((*visit).describeGroup)},
		{put, group, d.json((*visit).makeGroup, groupFields...)},
		{del, group, d.json((*visit).deleteGroup)},
		{get, group + "/members", d.json((*visit).listMembers, pageFields...)},
		{post, group + "/members", d.json((*visit).join, joinFields...)},
		{get, group + "/members/{m}", d.json((*visit).describeMember)},
		{del, group + "/members/{m}", d.json((*visit).removeMember)},
		{put, group + "/members/{m}/metadata", d.json((*visit).describeSelf, metadataFields...)},
		{get, group + "/index", d.json((*visit).index, slices.Concat(whoFields, seenFields)...)},
		{get, group + "/leader", d.json((*visit).leader, seenFields...)},
		{get, group + "/slots", d.json((*visit).slots, slices.Concat(slotFields, seenFields)...)},
		{post, group + "/resign", d.json((*visit).resign)},
		{post, group + "/transfer", d.json((*visit).transfer, heirFields...)},
		{post, group + "/release", d.json((*visit).release, releaseFields...)},
		{post, group + "/messages", d.jsonUpTo(maxMessage, (*visit).send, sendFields...)},

		{get, group + "/events", d.events},

		{get, group + "/votes", d.json((*visit).listVotes)},
		{post, group + "/votes", d.json((*visit).call, callFields...)},
		{get, group + "/votes/{id}", d.json((*visit).result, waitFields...)},
		{post, group + "/votes/{id}/cast", d.json((*visit).cast, castFields...)},
		{post, apiRoot + "locks/{name}", d.json((*visit).acquire, lockFields...)},
		{del, apiRoot + "locks/{name}", d.json((*visit).releaseLock, termFields...)},

		{get, apiRoot + "keys", d.json((*visit).listKeys, scanFields...)},
		{get, key, d.json((*visit).readKey)},
		{put, key, d.jsonUpTo(maxValue, (*visit).writeKey, valueFields...)},
		{del, key, d.json((*visit).deleteKey)},
		{post, apiRoot + "commands", d.read((*visit).readCommands, (*visit).command)},
	}
}

// muxOf makes the handler of the routes. It answers a path that is not there and a method that is not taken
// as the rest of the door does.
func muxOf(routes []route) http.Handler {
	byPath := map[string]map[string]http.HandlerFunc{}
	for _, r := range routes {
		if byPath[r.path] == nil {
			byPath[r.path] = map[string]http.HandlerFunc{}
		}
		byPath[r.path][r.method] = r.handle
		if r.method == http.MethodGet {
			byPath[r.path][http.MethodHead] = r.handle
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
		"name of a group or lock is written %%2F", r.URL.EscapedPath()))
}
