package glob

import (
	"fmt"
	"strings"
)

// MostBytes is how long a client's pattern may be: a byte of a name takes a step for each 64 bytes of it.
const MostBytes = 1024

// Check says why a client's pattern is not taken, nil when it is.
func Check(pattern string) error {
	if len(pattern) > MostBytes {
		return fmt.Errorf("a pattern has %d bytes at most, and this one has %d; ask for more, and choose among it "+
			"yourself", MostBytes, len(pattern))
	}
	return nil
}

// Match says whether the whole of name matches pattern. Who has many names compiles the pattern.
func Match(pattern, name string) bool { return Compile(pattern).Match(name) }

// Pattern is a pattern made ready. It never changes, so several goroutines may use it.
type Pattern struct {
	prefix string  // the bytes that it begins with
	star   bool    // a star follows them, and that is all
	rest   *states // of what else follows them, nil for nothing
}

// Compile makes a pattern ready. In it * stands for any bytes, ? for one, [abc], [a-z] and [^a-z] for one of
// a class, \ takes the next byte's meaning away. A class that is not closed ends with the pattern. The empty
// name matches the star alone, as in Redis.
func Compile(pattern string) *Pattern {
	prefix, rest := literal(pattern)
	p := &Pattern{prefix: prefix, star: rest == "*"}
	if rest != "" && !p.star {
		p.rest = compile(rest)
	}
	return p
}

// literal cuts off a pattern the beginning that stands for certain bytes, and gives those.
func literal(pattern string) (prefix, rest string) {
	var plain []byte
	for rest = pattern; ; rest = rest[2:] {
		i := strings.IndexAny(rest, `*?[\`)
		if i < 0 {
			return string(append(plain, rest...)), ""
		}
		plain, rest = append(plain, rest[:i]...), rest[i:]
		switch {
		case rest[0] != '\\':
			return string(plain), rest
		case len(rest) == 1:
			return string(append(plain, '\\')), ""
		}
		plain = append(plain, rest[1])
	}
}

// Match says whether the whole of name matches.
func (p *Pattern) Match(name string) bool {
	switch {
	case p.star:
		return strings.HasPrefix(name, p.prefix)
	case p.rest == nil:
		return name == p.prefix
	}
	return name != "" && strings.HasPrefix(name, p.prefix) && p.rest.match(name[len(p.prefix):])
}

// Steps gives how many steps, of about a nanosecond, it takes at most to match a name that begins as it must.
func (p *Pattern) Steps(name string) int {
	if p.rest == nil || !strings.HasPrefix(name, p.prefix) {
		return 0
	}
	return (len(name) - len(p.prefix)) * len(p.rest.stars)
}

// Bytes gives how many bytes the pattern takes in memory beside its text.
func (p *Pattern) Bytes() int {
	if p.rest == nil {
		return 0
	}
	return 8 * (len(p.rest.stars) + len(p.rest.takes))
}
