package httpd

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/caucus-project/caucus"
)

// Replies become JSON thus: a map is an object with the same fields in the same order, nil is null, truth
// values are true and false, and bytes are a string when they are valid UTF-8. Else the field is left out,
// and <field>_b64 stands in its place, as in events; in an array, {"b64": ...} does. An error within an
// answer is {"error", "message"}.

// named gives the elements of an array as fields of a map. A nil answer has the same fields, all null.
func named(r caucus.Reply, names ...string) caucus.Reply {
	if r.Kind == caucus.KindError {
		return r
	}
	fields := make([]caucus.Reply, 0, 2*len(names))
	for i, name := range names {
		value := caucus.Nil()
		switch {
		case r.Kind == caucus.KindArray && i < len(r.Items):
			value = r.Items[i]
		case r.Kind != caucus.KindArray && i == 0:
			value = r
		}
		fields = append(fields, caucus.Bulk(name), value)
	}
	return caucus.Map(fields...)
}

// truly gives a reply with its truth values, which the wire has as 1 and 0, as such: itself, or those of the
// names in a map.
func truly(r caucus.Reply, names ...string) caucus.Reply {
	switch {
	case r.Kind == caucus.KindInt && len(names) == 0:
		return caucus.Reply{Kind: caucus.KindBool, Int: r.Int}
	case r.Kind != caucus.KindMap:
		return r
	}
	fields := slices.Clone(r.Items)
	for i := 0; i+1 < len(fields); i += 2 {
		if slices.Contains(names, fields[i].Str) {
			fields[i+1] = truly(fields[i+1])
		}
	}
	return caucus.Map(fields...)
}

// done gives an empty object to what has nothing to say but that it is done.
func done(r caucus.Reply) caucus.Reply {
	if r.Kind == caucus.KindError {
		return r
	}
	return caucus.Map()
}

// firstError gives the first of replies that is an error; ok says that there is none.
func firstError(replies ...caucus.Reply) (r caucus.Reply, ok bool) {
	for _, r := range replies {
		if r.Kind == caucus.KindError {
			return r, false
		}
	}
	return caucus.Reply{}, true
}

// with appends fields to a map.
func with(r caucus.Reply, fields ...caucus.Reply) caucus.Reply {
	if r.Kind != caucus.KindMap {
		return r
	}
	return caucus.Map(append(slices.Clone(r.Items), fields...)...)
}

// appendReply writes a reply as JSON.
func appendReply(dst []byte, r caucus.Reply) []byte {
	if isBytes(r) {
		if !utf8.ValidString(r.Str) {
			return appendObject(dst, []caucus.Reply{caucus.Bulk(""), r})
		}
		return appendString(dst, r.Str)
	}
	switch r.Kind {
	case caucus.KindInt:
		return strconv.AppendInt(dst, r.Int, 10)
	case caucus.KindBool:
		return strconv.AppendBool(dst, r.Int != 0)
	case caucus.KindDouble:
		return appendDouble(dst, r.Float)
	case caucus.KindError:
		err := caucus.ParseError(r.Str)
		return appendObject(dst, []caucus.Reply{caucus.Bulk("error"), caucus.Bulk(err.Word),
			caucus.Bulk("message"), caucus.Bulk(err.Message)})
	case caucus.KindMap:
		if !isNamed(r.Items) {
			return appendArray(dst, r.Items)
		}
		return appendObject(dst, r.Items)
	case caucus.KindArray, caucus.KindSet, caucus.KindPush:
		return appendArray(dst, r.Items)
	case caucus.KindPairs:
		pairs := make([]caucus.Reply, 0, len(r.Items)/2)
		for pair := range slices.Chunk(r.Items, 2) {
			pairs = append(pairs, caucus.Array(pair...))
		}
		return appendArray(dst, pairs)
	}
	return append(dst, "null"...)
}

// isBytes says whether a reply may be any bytes. A status may as well: a program's own command can answer it.
func isBytes(r caucus.Reply) bool {
	return r.Kind == caucus.KindBulk || r.Kind == caucus.KindStatus || r.Kind == caucus.KindVerbatim
}

// isNamed says whether a map can be an object: its names are text, and no two of them are the same.
func isNamed(items []caucus.Reply) bool {
	seen := make(map[string]bool, len(items)/2)
	for i := 0; i+1 < len(items); i += 2 {
		name := items[i]
		if name.Kind != caucus.KindBulk && name.Kind != caucus.KindStatus || !utf8.ValidString(name.Str) ||
			seen[name.Str] {
			return false
		}
		seen[name.Str] = true
	}
	return true
}

// appendDouble writes a number; those that JSON has none for are strings, as RESP3 writes them.
func appendDouble(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"nan"`...)
	case math.IsInf(f, 0):
		return append(dst, map[bool]string{true: `"inf"`, false: `"-inf"`}[f > 0]...)
	}
	return strconv.AppendFloat(dst, f, 'g', -1, 64)
}

func appendArray(dst []byte, items []caucus.Reply) []byte {
	dst = append(dst, '[')
	for i, item := range items {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendReply(dst, item)
	}
	return append(dst, ']')
}

// appendObject writes names and values in turn.
func appendObject(dst []byte, items []caucus.Reply) []byte {
	dst = append(dst, '{')
	for i := 0; i+1 < len(items); i += 2 {
		if i > 0 {
			dst = append(dst, ',')
		}
		name, value := items[i].Str, items[i+1]
		if isBytes(value) && !utf8.ValidString(value.Str) {
			name = strings.TrimPrefix(name+"_b64", "_") // what has no name is b64 alone
			value.Str = base64.StdEncoding.EncodeToString([]byte(value.Str))
		}
		dst = append(appendString(dst, name), ':')
		dst = appendReply(dst, value)
	}
	return append(dst, '}')
}

// appendString writes a string of valid UTF-8 as JSON.
func appendString(dst []byte, s string) []byte {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return append(dst, "null"...) // there is no string that it refuses
	}
	return append(dst, bytes.TrimSuffix(text.Bytes(), []byte("\n"))...)
}
