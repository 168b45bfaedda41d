package machine

import (
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
)

// double reads a score as Redis does: what strtod takes and is a number, without spaces around it.
func double(s string) (float64, *caucus.Error) {
	f, err := scoreIn(s)
	if err != nil || tooFar(f, s) {
		return 0, caucus.Errorf(caucus.ErrBad, "value is not a valid float")
	}
	return f, nil
}

// tooFar says whether a number that was read as f is too large for it, or too small.
func tooFar(f float64, s string) bool {
	return math.IsInf(f, 0) && strings.ContainsAny(s, "0123456789") || f == 0 && !isZero(s)
}

// weight reads what SORT goes by as strtod does: it takes spaces before the number, and nothing for 0. SORT
// alone refuses also what strtod calls out of range although there is a number near it: what is so small that
// digits are lost.
func weight(s string) (f float64, ok bool) {
	s, _, _ = strings.Cut(s, "\x00")
	if s == "" {
		return 0, true
	}
	s = strings.TrimLeft(s, spaces)
	f, err := scoreIn(s)
	return f, err == nil && !tooFar(f, s) && !losesDigits(f, s)
}

const (
	spaces         = " \t\n\v\f\r"
	smallestNormal = 0x1p-1022 // below it a double has fewer digits
)

// losesDigits says whether f is so small that it is not the number that it was read from. Whether that is
// below the smallest is judged, as there, when it was rounded to as many digits as larger ones have.
func losesDigits(f float64, s string) bool {
	if f = math.Abs(f); f == 0 || f > smallestNormal {
		return false
	}
	if len(s) > maxFloatChars {
		return true
	}
	exact, ok := exactNumber(strings.TrimLeft(s, "+-"))
	if !ok {
		return true
	}
	rounded := new(big.Float).SetPrec(53).SetRat(exact)
	return rounded.Cmp(big.NewFloat(smallestNormal)) < 0 && exact.Cmp(new(big.Rat).SetFloat64(f)) != 0
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
