package waist

import "context"

// Trace is the place in a client's own trace at which its request stands.
type Trace struct {
	ID      [16]byte
	Span    [8]byte
	Sampled bool // the client has it recorded
}

type traceKey struct{}

// WithTrace says to which trace belongs what is done under the context.
func WithTrace(ctx context.Context, t Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}

// TraceOf gives what WithTrace has said.
func TraceOf(ctx context.Context) (t Trace, ok bool) {
	t, ok = ctx.Value(traceKey{}).(Trace)
	return t, ok
}
