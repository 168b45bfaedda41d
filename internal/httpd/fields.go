package httpd

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/caucus-project/caucus"
)

// shape is what kind of value a field has.
type shape uint8

const (
	text     shape = iota // a string
	data                  // any bytes: a string, or base64 as <name>_b64
	number                // an integer
	natural               // an integer from 0
	positive              // an integer above 0
	flag                  // true or false; an option of the command that has no value
	numbers               // an array of integers
	texts                 // an array of strings; in answers alone, like those that follow
	object                // an object
	objects               // an array of objects
	anything              // any value, or null; what is no text comes as <name>_b64
)

// field is something that a request may say, in a JSON object as its body or in the query of a path that
// takes no body; or something that an answer says.
type field struct {
	name  string
	shape shape
	must  bool    // it may not be left out of the request
	word  string  // the option of the command; "" for the name in capitals
	about string  // what it means, with its unit, for who reads the document of the API
	null  bool    // it may be null in the answer
	may   bool    // it may be left out of the answer
	of    []field // what an object has, or each of several
}

func (f field) option() string {
	if f.word != "" {
		return f.word
	}
	return strings.ToUpper(f.name)
}

// given is what a request says: the values of each field that it states; none for a flag that is true.
type given map[string][]string

// value gives the one value of a field, "" when it was not stated.
func (g given) value(name string) string {
	if values := g[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// options appends the options of a command that the request states, in the order of the fields.
func (g given) options(cmd caucus.Command, fields ...field) caucus.Command {
	for _, f := range fields {
		if values, ok := g[f.name]; ok {
			cmd = append(append(cmd, f.option()), values...)
		}
	}
	return cmd
}

// wrong says what is wrong with a request.
func wrong(format string, args ...any) *caucus.Error {
	return caucus.Errorf(caucus.ErrBad, format, args...)
}

// stated is one field as a request has it.
type stated struct {
	name  string
	raw   json.RawMessage
	query bool // it stood in the query, where text has no quotes
}

// parse reads what a request says. Limit bounds the bytes of its body. With an error comes its status.
func parse(w http.ResponseWriter, r *http.Request, limit int64, fields []field) (given, int, *caucus.Error) {
	found, status, err := found(w, r, limit, fields)
	if err != nil {
		return nil, status, err
	}
	g := given{}
	for _, what := range found {
		if err := g.take(fields, what); err != nil {
			return nil, http.StatusBadRequest, err
		}
	}
	for _, f := range fields {
		if _, ok := g[f.name]; f.must && !ok {
			return nil, http.StatusBadRequest, wrong("'%s' is missing", f.name)
		}
	}
	return g, 0, nil
}

// fieldOf finds the field of a name, and whether the name says that it comes in base64.
func fieldOf(fields []field, name string) (f field, encoded bool, err *caucus.Error) {
	var names []string
	for _, f := range fields {
		if f.name == name {
			return f, false, nil
		}
		if f.shape == data && f.name+"_b64" == name {
			return f, true, nil
		}
		names = append(names, f.name)
	}
	if len(names) == 0 {
		return f, false, wrong("'%.64s' is unknown: nothing can be stated here", name)
	}
	return f, false, wrong("'%.64s' is unknown; there is %s", name, strings.Join(names, ", "))
}

// take reads the value of a field. Nothing is rounded, guessed or replaced.
func (g given) take(fields []field, what stated) *caucus.Error {
	f, encoded, err := fieldOf(fields, what.name)
	if err != nil {
		return err
	}
	if g[f.name] != nil {
		return wrong("'%s' and '%s_b64' exclude each other", f.name, f.name)
	}
	values, ok := f.values(what)
	switch {
	case !ok:
		return wrong("'%s' must be %s, not %.32s", what.name, f.shape, what.raw)
	case encoded:
		decoded, err := base64.StdEncoding.DecodeString(values[0])
		if err != nil {
			return wrong("'%s' is not base64: %v", what.name, err)
		}
		values[0] = string(decoded)
	}
	if values != nil {
		g[f.name] = values
	}
	return nil
}

// values reads what was stated: nil for a flag that is false.
func (f field) values(what stated) (values []string, ok bool) {
	var list []json.RawMessage
	raw := what.raw
	switch f.shape {
	case number, natural, positive:
		n, err := strconv.ParseInt(string(raw), 10, 64)
		ok := f.shape == number || n > 0 || n == 0 && f.shape == natural
		return []string{string(raw)}, ok && err == nil
	case flag:
		if string(raw) == "true" {
			return []string{}, true
		}
		return nil, string(raw) == "false"
	case numbers:
		if !bytes.HasPrefix(raw, []byte("[")) || json.Unmarshal(raw, &list) != nil {
			return nil, false
		}
		values = []string{}
		for _, n := range list {
			if !isInteger(n) {
				return nil, false
			}
			values = append(values, string(n))
		}
		return values, true
	}
	if what.query {
		return []string{string(raw)}, true
	}
	s, ok := readText(raw)
	return []string{s}, ok
}

// readText reads a string in JSON.
func readText(raw json.RawMessage) (s string, ok bool) {
	ok = bytes.HasPrefix(raw, []byte(`"`)) && json.Unmarshal(raw, &s) == nil && !mangled(raw, s)
	return s, ok
}

// String says what a value must be.
func (s shape) String() string {
	return [...]string{"a string", "a string", "an integer", "an integer from 0", "an integer above 0",
		"true or false", "an array of integers"}[s]
}

func isInteger(raw json.RawMessage) bool {
	_, err := strconv.ParseInt(string(raw), 10, 64)
	return err == nil
}

// mangled says whether decoding put the replacement character where the text had none: for half a surrogate
// pair, which is no text.
func mangled(raw json.RawMessage, s string) bool {
	const stands = "\uFFFD"
	stated := bytes.Count(raw, []byte(stands))
	for {
		_, after, escapes := bytes.Cut(raw, []byte(`\`))
		if !escapes {
			return strings.Count(s, stands) > stated
		}
		if len(after) > 4 && bytes.EqualFold(after[:5], []byte("ufffd")) {
			stated++
		}
		raw = after[min(1, len(after)):] // what is escaped may be another backslash
	}
}

// found gives what stands in a request. One that takes a body states nothing in its query, and the other way
// round, so that nothing is passed over in silence.
func found(w http.ResponseWriter, r *http.Request, limit int64, of []field) ([]stated, int, *caucus.Error) {
	body, status, wrongBody := bodyOf(w, r, limit)
	switch takesBody := r.Method == http.MethodPost || r.Method == http.MethodPut; {
	case wrongBody != nil:
		return nil, status, wrongBody
	case takesBody:
		found, err := inBody(body, of)
		return found, http.StatusBadRequest, err
	case len(body) > 0:
		return nil, http.StatusBadRequest, wrong("a %s states all in the query and has no body", r.Method)
	}
	found, bad := inQuery(r.URL.RawQuery)
	return found, http.StatusBadRequest, bad
}

// bodyOf reads the body. One that takes a body states nothing in its query.
func bodyOf(w http.ResponseWriter, r *http.Request, limit int64) (_ []byte, status int, _ *caucus.Error) {
	body, problem := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var long *http.MaxBytesError
	switch takesBody := r.Method == http.MethodPost || r.Method == http.MethodPut; {
	case errors.As(problem, &long):
		return nil, http.StatusRequestEntityTooLarge, wrong("the body may have %d bytes here", limit)
	case errors.Is(problem, errNoRoom):
		return nil, noRoom().HTTPStatus(), noRoom()
	case problem != nil:
		return nil, http.StatusBadRequest, wrong("the body cannot be read: %v", problem)
	case takesBody && r.URL.RawQuery != "":
		return nil, http.StatusBadRequest, wrong("a %s states all in its body, not in the query", r.Method)
	}
	return body, 0, nil
}

// inBody reads a body, a JSON object in which each field stands once. No body at all states nothing. It goes
// no further than to the first field that is unknown, so it keeps no more of them than there are.
func inBody(body []byte, fields []field) (found []stated, err *caucus.Error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, nil
	}
	if !utf8.Valid(body) {
		return nil, wrong("the body is not UTF-8, which JSON is; bytes that are no text go as <field>_b64")
	}
	if err := json.Unmarshal(body, new(json.RawMessage)); err != nil {
		return nil, wrong("the body is not JSON: %v", err)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if begin, err := d.Token(); err != nil || begin != json.Delim('{') {
		return nil, wrong("the body must be a JSON object, such as {}")
	}
	for d.More() {
		var what stated
		name, err := d.Token()
		if err == nil {
			err = d.Decode(&what.raw)
		}
		if err != nil {
			return nil, wrong("the body is not JSON: %v", err)
		}
		what.name, _ = name.(string)
		if _, _, err := fieldOf(fields, what.name); err != nil {
			return nil, err
		}
		if stands(found, what.name) {
			return nil, wrong("'%.64s' stands there twice", what.name)
		}
		found = append(found, what)
	}
	return found, nil
}

func stands(found []stated, name string) bool {
	return slices.ContainsFunc(found, func(what stated) bool { return what.name == name })
}

// inQuery reads a query.
func inQuery(raw string) (found []stated, err *caucus.Error) {
	query, problem := url.ParseQuery(raw)
	if problem != nil {
		return nil, wrong("the query cannot be read: %v", problem)
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if len(query[name]) > 1 {
			return nil, wrong("'%.64s' stands there twice", name)
		}
		found = append(found, stated{name, json.RawMessage(query[name][0]), true})
	}
	return found, nil
}
