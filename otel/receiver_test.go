package otel_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	pb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// receiver takes traces by OTLP over HTTP, as a collector does.
type receiver struct {
	t        *testing.T
	mu       sync.Mutex
	spans    []*pb.Span
	services map[string]bool
}

// collect starts a receiver, to which exporters send by themselves.
func collect(t *testing.T) *receiver {
	r := &receiver{t: t, services: map[string]bool{}}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "50") // milliseconds
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err == nil && q.Header.Get("Content-Encoding") == "gzip" {
		var zip *gzip.Reader
		if zip, err = gzip.NewReader(bytes.NewReader(body)); err == nil {
			body, err = io.ReadAll(zip)
		}
	}
	sent := &collector.ExportTraceServiceRequest{}
	if err == nil {
		err = proto.Unmarshal(body, sent)
	}
	if err != nil || q.URL.Path != "/v1/traces" {
		r.t.Errorf("%s %s: %v", q.Method, q.URL, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, of := range sent.ResourceSpans {
		for _, a := range of.Resource.Attributes {
			if a.Key == "service.name" {
				r.services[a.Value.GetStringValue()] = true
			}
		}
		for _, scope := range of.ScopeSpans {
			r.spans = append(r.spans, scope.Spans...)
		}
	}
}

// trace gives the spans of the trace in which a command was written, by name.
func (r *receiver) trace(command string) map[string]*pb.Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	var id []byte
	for _, s := range r.spans {
		for _, c := range attribute(s, "caucus.commands").GetArrayValue().GetValues() {
			if c.GetStringValue() == command {
				id = s.TraceId
			}
		}
	}
	found := map[string]*pb.Span{}
	for _, s := range r.spans {
		if bytes.Equal(s.TraceId, id) {
			found[s.Name] = s
		}
	}
	return found
}
