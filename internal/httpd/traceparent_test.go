package httpd

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/caucus-project/caucus/internal/waist"
)

const (
	someTrace = "0af7651916cd43dd8448eb211c80319c"
	someSpan  = "b7ad6b7169203331"
)

func TestTraceparent(t *testing.T) {
	good := map[string]bool{ // and whether it is sampled
		"00-" + someTrace + "-" + someSpan + "-01":        true,
		"00-" + someTrace + "-" + someSpan + "-00":        false,
		"00-" + someTrace + "-" + someSpan + "-03":        true, // a flag that came later
		"cc-" + someTrace + "-" + someSpan + "-01":        true, // a version that came later
		"cc-" + someTrace + "-" + someSpan + "-01-what-s": true,
	}
	for text, sampled := range good {
		got, ok := parseTraceparent(text)
		if !ok || fmt.Sprintf("%x-%x", got.ID, got.Span) != someTrace+"-"+someSpan || got.Sampled != sampled {
			t.Errorf("%q is read as %+v, %v", text, got, ok)
		}
	}
	for _, text := range []string{
		"", "00", "00-" + someTrace + "-" + someSpan, "00-" + someTrace + "-" + someSpan + "-0",
		"00-" + someTrace + "-" + someSpan + "-01-", "00-" + someTrace + "-" + someSpan + "-01.",
		"cc-" + someTrace + "-" + someSpan + "-01.", "ff-" + someTrace + "-" + someSpan + "-01",
		"00_" + someTrace + "-" + someSpan + "-01", "00-" + someTrace + "_" + someSpan + "-01",
		"00-00000000000000000000000000000000-" + someSpan + "-01", "00-" + someTrace + "-0000000000000000-01",
		"00-0AF7651916CD43DD8448EB211C80319C-" + someSpan + "-01", "00-" + someTrace + "-" + someSpan + "-0g",
	} {
		if got, ok := parseTraceparent(text); ok {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}

// Two headers name no trace, as none does.
func TestTraceparentTwice(t *testing.T) {
	one := "00-" + someTrace + "-" + someSpan + "-01"
	for n := range 3 {
		r := &http.Request{Header: http.Header{}}
		for range n {
			r.Header.Add("traceparent", one)
		}
		if _, ok := waist.TraceOf(traced(context.Background(), r)); ok != (n == 1) {
			t.Errorf("%d headers: %v", n, ok)
		}
	}
}

// Whatever stands there, it is read or it is not, and what is read is written the same.
func FuzzTraceparent(f *testing.F) {
	f.Add("00-" + someTrace + "-" + someSpan + "-01")
	f.Add("cc-" + someTrace + "-" + someSpan + "-00-more")
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := parseTraceparent(text)
		if ok && fmt.Sprintf("%x-%x", got.ID, got.Span) != text[3:52] {
			t.Errorf("%q is read as %+v", text, got)
		}
	})
}
