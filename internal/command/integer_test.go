package command_test

import (
	"strconv"
	"testing"

	"github.com/caucus-project/caucus/internal/command"
)

func TestIntegersAreWrittenInOneWay(t *testing.T) {
	for _, s := range []string{"0", "1", "-1", "10", "9223372036854775807", "-9223372036854775808"} {
		if n, ok := command.Integer(s); !ok || strconv.FormatInt(n, 10) != s {
			t.Errorf("%q is read as %d, %t", s, n, ok)
		}
	}
	for _, s := range []string{"", "-", "-0", "+1", "01", "-01", "1.0", " 1", "1 ", "x", "0x1", "1e3", "1_0",
		"9223372036854775808", "-9223372036854775809"} {
		if n, ok := command.Integer(s); ok {
			t.Errorf("%q is read as %d", s, n)
		}
	}
}
