// Command caucus-otel runs one node whose writes are traced by OpenTelemetry, out of the same file as 'caucus
// serve --config'. Where the spans go, the variables OTEL_EXPORTER_OTLP_... of the environment say.
//
// It is for those who need no more than that. Whoever needs the other flags of serve sets node.Config in a
// program of his own, as this one does.
package main
