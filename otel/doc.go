// Package otel tells OpenTelemetry of the writes that nodes trace (node.Config.Tracer): a span for each part
// of a write's way, of the node where its client is and of the leader, in one trace.
//
// It is a module of its own, because it brings OpenTelemetry, and with that gRPC, which a node does without.
package otel
