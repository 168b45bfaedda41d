package httpd

import (
	"context"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/caucus-project/caucus/internal/waist"
)

// traceparent is the header by which clients say to which trace a request belongs (W3C Trace Context).
const traceparent = "Traceparent"

// traced adds to the context of a request what it says of its trace. A header that cannot be read counts as
// none, as the standard has it, and fails nothing.
func traced(ctx context.Context, r *http.Request) context.Context {
	list := r.Header[traceparent]
	if len(list) != 1 {
		return ctx
	}
	t, ok := parseTraceparent(list[0])
	if !ok {
		return ctx
	}
	return waist.WithTrace(ctx, t)
}

// parseTraceparent reads version-trace-span-flags, in lower-case hexadecimal digits. What a later version
// has more stands behind that.
func parseTraceparent(s string) (t waist.Trace, ok bool) {
	const length = len("00-0123456789abcdef0123456789abcdef-0123456789abcdef-00")
	if len(s) < length || s[2] != '-' || s[35] != '-' || s[52] != '-' || strings.ToLower(s) != s {
		return t, false
	}
	b, err := hex.DecodeString(s[:2] + s[3:35] + s[36:52] + s[53:length])
	if err != nil {
		return t, false
	}
	version, rest := b[0], s[length:]
	t.Sampled = b[25]&1 == 1
	copy(t.ID[:], b[1:])
	copy(t.Span[:], b[17:])
	known := version != 0xff && (rest == "" || version > 0 && rest[0] == '-')
	return t, known && t.ID != [16]byte{} && t.Span != [8]byte{}
}
