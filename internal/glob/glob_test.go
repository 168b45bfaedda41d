package glob_test

import (
	"testing"

	"github.com/caucus-project/caucus/internal/glob"
	"pgregory.net/rapid"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"*", "anything/at all", true},
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
		if got := glob.Match(p, s); got != plain(p, s) {
			t.Fatalf("Match(%q, %q) = %v", p, s, got)
		}
	})
}

func FuzzMatch(f *testing.F) {
	f.Add("h[a-c]*\\", "hallo")
	f.Fuzz(func(_ *testing.T, pattern, name string) { glob.Match(pattern, name) })
}
