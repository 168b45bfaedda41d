package glob

const kinds = 256 // of bytes

// states are what one can have matched of a pattern: its first i elements, for each i, a star being none of
// them. A set of states is bits, 64 to a word.
type states struct {
	last  int      // the state in which all is matched
	stars []uint64 // the states behind which a star stands, so that any byte may be passed over there
	takes []uint64 // for each byte the states whose next element it matches
}

// match says whether a whole name leads from the first state to the last.
func (s *states) match(name string) bool {
	switch {
	case len(name) < s.last:
		return false
	case len(s.stars) == 1:
		return s.matchShort(name)
	}
	var room [MostBytes/64 + 1]uint64
	at := append(room[:0], make([]uint64, len(s.stars))...)
	at[0] = 1
	for i := range len(name) {
		takes := s.takes[int(name[i])*len(at):][:len(at)]
		var carry, any uint64
		for w, was := range at {
			on := was & takes[w]
			at[w] = on<<1 | carry | was&s.stars[w]
			carry = on >> 63
			any |= at[w]
		}
		if any == 0 {
			return false
		}
	}
	return at[s.last/64]>>(s.last%64)&1 == 1
}

// matchShort is match for a pattern whose states are one word.
func (s *states) matchShort(name string) bool {
	takes, stars := (*[kinds]uint64)(s.takes), s.stars[0]
	at := uint64(1)
	for i := 0; i < len(name) && at != 0; i++ {
		at = at&takes[name[i]]<<1 | at&stars
	}
	return at>>s.last&1 == 1
}

// compile makes the states of a pattern.
func compile(pattern string) *states {
	words := len(pattern)/64 + 1
	s := &states{stars: make([]uint64, words), takes: make([]uint64, kinds*words)}
	for len(pattern) > 0 {
		if pattern[0] == '*' {
			s.stars[s.last/64] |= 1 << (s.last % 64)
			pattern = pattern[1:]
			continue
		}
		pattern = pattern[s.element(pattern):]
		s.last++
	}
	return s
}

// element adds the first of a pattern, and says how many bytes it has.
func (s *states) element(pattern string) (width int) {
	switch c := pattern[0]; {
	case c == '?':
		for c := range kinds {
			s.take(byte(c))
		}
	case c == '[':
		width, of := class(pattern)
		for c, in := range of {
			if in {
				s.take(byte(c))
			}
		}
		return width
	case c == '\\' && len(pattern) > 1:
		s.take(pattern[1])
		return 2
	default:
		s.take(c)
	}
	return 1
}

// take notes that a byte matches the next element.
func (s *states) take(c byte) {
	s.takes[int(c)*len(s.stars)+s.last/64] |= 1 << (s.last % 64)
}

// class reads the class at the beginning of a pattern: how many bytes it has, and which are in it.
func class(pattern string) (width int, of [kinds]bool) {
	i := 1
	negated := i < len(pattern) && pattern[i] == '^'
	if negated {
		i++
	}
	for ; i < len(pattern) && pattern[i] != ']'; i++ {
		from, to := pattern[i], pattern[i]
		switch {
		case from == '\\' && i+1 < len(pattern):
			i++
			from, to = pattern[i], pattern[i]
		case i+2 < len(pattern) && pattern[i+1] == '-':
			i += 2
			to = pattern[i]
		}
		for c := int(min(from, to)); c <= int(max(from, to)); c++ {
			of[c] = true
		}
	}
	for c := range of {
		of[c] = of[c] != negated
	}
	return min(i+1, len(pattern)), of
}
