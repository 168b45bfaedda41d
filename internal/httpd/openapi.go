package httpd

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
)

// The document of the API has the form of OpenAPI 3.0, which generators and validators all read. It is made
// of the table of routes alone, so that it cannot say anything else than the routes do.

// part is a piece of the document.
type part map[string]any

// describe is GET /v1/openapi.json.
func (v *visit) describe() caucus.Reply {
	text, err := json.Marshal(v.door.document())
	if err != nil {
		return caucus.Fail(caucus.ErrBad, "%v", err)
	}
	v.body = text
	return caucus.Reply{}
}

func (d *Door) document() part {
	paths := map[string]part{}
	for _, r := range d.routes() {
		if paths[r.path] == nil {
			paths[r.path] = part{"parameters": inPath(r.path)}
		}
		paths[r.path][strings.ToLower(r.method)] = r.operation()
	}
	return part{
		"openapi": "3.0.3",
		"info": part{"title": "caucus", "version": "1", "description": "Groups of processes that divide work, " +
			"elect leaders, vote and share a store. Any node answers. Times are milliseconds unless the name " +
			"says otherwise. What an error begins with, its word, says what to do."},
		"security": []part{{}, {"bearer": []string{}}, {"basic": []string{}}},
		"paths":    paths,
		"components": part{
			"securitySchemes": part{
				"bearer": part{"type": "http", "scheme": "bearer", "description": "the password of the ensemble"},
				"basic":  part{"type": "http", "scheme": "basic", "description": "the same, with any user"}},
			"parameters": part{"Session": part{"name": sessionHeader, "in": "header",
				"description": "the session for which the request is, as POST /v1/sessions answers it",
				"schema":      part{"type": "string", "pattern": "^[0-9a-f]{32}$"}}},
			"schemas": part{"Command": part{"type": "array", "minItems": 1, "items": part{
				"description": "a word; a number is taken as it is written",
				"anyOf":       []part{{"type": "string"}, {"type": "number"}, bytesSchema}}}},
		},
	}
}

var bytesSchema = part{"type": "object", "required": []string{"b64"}, "additionalProperties": false,
	"properties": part{"b64": part{"type": "string", "format": "byte"}}}

// wildcards says what stands for them, by the segment before.
var wildcards = map[string]string{
	"sessions": "the id of a session", "nodes": "the name of a node",
	"keys":   "any bytes, each escaped if need be",
	"groups": "the name of a group, / as %2F", "members": "the name of a member, / as %2F",
	"votes": "the id of a poll", "locks": "the name of a lock, / as %2F",
}

var wildcard = regexp.MustCompile(`(\w+)/\{(\w+)\}`)

func inPath(path string) (all []part) {
	for _, found := range wildcard.FindAllStringSubmatch(path, -1) {
		all = append(all, part{"name": found[2], "in": "path", "required": true,
			"description": wildcards[found[1]], "schema": part{"type": "string"}})
	}
	return all
}

// takesBody says whether what a request states stands in its body.
func (r route) takesBody() bool { return r.method == post || r.method == put }

func (r route) operation() part {
	segments := strings.Split(strings.TrimPrefix(r.path, apiRoot), "/")
	id := strings.ToLower(r.method)
	for _, s := range segments {
		if name, isWild := strings.CutPrefix(strings.TrimSuffix(s, "}"), "{"); isWild {
			s = "by" + strings.ToUpper(name[:1]) + name[1:]
		}
		id += strings.ToUpper(s[:1]) + strings.ReplaceAll(s[1:], ".", "")
	}
	o := part{"operationId": id, "summary": r.about, "tags": segments[:1], "parameters": r.parameters(),
		"responses": r.responses()}
	if body := r.body(); body != nil {
		o["requestBody"] = body
	}
	return o
}

// parameters are what of a request stands neither in its path nor in its body.
func (r route) parameters() []part {
	all := []part{}
	if !strings.Contains(r.path, "{session}") {
		all = append(all, part{"$ref": "#/components/parameters/Session"})
	}
	header := func(name, about string) {
		all = append(all, part{"name": name, "in": "header", "description": about,
			"schema": part{"type": "string"}})
	}
	if r.conditional() {
		header("If-Match", "* or ETags, of which one must be the key's")
		header("If-None-Match", "* or ETags, of which none may be the key's")
	}
	if r.kind != "" {
		header("Last-Event-ID", "the id of the last event that was read")
	}
	if r.takesBody() {
		return all
	}
	for _, f := range r.takes {
		all = append(all, part{"name": f.name, "in": "query", "required": f.must, "description": f.about,
			"schema": f.schema()})
	}
	return all
}

func (r route) conditional() bool { return slices.Contains(r.fails, precondition) }

func (r route) body() part {
	schema, required := part(nil), false
	switch {
	case r.commands:
		command := part{"$ref": "#/components/schemas/Command"}
		several := part{"type": "array", "minItems": 1, "items": command}
		schema, required = part{"oneOf": []part{command, several}}, true
	case !r.takesBody() || len(r.takes) == 0:
		return nil
	default:
		schema = objectOf(r.takes, func(f field) bool { return f.must })
		schema["additionalProperties"] = false
		required = slices.ContainsFunc(r.takes, func(f field) bool { return f.must })
	}
	return part{"required": required, "content": part{"application/json": part{"schema": schema}}}
}

func (r route) responses() part {
	schema := objectOf(r.gives, func(f field) bool { return !f.may })
	kind := "application/json"
	if r.kind != "" {
		kind, schema = r.kind, part{"type": "string"}
	}
	good := part{"description": "It is done.", "content": part{kind: part{"schema": schema}}}
	if r.conditional() {
		good["headers"] = part{"ETag": part{"description": "the key's revision, if there is the key",
			"schema": part{"type": "string"}}}
	}
	all := part{"200": good}
	fails := slices.Concat(always, r.fails)
	if r.takesBody() {
		fails = append(fails, tooLong)
	}
	byStatus := map[int][]failure{}
	for _, f := range fails {
		if !slices.Contains(byStatus[f.status], f) {
			byStatus[f.status] = append(byStatus[f.status], f)
		}
	}
	for status, fails := range byStatus {
		all[strconv.Itoa(status)] = response(fails)
	}
	return all
}

// response describes the failures that have a status in common.
func response(fails []failure) part {
	var when, words []string
	for _, f := range fails {
		when = append(when, strings.TrimPrefix(f.word+": "+f.when, ": "))
		words = append(words, f.word)
	}
	r := part{"description": strings.Join(when, ". ") + "."}
	if fails[0].status == http.StatusNotModified {
		return r
	}
	word := part{"type": "string", "enum": words}
	if slices.Contains(words, anyWord) {
		delete(word, "enum")
	}
	r["content"] = part{"application/json": part{"schema": part{"type": "object",
		"required":   []string{"error", "message"},
		"properties": part{"error": word, "message": part{"type": "string"}}}}}
	return r
}

// objectOf describes an object with these fields, of which some must be there. Bytes are there under one of
// two names.
func objectOf(fields []field, must func(field) bool) part {
	properties, required := part{}, []string{}
	o := part{"type": "object", "properties": properties}
	for _, f := range fields {
		properties[f.name] = f.schema()
		if f.shape == data || f.shape == anything {
			encoded := f.name + "_b64"
			properties[encoded] = part{"type": "string", "format": "byte", "description": "the same in " +
				"base64, for bytes that are no UTF-8"}
			if must(f) {
				o["oneOf"] = []part{{"required": []string{f.name}}, {"required": []string{encoded}}}
			}
		} else if must(f) {
			required = append(required, f.name)
		}
	}
	if len(required) > 0 {
		o["required"] = required
	}
	return o
}

// schema describes a value.
func (f field) schema() part {
	s := part{"type": "string"}
	switch f.shape {
	case number:
		s = part{"type": "integer", "format": "int64"}
	case natural:
		s = part{"type": "integer", "format": "int64", "minimum": 0}
	case positive:
		s = part{"type": "integer", "format": "int64", "minimum": 1}
	case flag:
		s = part{"type": "boolean"}
	case numbers:
		s = part{"type": "array", "items": part{"type": "integer", "format": "int64"}}
	case texts:
		s = part{"type": "array", "items": part{"type": "string"}}
	case anything:
		s = part{"nullable": true}
	case object, objects:
		s = part{"type": "object"}
		if f.of != nil {
			s = objectOf(f.of, func(f field) bool { return !f.may })
		}
		if f.shape == objects {
			s = part{"type": "array", "items": s}
		}
	}
	if f.about != "" {
		s["description"] = f.about
	}
	if f.null {
		s["nullable"] = true
	}
	return s
}
