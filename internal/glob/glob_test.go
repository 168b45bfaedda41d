package glob_test

import (
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/glob"
	"pgregory.net/rapid"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"**", "", false}, {"*", "anything/at all", true},
		{"h?llo", "hello", true}, {"h?llo", "hllo", false},
		{"h*llo", "heeeello", true}, {"h*llo", "hllo", true}, {"h*llo", "hell", false},
		{"h[ae]llo", "hallo", true}, {"h[ae]llo", "hillo", false},
		{"h[^e]llo", "hallo", true}, {"h[^e]llo", "hello", false},
		{"h[a-c]llo", "hbllo", true}, {"h[c-a]llo", "hbllo", true}, {"h[a-c]llo", "hdllo", false},
		{`h\*llo`, "h*llo", true}, {`h\*llo`, "hello", false}, {`[\]]`, "]", true},
		{"[", "[", false}, {"[a", "a", true}, {"[^", "a", true}, {`\`, `\`, true}, {"[a-", "-", true},
		{"a*b*c", "a-b-b-c", true}, {"a*b*c", "acb", false}, {"**a", "a", true}, {"a", "ab", false},
	} {
		if got := glob.Match(c.pattern, c.name); got != c.want {
			t.Errorf("Match(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
}

// Redis' own definition, written down plainly: a star takes nothing, or one byte and goes on.
func plain(p, s string) bool {
	switch {
	case p == "":
		return s == ""
	case p[0] == '*':
		return plain(p[1:], s) || s != "" && plain(p, s[1:])
	case s == "":
		return false
	case p[0] == '?':
		return plain(p[1:], s[1:])
	case p[0] == '\\' && len(p) > 1:
		return p[1] == s[0] && plain(p[2:], s[1:])
	}
	return p[0] == s[0] && plain(p[1:], s[1:])
}

func TestMatchIsTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.StringMatching(`[ab*?\\]{0,10}`).Draw(t, "pattern")
		s := rapid.StringMatching(`[ab*\\]{0,10}`).Draw(t, "name")
		if got := glob.Match(p, s); got != (plain(p, s) && (s != "" || len(p) < 2)) {
			t.Fatalf("Match(%q, %q) = %v", p, s, got)
		}
	})
}

// FuzzMatch compares with the definition, written down once more: elements, each of which is any bytes or
// one of a set, and for each of them which beginnings of the name it can end with.
func FuzzMatch(f *testing.F) {
	for _, c := range [][2]string{
		{"h[a-c]*\\", "hallo"}, {"*a*b*c", "xaxbxc"}, {"[^a-z]?", "A1"}, {"[]x", "x"},
		{"[\\]-]*", "]-]"}, {"[a-", "-"}, {"[^", "any"}, {"caucus:g:*", "caucus:g:workers"}, {"\xff*", "\xff\x00"},
	} {
		f.Add(c[0], c[1])
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if len(pattern)*len(name) > 1<<20 {
			return // the definition takes so many steps; TestLongPatterns has longer ones
		}
		if got, want := glob.Match(pattern, name), defined(pattern, name); got != want {
			t.Errorf("Match(%q, %q) = %v, and the definition says %v", pattern, name, got, want)
		}
	})
}

// element is one of a pattern's: a star, or what one byte may be.
type element struct {
	star bool
	may  [256]bool
}

func defined(pattern, name string) bool {
	if name == "" {
		return pattern == "" || pattern == "*"
	}
	ends := make([]bool, len(name)+1) // of what has matched so far
	ends[0] = true
	for len(pattern) > 0 {
		var e element
		e, pattern = cutElement(pattern)
		next := make([]bool, len(name)+1)
		for at := range next {
			if e.star {
				next[at] = ends[at] || at > 0 && next[at-1]
			} else {
				next[at] = at > 0 && ends[at-1] && e.may[name[at-1]]
			}
		}
		ends = next
	}
	return ends[len(name)]
}

func cutElement(pattern string) (e element, rest string) {
	first, rest := pattern[0], pattern[1:]
	switch {
	case first == '*':
		e.star = true
	case first == '?':
		for i := range e.may {
			e.may[i] = true
		}
	case first == '[':
		return cutClass(rest)
	case first == '\\' && rest != "":
		e.may[rest[0]] = true
		rest = rest[1:]
	default:
		e.may[first] = true
	}
	return e, rest
}

func cutClass(rest string) (e element, _ string) {
	rest, negated := strings.CutPrefix(rest, "^")
	for rest != "" && rest[0] != ']' {
		from, to, width := rest[0], rest[0], 1
		switch {
		case from == '\\' && len(rest) > 1:
			from, to, width = rest[1], rest[1], 2
		case len(rest) > 2 && rest[1] == '-':
			to, width = rest[2], 3
		}
		for c := int(min(from, to)); c <= int(max(from, to)); c++ {
			e.may[c] = true
		}
		rest = rest[width:]
	}
	for i := range e.may {
		e.may[i] = e.may[i] != negated
	}
	return e, strings.TrimPrefix(rest, "]")
}

// Elements enough for many words of states, of which those about a word's end matter.
func TestLongPatternsAreTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		element := rapid.SampledFrom([]string{"a", "b", "?", "*", "[ab]", "[^b]", `\a`})
		p := strings.Join(rapid.SliceOfN(element, 50, 300).Draw(t, "pattern"), "")
		s := rapid.StringMatching(`[ab]{50,300}`).Draw(t, "name")
		if rapid.Bool().Draw(t, "begins the name") {
			s = strings.NewReplacer("?", "a", "*", "ba", "[ab]", "b", "[^b]", "a", `\a`, "a").Replace(p)
		}
		if got := glob.Match(p, s); got != defined(p, s) {
			t.Fatalf("Match(%q, %q) = %v", p, s, got)
		}
	})
}

// Patterns with which a matcher that tries everything never comes to an end, and one that goes back to its
// last star takes a step for each byte of the pattern and each of the name.
func TestLongPatterns(t *testing.T) {
	name := strings.Repeat("a", 1<<20)
	for _, pattern := range []string{
		strings.Repeat("*a", 500) + "b", strings.Repeat("*", 1000) + "b", "*" + strings.Repeat("a", 1000) + "b*",
		"*" + strings.Repeat("?", 1000) + "b*", "*" + strings.Repeat("[a-z]", 200) + "b",
		"*[" + strings.Repeat("b", 1000) + "]", "*[" + strings.Repeat("b", 1000),
	} {
		p := glob.Compile(pattern)
		if p.Match(name) {
			t.Errorf("%.20s... matches", pattern)
		}
		if got, most := p.Steps(name), (len(pattern)/64+1)*len(name); got > most {
			t.Errorf("%.20s... takes %d steps", pattern, got)
		}
		if !glob.Match(pattern+"*", name+"b") {
			t.Errorf("%.20s...* does not match", pattern)
		}
	}
}

func TestCheck(t *testing.T) {
	if err := glob.Check(strings.Repeat("*", glob.MostBytes)); err != nil {
		t.Error(err)
	}
	if glob.Check(strings.Repeat("a", glob.MostBytes+1)) == nil {
		t.Error("a longer one is taken")
	}
}

// What stands for itself in the beginning takes no memory but its text.
func TestPrefixesAreSmall(t *testing.T) {
	for _, pattern := range []string{"", "*", "user:*", `caucus:t:a\*b\[\\*`, "whole", `end\`} {
		if n := glob.Compile(pattern).Bytes(); n != 0 {
			t.Errorf("%q takes %d bytes", pattern, n)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	long := strings.Repeat("a", 1<<10)
	for _, c := range []struct{ name, pattern, of string }{
		{"prefix", "user:*", "user:1000:name"}, {"other", "user:*", "session:1000"},
		{"middle", "*:1000:*", "user:1000:name"}, {"class", "user:[0-9]*:name", "user:1000:name"},
		{"hostile", "*" + strings.Repeat("a", 1000) + "b*", long},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			p := glob.Compile(c.pattern)
			for b.Loop() {
				p.Match(c.of)
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		glob.Compile("user:[0-9]*:name")
	}
}
