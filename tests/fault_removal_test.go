package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// caucus runs a verb of the binary at a server, and gives what it printed and its exit status.
func (s *server) caucus(verb ...string) (string, int) {
	s.t.Helper()
	c := nodetest.Command(s.t, nodetest.Binary(s.t), append(verb, "--addr", s.client)...)
	out, err := c.CombinedOutput()
	if _, ended := err.(*exec.ExitError); err != nil && !ended {
		s.t.Fatal(err)
	}
	return string(out), c.ProcessState.ExitCode()
}

// wants runs a verb and expects its exit status and words in what it prints.
func (s *server) wants(status int, verb []string, words ...string) {
	s.t.Helper()
	out, got := s.caucus(verb...)
	for _, w := range words {
		if got != status || !strings.Contains(out, w) {
			s.t.Errorf("caucus %v ended with %d and said %q; want %d and %q", verb, got, out, status, w)
		}
	}
}

func node(words ...string) []string { return append([]string{"node"}, words...) }

// ended waits until a process has stopped by itself, and expects words in what it said.
func (s *server) ended(words ...string) {
	s.t.Helper()
	if status, err := s.now().Status(nodetest.Patience); err != nil || status != 1 {
		s.t.Errorf("%s ended with status %d, %v", s.name, status, err)
	}
	s.wantSaid(words...)
}

// other gives the first node that is not the one.
func other(list []*server, than ...*server) *server {
	for _, s := range list {
		keep := true
		for _, t := range than {
			keep = keep && s != t
		}
		if keep {
			return s
		}
	}
	return nil
}

// A removed node stops and says so, also when it is started again; with a new directory it comes in.
func TestRemovedNode(t *testing.T) {
	t.Parallel()
	list := ensemble(t, 3)
	lead := leader(t, list)
	gone := other(list, lead)
	rest := other(list, lead, gone)
	rest.wants(0, node("remove", gone.name), gone.name+" is removed")
	gone.ended("was removed from the ensemble", gone.dir, "remove the directory to let the node join anew")
	lead.do("SET", "with", "two")
	rest.has("with", "two")
	lead.hears("two voters tolerate no loss")
	rest.wants(0, node("list"), "warning: two voters tolerate no loss")
	if got := lead.names(); len(got) != 2 {
		t.Errorf("the nodes are %v", got)
	}
	gone.refuses("was removed from the ensemble", "remove the directory")
	rest.wants(1, node("remove", gone.name), "ERR no such node '"+gone.name+"'; the nodes are")
	if err := os.RemoveAll(gone.dir); err != nil {
		t.Fatal(err)
	}
	gone.start("--join", rest.client)
	gone.votes()
	gone.has("with", "two")
}

// The leader is asked to remove itself: it hands over, its successor removes it, and it answers
// before it stops.
func TestLeaderRemovesItself(t *testing.T) {
	t.Parallel()
	list := ensemble(t, 3)
	lead := leader(t, list)
	lead.wants(0, node("remove", lead.name), lead.name+" is removed")
	lead.ended("was removed from the ensemble")
	rest := other(list, lead)
	rest.do("SET", "without", lead.name)
	if got := rest.names(); len(got) != 2 {
		t.Errorf("the nodes are %v", got)
	}
}

// A dead node can be removed while what remains is a quorum, and not otherwise.
func TestRemovalOfTheDead(t *testing.T) {
	t.Parallel()
	list := ensemble(t, 3)
	lead := leader(t, list)
	dead := other(list, lead)
	rest := other(list, lead, dead)
	dead.kill()
	eventually(t, "it is missed", func() bool {
		out, _ := rest.caucus("node", "list")
		return strings.Contains(out, "unreachable") && strings.Contains(out, "caucus node remove")
	})
	rest.wants(1, node("remove", rest.name), "TRYAGAIN", "there would be no quorum", "caucus recover --data DIR")
	rest.wants(0, node("remove", dead.name), dead.name+" is removed")
	rest.wants(0, node("remove", lead.name), lead.name+" is removed")
	lead.ended("was removed")
	rest.do("SET", "alone", "again")
	rest.wants(1, node("remove", rest.name), "ERR "+rest.name+" is the last node", "remove its data directory")
	rest.wants(1, node("transfer", "nobody"), "ERR no such node 'nobody'; the nodes are "+rest.name)
	dead.refuses("was removed from the ensemble") // also long after, when it asks
}

// Without a quorum the answer is certain, and says what helps.
func TestRemovalWithoutAQuorum(t *testing.T) {
	t.Parallel()
	list := ensemble(t, 2, "--request-timeout", "2s")
	list[1].kill()
	eventually(t, "nobody leads", func() bool {
		out, _ := list[0].caucus("node", "list")
		return strings.Contains(out, "no leader is known") && strings.Contains(out, "n1")
	})
	list[0].wants(1, node("remove", "n2"), "TRYAGAIN", "caucus recover --data DIR")
	list[1].start()
	list[1].do("SET", "both", "again")
}

// A voter whose directory is gone comes back under its name and address as a learner, and takes the
// place of the one that it was by one change.
func TestB4WipedNodeReturns(t *testing.T) {
	t.Parallel()
	list := ensemble(t, 3)
	list[0].do("SET", "before", "the loss")
	lead := leader(t, list)
	wiped := other(list, lead)
	wiped.kill()
	if err := os.RemoveAll(wiped.dir); err != nil {
		t.Fatal(err)
	}
	wiped.start("--join", lead.client)
	wiped.votes()
	wiped.has("before", "the loss")
	eventually(t, "three nodes are left", func() bool { return len(lead.names()) == 3 })
	rest := other(list, lead, wiped)
	rest.kill()
	wiped.do("SET", "needs", "the new one")
	lead.has("needs", "the new one")
	rest.start()
}

// From another address a new directory may not take a name, unless ADD_NODE has said so.
func TestB4ReplacedElsewhere(t *testing.T) {
	t.Parallel()
	list := ensemble(t, 3)
	lead := leader(t, list)
	dead := other(list, lead)
	rest := other(list, lead, dead)
	dead.kill()
	fresh := newServer(t, dead.name, "--join", rest.client)
	fresh.refuses("CONFLICT", `the name "`+dead.name+`" belongs to node`, "caucus node remove "+dead.name)
	eventually(t, "the name is reserved", func() bool {
		_, status := rest.caucus("node", "add", dead.name, fresh.client)
		return status == 0
	})
	leader(t, []*server{lead, rest}).wants(0, node("transfer", rest.name), rest.name+" leads")
	fresh.start()
	fresh.votes()
	eventually(t, "three nodes are left", func() bool { return len(rest.names()) == 3 })
	dead.refuses("was removed from the ensemble")
	rest.wants(1, node("add", lead.name, "127.0.0.1:1"), "CONFLICT "+lead.name+" is a node at "+lead.client,
		"127.0.0.1:1")
	rest.wants(1, node("add", "x", lead.client), "CONFLICT at "+lead.client+" is "+lead.name+", which answers")
	rest.wants(0, node("add", "x", "127.0.0.1:1"), "x is expected at 127.0.0.1:1")
	rest.wants(0, node("list"), "expected: x at 127.0.0.1:1; if it is not to come: caucus node remove x")
	rest.wants(0, node("remove", "x"), "x is removed")
	if out, _ := rest.caucus("node", "list"); strings.Contains(out, "expected") {
		t.Errorf("a name that was taken back is shown: %s", out)
	}
	rest.wants(1, node("add", "x!", "127.0.0.1:1"), "ERR 'x!' is not the name of a node")
	rest.wants(1, node("add", "x", "there"), "ERR 'there' is not the client address of a node, host:port")
}

// The directory of a node as it was some starts ago has forgotten what it promised.
func TestB19RestoredDirectory(t *testing.T) {
	t.Parallel()
	list := ensemble(t, 3)
	s := list[2]
	s.kill()
	old := filepath.Join(t.TempDir(), "backup")
	if err := os.CopyFS(old, os.DirFS(s.dir)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s.start()
		s.do("SET", "since", "then")
		s.kill()
	}
	s.dir = old
	s.refuses("turns this one away", "its data directory is an old copy", "let the node join anew")
	list[0].do("SET", "without", "the copy")
}

// Two processes that run on copies of one directory are no two nodes.
func TestB19CopiedDirectory(t *testing.T) {
	t.Parallel()
	list := ensemble(t, 3)
	s := list[2]
	s.kill()
	twin := newServer(t, s.name)
	if err := os.CopyFS(twin.dir, os.DirFS(s.dir)); err != nil {
		t.Fatal(err)
	}
	s.start()
	s.do("SET", "first", "come")
	s.votes()
	twin.refuses("turns this one away", "its data directory was copied")
	s.do("SET", "still", "there")
}
