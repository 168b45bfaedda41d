package machine_test

import (
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
)

// What SORT takes for a number is what Redis 7.0 was seen to take: all that strtod finds in range. What is
// below the smallest number of full precision is in range only when it loses no digit.
func TestSortTakesWhatStrtodTakes(t *testing.T) {
	const refused, before, behind = "", "before", "behind"
	for text, want := range map[string]string{
		"1e4900": refused, "-1e4900": refused, "1e309": refused, "1e-400": refused, "1e-4900": refused,
		"0x1p5000": refused, "1.7976931348623159e308": refused, "1e99999999999999999": refused,
		"1e-99999999999999999": refused, "1e308": behind, "-1e308": before,
		"inf": behind, "-inf": before, "+INF": behind, "-infinity": before, "nan": refused, "infx": refused,
		"4.9e-324": refused, "1e-320": refused, "2.2250738585072011e-308": refused, "0x1p-1074": before,
		"2.2250738585072014e-308": before, "0x0.fffffffffffff9p-1022": refused, "0x0.fffffffffffff8p-1022": refused,
		"0x0.fffffffffffffcp-1022": before, "0x0.8p-1022": before, "1e-307": before,
		"0e99999999999999": before, "-0": before, "0x10": behind, "0x.8": before, "0x": refused, ".5": before,
		"7.": behind, ".": refused, "1e+1": behind, "1e+": refused, "1_0": refused, "0x1_0p0": refused,
		"": before, " 1": before, "1 ": refused, "  ": refused, "7\x00abc": behind, "\x00": before,
		" \x00":                         refused,
		strings.Repeat("0", 6000) + "7": behind, "0." + strings.Repeat("0", 6000) + "1e5690": refused,
	} {
		b := newBare(t)
		b.one("RPUSH", "l", "5", text)
		got := b.one("SORT", "l")
		switch {
		case got.Kind == caucus.KindError && want == refused:
		case len(got.Items) != 2 || got.Items[map[string]int{before: 0, behind: 1}[want]].Str != text:
			t.Errorf("with %.30q it answers %+v, and is to be %q", text, got, want)
		}
	}
}
