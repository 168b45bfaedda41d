package httpd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/caucus-project/caucus/internal/httpd"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// strict makes a description that allows nothing that it does not name.
func strict(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			v[name] = strict(inner)
		}
		properties, ok := v["properties"].(map[string]any)
		if ok && v["type"] == "object" && len(properties) > 0 {
			v["additionalProperties"] = false
		}
	case []any:
		for i := range v {
			v[i] = strict(v[i])
		}
	}
	return v
}

// read reads a document.
func read(text []byte) (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err == nil {
		err = doc.Validate(context.Background())
	}
	return doc, err
}

// strictly is the document of the API, read so that nothing fits it that it does not name.
var strictly = sync.OnceValues(func() (*openapi3.T, error) {
	var whole any
	if err := json.Unmarshal(httpd.Document(), &whole); err != nil {
		return nil, err
	}
	text, err := json.Marshal(strict(whole))
	if err != nil {
		return nil, err
	}
	return read(text)
})

// operation finds what the document says of a request, nil when it names no such path and method.
func operation(doc *openapi3.T, r *http.Request) (*routers.Route, map[string]string) {
	said := strings.Split(r.URL.EscapedPath(), "/")
	for path, item := range doc.Paths.Map() {
		words, found := strings.Split(path, "/"), map[string]string{}
		fits := func(i int) bool {
			name, isWild := strings.CutPrefix(strings.TrimSuffix(words[i], "}"), "{")
			if !isWild {
				return words[i] == said[i]
			}
			value, err := url.PathUnescape(said[i])
			found[name] = value
			return err == nil && value != "" && strings.Trim(said[i], ".") != ""
		}
		matches := len(words) == len(said)
		for i := 0; matches && i < len(words); i++ {
			matches = fits(i)
		}
		if op := item.GetOperation(r.Method); matches && op != nil {
			return &routers.Route{Spec: doc, Path: path, PathItem: item, Method: r.Method, Operation: op}, found
		}
	}
	return nil, nil
}

// described fails unless an answer is as the document of the API says, and so is the request, if it was done.
func described(t testing.TB, r *http.Request, body string, a answer) {
	t.Helper()
	doc, err := strictly()
	if err != nil {
		t.Fatal(err)
	}
	route, params := operation(doc, r)
	if route == nil {
		if a.status != 404 && a.status != 405 && a.status/100 != 4 {
			t.Errorf("%s %s is answered %d and stands nowhere", r.Method, r.URL, a.status)
		}
		return
	}
	r = r.Clone(context.Background())
	r.Body = io.NopCloser(strings.NewReader(body))
	if r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/json")
	}
	options := &openapi3filter.Options{IncludeResponseStatus: true, SkipSettingDefaults: true,
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
	in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route,
		Options: options}
	if a.status == 200 && body != "" && len(body) < 1<<16 {
		if err := openapi3filter.ValidateRequest(context.Background(), in); err != nil {
			t.Errorf("%s %s %s was done, and is not as it is described: %v", r.Method, r.URL, body, err)
		}
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: a.status,
		Header: a.header, Body: io.NopCloser(bytes.NewReader([]byte(a.body))), Options: options}
	if err := openapi3filter.ValidateResponse(context.Background(), out); err != nil {
		t.Errorf("%s %s is answered %d %.300s, which is not described: %v", r.Method, r.URL, a.status, a.body,
			err)
	}
}

// A node gives the document, which is sound, and each route of the table stands in it, with all that it takes
// and may answer, and nothing else does.
func TestTheDocument(t *testing.T) {
	s := nodes(t, 1)[0]
	a := s.ask("GET", "/v1/openapi.json")
	s.expect(a, 200, string(httpd.Document()))
	doc, err := read([]byte(a.body))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := strictly(); err != nil {
		t.Error(err)
	}
	s.refused(s.ask("GET", "/v1/openapi.json?x=1"), 400, "ERR")
	named, ids := map[string]bool{}, map[string]bool{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			named[method+" "+path] = true
			if ids[op.OperationID] || op.OperationID == "" || op.Summary == "" {
				t.Errorf("%s %s has the id %q and the summary %q", method, path, op.OperationID, op.Summary)
			}
			ids[op.OperationID] = true
		}
	}
	for route, fields := range httpd.Takes() {
		if !named[route] {
			t.Errorf("%s is not described", route)
			continue
		}
		delete(named, route)
		method, path, _ := strings.Cut(route, " ")
		item := doc.Paths.Find(path)
		holdsAll(t, route, item, item.GetOperation(method), fields)
	}
	if len(named) > 0 {
		t.Errorf("%v is described and is not there", named)
	}
}

// holdsAll checks that an operation names what it takes and what it may answer.
func holdsAll(t *testing.T, route string, item *openapi3.PathItem, op *openapi3.Operation, fields []string) {
	t.Helper()
	found := []string{}
	for _, p := range op.Parameters {
		if p.Value.In == "query" {
			found = append(found, p.Value.Name)
		}
		if p.Value.Description == "" {
			t.Errorf("%s: nothing is said of %s", route, p.Value.Name)
		}
	}
	if op.RequestBody != nil {
		for name, of := range op.RequestBody.Value.Content["application/json"].Schema.Value.Properties {
			if !strings.HasSuffix(name, "_b64") {
				found = append(found, name)
			}
			if of.Value.Description == "" {
				t.Errorf("%s: nothing is said of %s", route, name)
			}
		}
	}
	slices.Sort(found)
	if want := slices.Sorted(slices.Values(fields)); !slices.Equal(found, want) {
		t.Errorf("%s takes %q, described is %q", route, want, found)
	}
	if got := len(item.Parameters); got != strings.Count(route, "{") {
		t.Errorf("%s has %d names in its path", route, got)
	}
	for _, status := range []string{"200", "400", "401", "403", "503", "504"} {
		if op.Responses.Value(status) == nil {
			t.Errorf("%s: nothing is said of %s", route, status)
		}
	}
}

// The check of answers would see one that is not as it is described.
func TestTheCheckSees(t *testing.T) {
	doc, err := strictly()
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/v1/groups", 200, `{}`},
		{"GET", "/v1/groups", 200, `{"groups":[1]}`},
		{"GET", "/v1/groups", 200, `{"groups":[],"x":1}`},
		{"GET", "/v1/groups", 409, `{"error":"CONFLICT","message":"x"}`},
		{"GET", "/v1/groups", 503, `{"error":"OOM","message":"x"}`},
		{"GET", "/v1/groups/g/members", 200, `{"members":[{"name":"m"}]}`},
		{"GET", "/v1/keys/k", 200, `{"revision":1,"ttl":null,"expires":null}`},
		{"PUT", "/v1/keys/k", 200, `{"revision":"1"}`},
	} {
		r, err := http.NewRequest(wrong.method, "http://x"+wrong.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		route, params := operation(doc, r)
		in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route}
		out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: wrong.status,
			Header:  http.Header{"Content-Type": {"application/json"}},
			Body:    io.NopCloser(strings.NewReader(wrong.body)),
			Options: &openapi3filter.Options{IncludeResponseStatus: true}}
		if err := openapi3filter.ValidateResponse(context.Background(), out); err == nil {
			t.Errorf("%+v passes", wrong)
		}
	}
}
