package users_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/users"
	"pgregory.net/rapid"
)

const hash = "$argon2id$v=19$m=8,t=1,p=1$AAECAwQFBgc$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

func made(t *testing.T, rules string) *users.User {
	t.Helper()
	u, err := users.New("u").With(strings.Fields(rules))
	if err != nil {
		t.Fatal(rules, err)
	}
	return u
}

// What the rules make of a user, in the words of ACL LIST as Redis 7.0 has them.
func TestRules(t *testing.T) {
	for rules, want := range map[string]string{
		"":                             "off resetchannels -@all",
		"on nopass":                    "on nopass resetchannels -@all",
		"on #" + hash:                  "on #" + hash + " resetchannels -@all",
		"nopass #" + hash:              "off #" + hash + " resetchannels -@all",
		"#" + hash + " !" + hash:       "off resetchannels -@all",
		"#" + hash + " nopass":         "off nopass resetchannels -@all",
		"~a* ~b ~a*":                   "off ~a* ~b resetchannels -@all",
		"~a* allkeys ~*":               "off ~* resetchannels -@all",
		"%R~a %W~b %RW~c %wr~d":        "off %R~a %W~b ~c ~d resetchannels -@all",
		"&a &b &a":                     "off resetchannels &a &b -@all",
		"&a allchannels":               "off &* -@all",
		"allchannels resetchannels &x": "off resetchannels &x -@all",
		"+@all -@dangerous +info":      "off resetchannels +@all -@dangerous +info",
		"+get -get +get":               "off resetchannels -@all +get",
		"+config|get -config":          "off resetchannels -@all -config",
		"-config +CONFIG|GET":          "off resetchannels -@all -config +config|get",
		"+get allcommands":             "off resetchannels +@all",
		"+@all nocommands +get":        "off resetchannels -@all +get",
		"on nopass ~* &* +@all reset":  "off resetchannels -@all",
		"sanitize-payload on":          "on resetchannels -@all",
	} {
		if got := made(t, rules).String(); got != "user u "+want {
			t.Errorf("%q makes %q, want %q", rules, got, "user u "+want)
		}
	}
}

func TestRulesThatAreRefused(t *testing.T) {
	for rules, want := range map[string]string{
		"what":                          "'what': Syntax error",
		"%~a":                           "Syntax error",
		"%X~a":                          "Syntax error",
		"%Ra":                           "Syntax error",
		"+":                             "Unknown command",
		"~* ~a":                         "Adding a pattern after the *",
		"&* &a":                         "Adding a pattern after the *",
		"!" + hash:                      "does not exist",
		"#abc":                          "must be one of Argon2id",
		">secret":                       "'>...'",
		"<secret":                       "'<...'",
		"(+get":                         "selectors are not supported",
		"~" + strings.Repeat("x", 1100): "at most",
	} {
		u, err := users.New("u").With(strings.Fields(rules))
		if err == nil || !strings.Contains(err.Message, want) || u != nil {
			t.Errorf("%q: %v, want %q", rules, err, want)
		}
		if err != nil && strings.Contains(err.Message, "secret") {
			t.Errorf("the secret is told: %s", err.Message)
		}
	}
	if _, err := users.New("u").With([]string{""}); err == nil {
		t.Error("an empty rule is taken")
	}
	if err := users.Check(command.New(), []string{"+nosuch"}); err == nil {
		t.Error("a command that does not exist is taken")
	}
	if err := users.Check(command.New(), []string{"+@geo", "+get", "+config|get", "-@all", "on"}); err != nil {
		t.Error(err)
	}
}

func TestNames(t *testing.T) {
	for name, legal := range map[string]bool{"a": true, "a.b-c_d@e/f": true, "": false, "a b": false,
		"a:b": false, ".a": false, "a\x00": false, strings.Repeat("a", 256): false} {
		if err := users.ValidName(name); (err == nil) != legal {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// What is judged, and by which argument. Redis' own answers to DRYRUN are compared in tests/differential.
func TestMay(t *testing.T) {
	table := command.New()
	for _, c := range []struct{ rules, cmd, want string }{
		{"+@all ~a*", "GET a1", "OK"},
		{"+@all ~a*", "GET b", "'b' key"},
		{"+@all ~a*", "MSET a1 x b y", "'b' key"},
		{"+@all %R~a %W~b", "COPY a b", "OK"},
		{"+@all %R~a %W~b", "COPY b a", "'b' key"},
		{"+@all %R~a %W~b", "GETDEL b", "'b' key"},
		{"+@all %R~a %W~b", "SET b 1", "OK"},
		{"+@all %R~a %W~b", "SET b 1 GET", "'b' key"},
		{"+@all %R~a %W~b", "ZUNIONSTORE b 2 a a", "OK"},
		{"+@all %R~a %W~b", "ZUNIONSTORE b 2 a b", "'b' key"},
		{"+@all %R~a %W~b", "SORT a STORE b", "OK"},
		{"+@all %R~a %W~b", "SORT a STORE a", "'a' key"},
		{"+@all %R~a %W~b", "SORT a BY w_* STORE b", "'*' key"},
		{"+@all %R~*", "SORT a BY w_*", "OK"},
		{"+@all ~a*", "CHANGES FROM 0", "'*' key"},
		{"+@all ~a*", "CHANGES FROM 0 MATCH a*", "OK"},
		{"+@all ~a*", "CHANGES FROM 0 MATCH a1*", "'a1*' key"},
		{"+@all ~a*", "CHANGES FROM 0 MATCH a* MATCH b", "'*' key"},
		{"+@all ~a*", "CLIENT TRACKING ON", "OK"},
		{"+@all ~a*", "CLIENT TRACKING ON BCAST", "'*' key"},
		{"+@all ~a*", "CLIENT TRACKING ON PREFIX a BCAST", "OK"},
		{"+@all ~a*", "CLIENT TRACKING ON BCAST PREFIX b", "'b*' key"},
		{"+@all ~a*", "CLIENT TRACKING ON BCAST PREFIX a PREFIX b", "'*' key"},
		{"+@all ~a*", "BLPOP a b 0", "'b' key"},
		{"+@all &caucus:g:app*", "GROUP JOIN app1", "OK"},
		{"+@all &caucus:g:app*", "GROUP JOIN other", "'caucus:g:other' channel"},
		{"+@all &caucus:g:app*", "GROUP LIST", "OK"},
		{"+@all &caucus:g:app*", "GROUP HELP", "OK"},
		{"+@all &caucus:g:app*", "VOTE CALL other what", "'caucus:g:other' channel"},
		{"+@all &caucus:g:app*", "LOCK ACQUIRE x", "'caucus:g:lock/x' channel"},
		{"+@all &caucus:g:lock/x", "LOCK ACQUIRE x", "OK"},
		{"+@all &caucus:g:app*", "GUARD other TERM 1", "'caucus:g:other' channel"},
		{"+@all &caucus:g:app*", "SUBSCRIBE caucus:g:app1", "OK"},
		{"+@all &caucus:g:app*", "SUBSCRIBE caucus:m:app1:me", "OK"},
		{"+@all &caucus:g:app*", "SUBSCRIBE caucus:m:other:me", "channel"},
		{"+@all &caucus:g:app*", "SUBSCRIBE caucus:g:app1 x", "'x' channel"},
		{"+@all &caucus:g:app*", "PSUBSCRIBE caucus:g:app*", "OK"},
		{"+@all &caucus:g:app*", "PSUBSCRIBE caucus:g:app1*", "channel"},
		{"+@all &caucus:g:app*", "PUBLISH x y", "'x' channel"},
		{"+@read ~*", "SET a 1", "'set' command"},
		{"+@all -@dangerous", "KEYS *", "'keys' command"},
		{"+config -config|set", "CONFIG GET x", "OK"},
		{"+config -config|set", "CONFIG SET x y", "'config|set' command"},
		{"-@all", "AUTH x", "OK"},
		{"-@all", "HELLO 3", "OK"},
		{"-@all", "PING", "'ping' command"},
		{"+@group", "GROUP HELP", "'group|help' command"},
	} {
		cmd := strings.Fields(c.cmd)
		spec, err := table.Lookup(cmd)
		if err != nil {
			t.Fatal(c.cmd, err)
		}
		u := made(t, c.rules)
		got := cmp.Or(u.DryRun(spec, cmd), "OK")
		if c.want == "OK" && got != "OK" || !strings.Contains(got, c.want) {
			t.Errorf("%s, %s: %s, want %s", c.rules, c.cmd, got, c.want)
		}
		if (u.Judge(spec, cmd) == nil) != (c.want == "OK") {
			t.Errorf("%s, %s: DRYRUN and the judgement differ", c.rules, c.cmd)
		}
	}
}

// Rules makes again what it describes, and With changes nobody but the one it gives.
func TestRulesMakeTheSameUser(t *testing.T) {
	rule := rapid.SampledFrom([]string{"on", "off", "nopass", "resetpass", "#" + hash, "~a*", "~*", "%R~b",
		"%W~b", "resetkeys", "&c*", "&*", "resetchannels", "+get", "-get", "+@read", "-@all", "+@all",
		"+config|get", "-config", "reset", "allkeys"})
	rapid.Check(t, func(t *rapid.T) {
		u, before := users.New("u"), ""
		for range rapid.IntRange(0, 20).Draw(t, "rules") {
			before = u.String()
			next, err := u.With([]string{rule.Draw(t, "rule")})
			if u.String() != before {
				t.Fatal("the user that was there has changed")
			}
			if err == nil {
				u = next
			}
		}
		again, err := users.New("u").With(u.Rules())
		if err != nil || again.String() != u.String() || !slices.Equal(again.Rules(), u.Rules()) {
			t.Fatalf("%s; made again: %v %v", u, again, err)
		}
	})
}

func TestBook(t *testing.T) {
	var b *users.Book
	if u := b.Find(""); u == nil || u.String() != "user default on nopass ~* &* +@all" || u.Secret() {
		t.Fatal("the default user at first:", u)
	}
	for _, name := range []string{"zoe", "default", "amy"} {
		next, err := b.With(users.New(name))
		if err != nil {
			t.Fatal(err)
		}
		b = next
	}
	names := ""
	for _, u := range b.All() {
		names += u.Name + " "
	}
	if names != "amy default zoe " || b.Find("zoe") == nil || b.Find("nobody") != nil || !b.Find("").Secret() {
		t.Error(names)
	}
	less, gone := b.Without([]string{"zoe", "nobody", "default"})
	if gone != 1 || less.Find("zoe") != nil || less.Find("") == nil || b.Find("zoe") == nil {
		t.Error("removed:", gone, less.All())
	}
}

func FuzzReadHash(f *testing.F) {
	f.Add(hash)
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$WNQ46KMMpPLTdg4b8O/rCA$nZgEdbP0raCsGoyQZ9Air/4ybcakr+IFtVvBNtx5CvQ")
	f.Add("$argon2id$v=19$m=99999999,t=2,p=1$WNQ46KMMpPLTdg4b8O/rCA$nZgEdbP0raCsGoyQZ9Air/4ybcakr+IFtVvBNtx5CvQ")
	f.Fuzz(func(t *testing.T, text string) {
		if h := users.ReadHash(text); h != nil && (h.String() != text || h.KiB > 64<<10 || h.Passes > 8) {
			t.Errorf("%q is read as %+v", text, h)
		}
	})
}
