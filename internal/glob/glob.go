package glob

// Match says whether the whole of name matches pattern. In a pattern * stands for any bytes, ? for one,
// [abc], [a-z] and [^a-z] for one of a class, \ takes the next byte's meaning away. A class that is not
// closed ends with the pattern. The empty name matches the star alone, as in Redis. Match takes at most
// O(len(pattern) * len(name)) steps.
func Match(pattern, name string) bool {
	if name == "" {
		return pattern == "" || pattern == "*"
	}
	p, n := 0, 0
	star, mark := -1, 0 // after the last star: what follows it in the pattern, and where it is tried
	for n < len(name) {
		if p < len(pattern) && pattern[p] == '*' {
			p++
			star, mark = p, n
			continue
		}
		if width, ok := one(pattern[p:], name[n]); ok {
			p += width
			n++
			continue
		}
		if star < 0 {
			return false
		}
		mark++
		p, n = star, mark
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// one says whether c matches the first element of the pattern, and how many bytes that element has.
func one(pattern string, c byte) (width int, ok bool) {
	if pattern == "" {
		return 0, false
	}
	switch pattern[0] {
	case '?':
		return 1, true
	case '[':
		return class(pattern, c)
	case '\\':
		if len(pattern) > 1 {
			return 2, pattern[1] == c
		}
	}
	return 1, pattern[0] == c
}

// class matches c against the class at the beginning of the pattern.
func class(pattern string, c byte) (width int, ok bool) {
	i := 1
	negated := i < len(pattern) && pattern[i] == '^'
	if negated {
		i++
	}
	for ; i < len(pattern) && pattern[i] != ']'; i++ {
		switch {
		case pattern[i] == '\\' && i+1 < len(pattern):
			i++
			ok = ok || pattern[i] == c
		case i+2 < len(pattern) && pattern[i+1] == '-':
			from, to := pattern[i], pattern[i+2]
			ok = ok || min(from, to) <= c && c <= max(from, to)
			i += 2
		default:
			ok = ok || pattern[i] == c
		}
	}
	return min(i+1, len(pattern)), ok != negated
}
