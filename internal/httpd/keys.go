package httpd

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/waist"
)

// What may be stated of keys.
var (
	scanFields = slices.Concat(matchFields, []field{
		{name: "cursor", shape: natural, about: "that of the last answer; left out or 0 to begin"},
		{name: "count", shape: positive, about: "about how many keys are looked at, 100 unless stated"},
		{name: "type", about: "the type of what the keys hold, as TYPE gives it"}})
	valueFields = []field{
		{name: "value", shape: data, must: true,
			about: "any bytes, 8 MiB at most unless the node says otherwise (--proto-max-bulk-len)"},
		{name: "ttl", shape: positive, word: "PX", about: "milliseconds until it is gone"},
		{name: "expires", shape: positive, word: "PXAT", about: "when it is gone, unix milliseconds"},
		{name: "keepttl", shape: flag, about: "its end stays as it was"}}
)

// atOnce is how many keys a page is sought among, unless the request says it.
const atOnce = "100"

// listKeys is GET /v1/keys. A key is any bytes, so each is an object that can say so.
func (v *visit) listKeys() caucus.Reply {
	cursor := v.given.value("cursor")
	if cursor == "" {
		cursor = "0"
	}
	cmd := caucus.Command{"SCAN", cursor}
	if v.given["count"] == nil {
		cmd = append(cmd, "COUNT", atOnce)
	}
	reply := v.ask(v.given.options(cmd, scanFields[0], scanFields[2], scanFields[3]))[0]
	if reply.Kind == caucus.KindError {
		return reply
	}
	keys := make([]caucus.Reply, len(reply.Items[1].Items))
	for i, key := range reply.Items[1].Items {
		keys[i] = caucus.Map(caucus.Bulk("key"), key)
	}
	next := reply.Items[0]
	if next.Str == "0" {
		next = caucus.Nil()
	}
	return caucus.Map(caucus.Bulk("keys"), caucus.Array(keys...), caucus.Bulk("cursor"), next)
}

// readKey is GET /v1/keys/{key}.
func (v *visit) readKey() caucus.Reply {
	key := v.name("key")
	when, err := preconditionsOf(v.r.Header)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	replies := v.ask(caucus.Command{"GET", key}, revisionOf(key), caucus.Command{"PTTL", key},
		caucus.Command{"PEXPIRETIME", key})
	if err, ok := firstError(replies...); !ok {
		return err
	}
	revision := replies[1]
	v.tag(revision)
	switch broken := when.broken(key, revision); {
	case !revision.IsNil() && when.unchanged(revision):
		v.status = http.StatusNotModified
		return caucus.Reply{}
	case broken != nil:
		return v.as(http.StatusPreconditionFailed, broken)
	case revision.IsNil():
		return v.as(http.StatusNotFound, wrong("there is no key '%.80s'", key))
	}
	return caucus.Map(caucus.Bulk("value"), replies[0], caucus.Bulk("revision"), revision,
		caucus.Bulk("ttl"), orNever(replies[2]), caucus.Bulk("expires"), orNever(replies[3]))
}

func revisionOf(key string) caucus.Command { return caucus.Command{"OBJECT", "REVISION", key} }

// orNever gives a time that a key has left, null when it lives for ever.
func orNever(r caucus.Reply) caucus.Reply {
	if r.Int < 0 {
		return caucus.Nil()
	}
	return r
}

// tag tells the revision as the ETag.
func (v *visit) tag(revision caucus.Reply) {
	if !revision.IsNil() {
		v.w.Header()["Etag"] = []string{`"` + strconv.FormatInt(revision.Int, 10) + `"`}
	}
}

// writeKey is PUT /v1/keys/{key}.
func (v *visit) writeKey() caucus.Reply {
	value := v.given.value("value")
	switch {
	case len(value) > v.door.cfg.MaxArgument:
		return caucus.ErrorReply(wrong("'value' has %d bytes; it may have %d (proto-max-bulk-len)", len(value),
			v.door.cfg.MaxArgument))
	case len(v.given) > 2: // the value and one of them
		return caucus.ErrorReply(wrong("'ttl', 'expires' and 'keepttl' exclude each other; " +
			"none of them is for ever"))
	}
	reply := v.alter(v.given.options(caucus.Command{"SET", v.name("key"), value}, valueFields[1:]...))
	if reply.Kind == caucus.KindError {
		if strings.Contains(reply.Str, "invalid expire time") {
			return caucus.ErrorReply(wrong("'ttl' or 'expires' is later than any time there is"))
		}
		return reply
	}
	v.tag(reply.Items[1])
	return named(reply.Items[1], "revision")
}

// deleteKey is DELETE /v1/keys/{key}.
func (v *visit) deleteKey() caucus.Reply {
	reply := v.alter(caucus.Command{"DEL", v.name("key")})
	if reply.Kind == caucus.KindError {
		return reply
	}
	return named(truly(reply.Items[0]), "deleted")
}

// alter carries out a command that changes the key that the path names, if the request's preconditions hold,
// and gives what it answers and the revision after it. Between the look at the key and the change nobody else
// can have changed it: else the transaction comes to nothing, and it is looked at again (SAFETY B8).
func (v *visit) alter(cmd caucus.Command) caucus.Reply {
	key := v.name("key")
	when, err := preconditionsOf(v.r.Header)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	return v.through(true, func(conn waist.Conn) caucus.Reply {
		for v.ctx.Err() == nil {
			if refusal, ok := v.watch(conn, key, when); !ok {
				return refusal
			}
			replies := v.do(conn, caucus.Command{"MULTI"}, cmd, revisionOf(key), caucus.Command{"EXEC"})
			done := replies[len(replies)-1]
			if err, ok := firstError(append(replies, done.Items...)...); !ok {
				return err
			}
			if !done.IsNil() {
				return done
			}
		}
		return caucus.Fail(caucus.ErrTryAgain, "key '%.80s' could not be changed before others did, in the time "+
			"that a request has; nothing was done", key)
	})
}

// watch lets the next transaction depend on the key, if there are preconditions, and says whether they hold.
func (v *visit) watch(conn waist.Conn, key string, when preconditions) (refusal caucus.Reply, ok bool) {
	if when.none() {
		return caucus.Reply{}, true
	}
	replies := v.do(conn, caucus.Command{"WATCH", key}, revisionOf(key))
	if err, ok := firstError(replies...); !ok {
		return err, false
	}
	if broken := when.broken(key, replies[1]); broken != nil {
		v.do(conn, caucus.Command{"UNWATCH"}) // the conversation may be kept
		v.tag(replies[1])
		return v.as(http.StatusPreconditionFailed, broken), false
	}
	return caucus.Reply{}, true
}

// preconditions are the headers If-Match and If-None-Match (RFC 9110, section 13). Nil is not stated.
type preconditions struct{ match, noneMatch []string }

func (p preconditions) none() bool { return p.match == nil && p.noneMatch == nil }

func preconditionsOf(h http.Header) (p preconditions, err *caucus.Error) {
	if p.match, err = entityTags(h, "If-Match"); err == nil {
		p.noneMatch, err = entityTags(h, "If-None-Match")
	}
	return p, err
}

// entityTags reads a list of entity tags, "*" for any.
func entityTags(h http.Header, name string) (tags []string, err *caucus.Error) {
	all := strings.TrimSpace(strings.Join(h[name], ","))
	if len(h[name]) == 0 || all == "*" {
		return h[name], nil
	}
	for rest := all; ; {
		weak := strings.HasPrefix(rest, "W/")
		quoted, ok := strings.CutPrefix(strings.TrimPrefix(rest, "W/"), `"`)
		text, after, closed := strings.Cut(quoted, `"`)
		if !ok || !closed {
			return nil, wrong(`%s takes * or ETags in quotes as GET gives them, such as "17", not %.64s`, name, all)
		}
		if weak {
			text = "W/" + text
		}
		tags = append(tags, text)
		after = strings.TrimLeft(after, " \t")
		if after == "" {
			return tags, nil
		}
		if after[0] != ',' {
			return nil, wrong(`between the ETags of %s stands a comma, not %.64s`, name, after)
		}
		rest = strings.TrimLeft(after, ", \t")
	}
}

// broken says which precondition the key does not meet, nil when it meets all. Revision is nil when there is
// no such key.
func (p preconditions) broken(key string, revision caucus.Reply) *caucus.Error {
	switch present := !revision.IsNil(); {
	case p.match != nil && !present:
		return caucus.Errorf(caucus.ErrConflict, "there is no key '%.80s', and If-Match wants one", key)
	case p.match != nil && !names(p.match, revision, false):
		return caucus.Errorf(caucus.ErrConflict, "key '%.80s' is at revision %d, not at one of %s as If-Match "+
			"wants it", key, revision.Int, strings.Join(p.match, ", "))
	case p.noneMatch != nil && present && names(p.noneMatch, revision, true):
		return caucus.Errorf(caucus.ErrConflict, "key '%.80s' exists, at revision %d, which If-None-Match excludes",
			key, revision.Int)
	}
	return nil
}

// unchanged says whether who asks has what there is.
func (p preconditions) unchanged(revision caucus.Reply) bool {
	return (p.match == nil || names(p.match, revision, false)) && names(p.noneMatch, revision, true)
}

// names says whether one of the tags is the revision's. A weak one may only say that something is unchanged.
func names(tags []string, revision caucus.Reply, weak bool) bool {
	now := fmt.Sprint(revision.Int)
	for _, tag := range tags {
		if tag == "*" || tag == now || weak && tag == "W/"+now {
			return true
		}
	}
	return false
}
