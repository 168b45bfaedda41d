package tool_test

import (
	"testing"

	"github.com/caucus-project/caucus/internal/tool"
)

var kept []byte

func TestAtMost(t *testing.T) {
	e := &ending{TB: t}
	tool.AtMost(e, 1<<20, func() { kept = make([]byte, 1<<10) })
	if e.how != "" {
		t.Error("a kilobyte is more than a megabyte")
	}
	if tool.AtMost(e, 1<<20, func() { kept = make([]byte, 2<<20) }); e.how != "failed" {
		t.Error("two megabytes are not more than one")
	}
}
