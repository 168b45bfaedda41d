package otel

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/caucus-project/caucus/node"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"
)

// Config says which writes are traced and who is told. Its zero value is usable.
type Config struct {
	// Ratio is how many of the writes are traced of which no client asks that, from 0 (none) to 1 (all).
	Ratio float64
	// Exporter is told of the spans. Nil: OTLP over HTTP, to http://localhost:4318 or where the variables
	// OTEL_EXPORTER_OTLP_... of the environment say.
	Exporter trace.SpanExporter
}

// Tracer is for node.Config.Tracer. Several nodes may share one.
type Tracer struct {
	ratio    float64
	provider *trace.TracerProvider
	spans    api.Tracer
}

var _ node.Tracer = (*Tracer)(nil)

// New makes a tracer. Its spans are of the service "caucus", unless OTEL_SERVICE_NAME or
// OTEL_RESOURCE_ATTRIBUTES say otherwise. They are sent in the background, and lost when too many wait.
// Nodes that use it are closed before Close.
func New(ctx context.Context, cfg Config) (*Tracer, error) {
	if !(cfg.Ratio >= 0 && cfg.Ratio <= 1) {
		return nil, fmt.Errorf("otel: Ratio is %v; it may be from 0 to 1", cfg.Ratio)
	}
	service, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "caucus")), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("otel: %w", err)
	}
	if cfg.Exporter == nil {
		if cfg.Exporter, err = otlptracehttp.New(ctx); err != nil {
			return nil, fmt.Errorf("otel: %w", err)
		}
	}
	t := &Tracer{ratio: cfg.Ratio, provider: trace.NewTracerProvider(trace.WithResource(service),
		trace.WithSampler(trace.AlwaysSample()), // nodes ask Sample before
		trace.WithIDGenerator(given{}), trace.WithBatcher(cfg.Exporter))}
	t.spans = t.provider.Tracer("github.com/caucus-project/caucus", api.WithInstrumentationVersion(node.Version))
	return t, nil
}

// Sample says yes to what clients ask for, and else by chance.
func (t *Tracer) Sample(asked bool) bool { return asked || t.ratio > 0 && rand.Float64() < t.ratio }

// kinds say which spans are more than a part of what their own node does.
var kinds = map[string]struct {
	kind   api.SpanKind
	remote bool // its parent is another process'
}{
	"write": {api.SpanKindServer, true}, "replicate": {api.SpanKindClient, false},
	"gather": {api.SpanKindInternal, true}, "sync": {api.SpanKindInternal, true},
	"commit": {api.SpanKindInternal, true},
}

// Span makes a span of OpenTelemetry.
func (t *Tracer) Span(s node.Span) {
	about := kinds[s.Name]
	ctx := context.WithValue(context.Background(), spanKey{}, s)
	if s.Parent != [8]byte{} {
		ctx = api.ContextWithSpanContext(ctx, api.NewSpanContext(api.SpanContextConfig{TraceID: s.Trace,
			SpanID: s.Parent, TraceFlags: api.FlagsSampled, Remote: about.remote}))
	}
	_, span := t.spans.Start(ctx, s.Name, api.WithTimestamp(s.Begin), api.WithSpanKind(about.kind),
		api.WithAttributes(attributes(s)...))
	if s.Error != "" {
		span.SetStatus(codes.Error, s.Error)
	}
	span.End(api.WithTimestamp(s.End))
}

func attributes(s node.Span) []attribute.KeyValue {
	list := []attribute.KeyValue{attribute.String("caucus.node", s.Node)}
	if len(s.Commands) > 0 {
		list = append(list, attribute.StringSlice("caucus.commands", s.Commands))
	}
	if s.Index > 0 {
		list = append(list, attribute.Int64("caucus.log.term", int64(s.Term)),
			attribute.Int64("caucus.log.index", int64(s.Index)))
	}
	return list
}

// Close sends what is still to be sent, for as long as ctx allows.
func (t *Tracer) Close(ctx context.Context) error { return t.provider.Shutdown(ctx) }

// given gives spans the ids that they have already, since a node needs them before its spans are over.
type given struct{}

type spanKey struct{}

// NewIDs is for the first span of a trace.
func (given) NewIDs(ctx context.Context) (api.TraceID, api.SpanID) {
	s := ctx.Value(spanKey{}).(node.Span)
	return s.Trace, s.ID
}

// NewSpanID is for all others.
func (given) NewSpanID(ctx context.Context, _ api.TraceID) api.SpanID {
	return ctx.Value(spanKey{}).(node.Span).ID
}
