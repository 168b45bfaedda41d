package machine

import (
	"math/big"
	"strings"

	"github.com/caucus-project/caucus"
)

// Redis adds with the long double of x86: 64 bits of precision, so that 0.1 + 0.2 is 0.3 there. math/big does
// the same on every machine (SAFETY B9).
const (
	longDoubleBits = 64
	maxExponent    = 16_384  // a value is below 2 to this power
	minExponent    = -16_445 // what is smaller is rounded to nothing
	maxFloatChars  = 5 * 1024
)

// incrByFloat carries out INCRBYFLOAT. The key's end stays.
func incrByFloat(c *call) caucus.Reply {
	it, ok, err := c.text(c.args[1])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	sum := new(big.Float).SetPrec(longDoubleBits)
	if ok {
		if sum, ok = longDouble(it.text); !ok {
			return notFloat()
		}
	}
	by, ok := longDouble(c.args[2])
	if !ok {
		return notFloat()
	}
	if sum.IsInf() || by.IsInf() || sum.Add(sum, by).MantExp(nil) > maxExponent {
		return caucus.Fail(caucus.ErrBad, "increment would produce NaN or Infinity")
	}
	result := humanFloat(sum)
	c.m.put(wordIncrByFloat, c.args[1], text(result), it.expireAt)
	return caucus.Bulk(result)
}

func notFloat() caucus.Reply { return caucus.Fail(caucus.ErrBad, "value is not a valid float") }

// longDouble reads a number as strtold does, to the nearest of 64 bits.
func longDouble(s string) (*big.Float, bool) {
	if len(s) >= maxFloatChars {
		return nil, false
	}
	f := new(big.Float).SetPrec(longDoubleBits)
	unsigned := strings.TrimPrefix(strings.TrimPrefix(s, "-"), "+")
	if len(s)-len(unsigned) > 1 {
		return nil, false
	}
	if strings.EqualFold(unsigned, "inf") || strings.EqualFold(unsigned, "infinity") {
		return f.SetInf(s[0] == '-'), true
	}
	exact, ok := exactNumber(unsigned)
	if !ok {
		return nil, false
	}
	f.SetRat(exact)
	if e := f.MantExp(nil); f.Sign() != 0 && (e > maxExponent || e < minExponent) {
		return nil, false
	}
	if s[0] == '-' {
		f.Neg(f)
	}
	return f, true
}

// exactNumber reads digits with an optional point and exponent, decimal, or hexadecimal after 0x.
func exactNumber(s string) (*big.Rat, bool) {
	digits, exponent, most := "0123456789", "eE", 4
	hexadecimal := len(s) > 1 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X')
	rest := s
	if hexadecimal {
		digits, exponent, most = "0123456789abcdefABCDEF", "pP", 5
		rest = s[2:]
	}
	mantissa, power := rest, "0"
	if i := strings.IndexAny(rest, exponent); i >= 0 {
		mantissa, power = rest[:i], rest[i+1:]
	}
	if !plainDigits(mantissa, digits) || !plainPower(power, most) {
		return nil, false
	}
	if hexadecimal && len(mantissa) == len(rest) {
		s += "p0" // what strtold may leave out and math/big may not
	}
	return new(big.Rat).SetString(s)
}

// plainDigits says whether s is at least one digit, with at most one point somewhere.
func plainDigits(s, digits string) bool {
	s = strings.Replace(s, ".", "", 1)
	return s != "" && strings.Trim(s, digits) == ""
}

// plainPower says whether s is an exponent of a size that can come to a number at all, and soon.
func plainPower(s string, most int) bool {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	return plainDigits(s, "0123456789") && !strings.Contains(s, ".") && len(strings.TrimLeft(s, "0")) <= most
}

// humanFloat writes a number with up to 17 digits after the point and no trailing zeros.
func humanFloat(f *big.Float) string {
	s := f.Text('f', 17)
	s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	if s == "-0" {
		return "0"
	}
	return s
}
