package differential

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
)

// TestDryRunIsLikeRedis makes users by rules that are drawn, and asks both servers what they may do.
func TestDryRunIsLikeRedis(t *testing.T) {
	both := &pair{a: theirs(t), b: here(t)}
	gens := known(generators())
	names := slices.Sorted(maps.Keys(gens))
	rules := strings.Fields("+@all -@all +@read -@write +@string +@hash -@list +@sortedset -@dangerous " +
		"+@keyspace +@fast -@slow +@blocking +@transaction +@connection +get -set +object|freq -object +object " +
		"~s* ~h1 ~*1 ~* %R~?* %W~?* %R~t* %W~z* %R~l? resetkeys")
	for round := range uint64(60) {
		d := newDraw(*seed, round, 2)
		user := []string{"ACL", "SETUSER", "u", "reset"}
		for range 1 + d.IntN(8) {
			user = append(user, d.of(rules...))
		}
		cmds := []caucus.Command{user}
		for range 150 {
			for _, cmd := range gens[d.of(names...)](d) {
				// In Redis' ACL no * matches the empty name; and what SORT would read is judged there when it is run.
				star := strings.HasPrefix(cmd[0], "SORT") && strings.Contains(strings.Join(cmd, " "), "*")
				if !slices.Contains(cmd, "") && !star && !miscounted(cmd) {
					cmds = append(cmds, append(caucus.Command{"ACL", "DRYRUN", "u"}, cmd...))
				}
			}
		}
		a, b, err := both.say(cmds)
		if err != nil {
			t.Fatal(err)
		}
		for i, cmd := range cmds {
			if !sameJudgement(a[i], b[i]) {
				t.Errorf("-seed %d, %s\n%s\n  %q\n  %q", *seed, quote(user), quote(cmd), a[i], b[i])
			}
		}
		if t.Failed() {
			break
		}
	}
}

// miscounted says whether a command has not so many keys as it says: then Redis looks at none of them.
func miscounted(cmd caucus.Command) bool {
	s, err := command.New().Lookup(cmd)
	if err != nil || s.Counted == 0 || s.First == 0 {
		return false
	}
	n, problem := strconv.Atoi(cmd[s.Counted])
	return problem != nil || n < 1 || n > len(cmd)-s.Counted-1
}

// sameJudgement compares two answers. Of several keys that are refused Redis may name another one, and what
// is wrong with a command otherwise is for other tests.
func sameJudgement(a, b string) bool {
	if a == b || strings.HasPrefix(a, "-") && strings.HasPrefix(b, "-") {
		return true
	}
	const key = "This user has no permissions to access the '"
	return strings.Contains(a, key) && strings.Contains(b, key)
}

// TestCategoriesAreThoseOfRedis compares in which categories each command is.
func TestCategoriesAreThoseOfRedis(t *testing.T) {
	both := &pair{a: theirs(t), b: here(t)}
	cats, err := both.a.say([]caucus.Command{{"ACL", "CAT"}})
	if err != nil {
		t.Fatal(err)
	}
	table := command.New()
	for _, category := range parse(cats[0]).Items {
		cmd := []caucus.Command{{"ACL", "CAT", category.Str}}
		a, b, err := both.say(cmd)
		if err != nil {
			t.Fatal(err)
		}
		want, got := texted(parse(a[0])), texted(parse(b[0]))
		for _, name := range want {
			if table.Has(name) && !slices.Contains(table.Containers(), name) && !slices.Contains(got, name) {
				t.Errorf("%s is in @%s in Redis", name, category.Str)
			}
		}
		for _, name := range got {
			s := table.Row(name)
			theirs := s.Since[0] < '7' && s.Group != "sentinel" // which there is at a Sentinel only
			if theirs && !slices.Contains(want, name) {
				t.Errorf("%s is not in @%s in Redis", name, category.Str)
			}
		}
	}
}

func texted(r caucus.Reply) (all []string) {
	for _, item := range r.Items {
		all = append(all, item.Str)
	}
	return all
}

// TestDenialsAreToldLikeRedis has a user try what he may not, and strangers to come in, and compares what
// ACL LOG tells then, in one pipeline and in pieces.
func TestDenialsAreToldLikeRedis(t *testing.T) {
	both := &pair{a: theirs(t), b: here(t)}
	var cmds []caucus.Command
	for line := range strings.SplitSeq("ACL SETUSER u on >p ~a* resetchannels &a* +@all -flushall -config|set;"+
		"AUTH u wrong;AUTH nosuch wrong;HELLO 3 AUTH u bad;AUTH u p;GET b;GET b;GETRANGE b 0 1;MGET a b c;MULTI;"+
		"GET b;EXEC;FLUSHALL;CONFIG SET maxmemory 0;PUBLISH x y;PUBLISH x z;PSUBSCRIBE a1*;GET b;ACL LOG 100;"+
		"ACL LOG -1;ACL LOG 0;ACL LOG x;ACL LOG;ACL LOG 2;ACL LOG Reset;ACL LOG;GET c;ACL LOG;CONFIG GET acllog*;"+
		"MULTI;SUBSCRIBE x;ECHO a;EXEC;ACL LOG;AUTH default any;ACL DELUSER u;ACL LOG 1 2;ACL LOG 1", ";") {
		cmds = append(cmds, strings.Fields(line))
	}
	for _, whole := range []bool{true, false} {
		pieces := slices.Collect(slices.Chunk(cmds, 1))
		if whole {
			pieces = [][]caucus.Command{cmds}
		}
		for _, piece := range pieces {
			a, b, err := both.say(piece)
			if err != nil {
				t.Fatal(err)
			}
			for i, cmd := range piece {
				if got, want := told(b[i]), told(a[i]); got != want {
					t.Errorf("%s, whole %v:\n  %s\n  %s", quote(cmd), whole, want, got)
				}
			}
		}
		if _, _, err := both.say([]caucus.Command{{"ACL", "LOG", "RESET"}}); err != nil {
			t.Fatal(err)
		}
	}
}

// told gives a reply without what differs from server to server: errors by their first word, and of denials
// when, and on which connection.
func told(raw string) string {
	r := parse(raw)
	if r.Kind == caucus.KindError {
		return strings.Fields(r.Str)[0]
	}
	for _, one := range r.Items {
		for i := range one.Items {
			if i > 0 && slices.Contains([]string{"age-seconds", "client-info"}, one.Items[i-1].Str) {
				one.Items[i] = caucus.Nil()
			}
		}
	}
	return fmt.Sprint(r)
}
