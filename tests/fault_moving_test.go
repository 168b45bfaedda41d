package tests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
)

// moves gives a stopped server other addresses, and takes its hints away.
func (s *server) moves() {
	s.client, s.peer, s.flags = nodetest.FreeAddress(s.t), nodetest.FreeAddress(s.t), nil
}

// role gives what a server says of another node.
func (s *server) role(name string) string {
	rows, ok := s.do("ENSEMBLE", "NODES").([]any)
	if !ok {
		s.t.Fatal("ENSEMBLE NODES is no list")
	}
	for _, row := range rows {
		fields := row.([]any)
		if fields[1] == name {
			return fields[5].(string)
		}
	}
	return ""
}

// All addresses have changed, nobody knows where anybody is, and too few are up for a quorum. One hint
// brings two together. What they have learnt is on their disks: started anew without any hint they find
// each other, and then one more hint brings all together.
func TestB19AddressesWithoutAQuorum(t *testing.T) {
	t.Parallel()
	list := ensemble(t, 4)
	list[0].do("SET", "before", "the move")
	for _, s := range list {
		s.kill()
		s.moves()
	}
	one, two := list[0], list[1]
	one.start()
	two.start("--join", one.client)
	meets := func(a, b *server) {
		t.Helper()
		eventually(t, a.name+" reaches "+b.name, func() bool { return a.role(b.name) != "unreachable" })
	}
	meets(one, two)
	meets(two, one)
	if one.report().State == "l" || two.report().State == "l" {
		t.Fatal("two of four have a leader; the test shows nothing")
	}
	written := func(s *server, addr string) {
		t.Helper()
		eventually(t, s.name+" has noted "+addr, func() bool {
			text, err := os.ReadFile(filepath.Join(s.dir, "book"))
			return err == nil && strings.Contains(string(text), addr)
		})
	}
	written(one, two.peer)
	written(two, one.peer)
	one.kill()
	two.kill()
	one.start()
	two.start()
	meets(one, two)
	meets(two, one)
	list[2].start("--join", one.client)
	list[3].start("--join", one.client)
	list[3].do("SET", "after", "the move")
	for _, s := range list {
		s.has("after", "the move")
		s.kill()
	}
	for _, s := range list { // all of them, with no hint at all
		s.start()
	}
	list[2].do("SET", "again", "without a hint")
	list[1].has("before", "the move")
}

// The book is a help and no more: a damaged one is passed over with a word.
func TestB19DamagedBook(t *testing.T) {
	t.Parallel()
	list := ensemble(t, 2)
	s := list[1]
	path := filepath.Join(s.dir, "book")
	eventually(t, "the book is written", func() bool { _, err := os.Stat(path); return err == nil })
	s.kill()
	spoil(t, path)
	s.start()
	s.wantSaid("the address book is not used", path, "is damaged", "--join can say where the other nodes are")
	s.do("SET", "still", "there")
}
