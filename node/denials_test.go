package node_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/nodetest"
)

// denied gives what ACL LOG tells at a node, sorted, a line each, and what is told of the connections.
func denied(t *testing.T, l *nodetest.Line) (lines []string, about string) {
	t.Helper()
	r, err := l.Do("ACL", "LOG", "100")
	if err != nil || r.Kind != caucus.KindArray {
		t.Fatal(r, err)
	}
	for _, one := range r.Items {
		var words []string
		for _, name := range []string{"count", "reason", "context", "object", "username"} {
			words = append(words, one.Field(name).Text())
		}
		lines = append(lines, strings.Join(words, " "))
		about += one.Field("client-info").Str + "\n"
	}
	slices.Sort(lines)
	return lines, about
}

// Each node tells what it has denied, by whatever door, and to whom; passwords stay out of it.
func TestANodeTellsWhatItHasDenied(t *testing.T) {
	nodes := nodetest.InProcess(t, 2, nil)
	admin := lineOf(t, nodes[0], "ACL SETUSER app on >secret ~app:* resetchannels &app +@all -@dangerous")
	l := lineOf(t, nodes[0], "AUTH app secret", "CLIENT SETNAME worker")
	play(t, l, [2]string{"GET other", "-NOPERM"}, [2]string{"SET other v", "-NOPERM"},
		[2]string{"GET app:1", ""}, [2]string{"MULTI", "OK"}, [2]string{"GET other", "-NOPERM"},
		[2]string{"EXEC", "-EXECABORT"}, [2]string{"CLIENT LIST", "-NOPERM"}, [2]string{"CONFIG GET *", "-NOPERM"},
		[2]string{"SUBSCRIBE news", "-NOPERM"}, [2]string{"GROUP JOIN else", "-NOPERM"},
		[2]string{"ACL LOG", "-NOPERM"}, [2]string{"HELLO 3 AUTH app hidden", "-WRONGPASS"},
		[2]string{"AUTH nobody hidden", "-WRONGPASS"})
	_, _, addr := nodes[0].Addresses()
	for password, status := range map[string]int{"secret": 403, "hidden": 401} {
		if got := asked(t, "http://"+addr+"/metrics", "app", password); got != status {
			t.Errorf("over HTTP: %d, want %d", got, status)
		}
	}
	want := []string{"1 auth toplevel AUTH nobody", "1 auth toplevel HELLO app", "1 auth toplevel HTTP app",
		"1 channel toplevel caucus:g:else app", "1 channel toplevel news app", "1 command toplevel acl|log app",
		"1 command toplevel client|list app", "1 command toplevel config|get app", "1 command toplevel info app",
		"1 key multi other app", "2 key toplevel other app"}
	got, about := denied(t, admin)
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for _, word := range []string{"name=worker", "user=app", "addr=127.0.0.1:", "cmd=http"} {
		if !strings.Contains(about, word) {
			t.Errorf("no %q in\n%s", word, about)
		}
	}
	if text := fmt.Sprint(got, about); strings.Contains(text, "hidden") || strings.Contains(text, "secret") {
		t.Errorf("a password is told: %s", text)
	}
	if got, _ := denied(t, lineOf(t, nodes[1])); len(got) != 0 {
		t.Errorf("the other node tells %q", got)
	}
	play(t, admin, [2]string{"ACL LOG RESET", "OK"})
	if got, _ := denied(t, admin); len(got) != 0 {
		t.Errorf("after a reset: %q", got)
	}
}
