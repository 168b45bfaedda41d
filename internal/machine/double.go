package machine

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
)

// double reads a score as Redis does: what strtod takes and is a number, without spaces around it.
func double(s string) (float64, *caucus.Error) {
	f, err := scoreIn(s)
	if err != nil || math.IsInf(f, 0) && strings.ContainsAny(s, "0123456789") || f == 0 && !isZero(s) {
		return 0, caucus.Errorf(caucus.ErrBad, "value is not a valid float")
	}
	return f, nil
}

// scoreWritten writes a score with so many digits, or with as many as it takes for -1.
func scoreWritten(score float64, digits int) string {
	switch {
	case math.IsInf(score, 1):
		return "inf"
	case math.IsInf(score, -1):
		return "-inf"
	}
	return strconv.FormatFloat(score, 'g', digits, 64)
}

var errNoNumber = errors.New("no number")

// scoreIn reads a number. What is too large for it becomes infinite, and what is too small nothing.
func scoreIn(s string) (float64, error) {
	unsigned := strings.TrimPrefix(strings.TrimPrefix(s, "-"), "+")
	switch {
	case len(s)-len(unsigned) > 1:
		return 0, errNoNumber
	case strings.EqualFold(unsigned, "inf") || strings.EqualFold(unsigned, "infinity"):
		return math.Inf(map[bool]int{true: -1, false: 1}[s[0] == '-']), nil
	case hexadecimal(unsigned):
		if !strings.ContainsAny(unsigned, "pP") {
			s += "p0" // what strtod may leave out and strconv may not
		}
		if strings.Trim(unsigned[2:], "0123456789abcdefABCDEF.pP+-") != "" {
			return 0, errNoNumber
		}
	case strings.Trim(unsigned, "0123456789.eE+-") != "":
		return 0, errNoNumber
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, errNoNumber
	}
	return f, nil
}

func hexadecimal(s string) bool { return len(s) > 1 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') }

// isZero says whether a number is written with no digit but zeros, before its exponent.
func isZero(s string) bool {
	s = strings.TrimLeft(s, "+-")
	if hexadecimal(s) {
		s, _, _ = strings.Cut(strings.ToLower(s[2:]), "p")
	} else {
		s, _, _ = strings.Cut(strings.ToLower(s), "e")
	}
	return strings.Trim(s, "0.") == ""
}
