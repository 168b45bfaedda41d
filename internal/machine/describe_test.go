package machine

import (
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
)

func TestDescribe(t *testing.T) {
	s := entry.Session{0xab, 0xcd}
	hash := string(s[:])
	name := func(id uint64) string { return map[uint64]string{1: "n1", 2: "n2"}[id] }
	client := func(node uint64, op entry.Op) *entry.Entry {
		return &entry.Entry{Batches: []entry.Batch{{Node: node, Ops: []entry.Op{op}}}}
	}
	leader := func(op entry.Op) *entry.Entry { return &entry.Entry{Notes: []entry.Op{op}} }
	for _, c := range []struct {
		e    *entry.Entry
		want string
	}{
		{&entry.Entry{}, "nothing"},
		{client(1, entry.Op{Args: caucus.Command{"SET", "a", "1"}}), "n1: SET a 1"},
		{client(2, entry.Op{Args: caucus.Command{"set", "two words", "\x00\xffü", "", "a;b"}}),
			`n2: set "two words" "\x00\xffü" "" "a;b"`},
		{client(1, entry.Op{Args: caucus.Command{"SET", "a", strings.Repeat("x", 100)}}),
			"n1: SET a " + strings.Repeat("x", 64) + "...(100 bytes)"},
		{client(1, entry.Op{Session: s, Once: 7, Args: caucus.Command{"INCR", "a"}}),
			"n1: [abcd00000000] ONCE 7 INCR a"},
		{client(1, entry.Op{Args: caucus.Command{"EXEC"},
			Queue: []caucus.Command{{"SET", "a", "1"}, {"INCR", "b"}}}),
			"n1: MULTI | SET a 1 | INCR b | EXEC"},
		{client(1, entry.Op{Args: caucus.Command{"SESSION", "RESUME", hash}}), "n1: SESSION RESUME abcd00000000"},
		{client(1, Boot(Node{Name: "n1", Client: "host:5010", Boots: 12})),
			"n1: n1 started for the 12th time, at host:5010"},
		{client(1, Boot(Node{Name: "n1", Client: "host:5010", Boots: 21})),
			"n1: n1 started for the 21st time, at host:5010"},
		{client(1, Drop(s, 1)), "n1: the connection of session abcd00000000 was closed"},
		{leader(End(s, 1, 1, Expired)), "leader: session abcd00000000 has ended: expired"},
		{leader(Mark(2, []entry.Session{s})), "leader: silent for 2 quarters of their TTL: abcd00000000"},
		{leader(Clear([]entry.Session{s, {1}})), "leader: heard again: abcd00000000, 010000000000"},
		{leader(Grant("g", 5)), "leader: what was revoked in group g is granted anew"},
		{leader(RaiseLevel(1)), "leader: level 1"},
		{&entry.Entry{Notes: []entry.Op{Grant("g", 5)}, Batches: []entry.Batch{
			{Node: 1, Ops: []entry.Op{{Args: caucus.Command{"DEL", "a"}}, {Args: caucus.Command{"DEL", "b"}}}},
			{Node: 2, Ops: []entry.Op{{Args: caucus.Command{"DEL", "c"}}}}}},
			"leader: what was revoked in group g is granted anew; n1: DEL a; n1: DEL b; n2: DEL c"},
	} {
		got := Describe(c.e, name)
		if got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
		if strings.Contains(got, hash) {
			t.Errorf("%q has a whole hash", got)
		}
	}
}

// A large entry is shown in part, with how much is left out.
func TestDescribeHasALimit(t *testing.T) {
	e := &entry.Entry{Batches: []entry.Batch{{Node: 1}}}
	for range 1000 {
		e.Batches[0].Ops = append(e.Batches[0].Ops, entry.Op{Args: caucus.Command{"SET", "abcdefgh", "12345678"}})
	}
	got := Describe(e, func(uint64) string { return "n1" })
	if n := strings.Count(got, "SET"); len(got) > shownEntry+100 || n < 100 || !strings.HasSuffix(got, "more") {
		t.Errorf("%d bytes, %d commands, ends with %q", len(got), n, got[len(got)-20:])
	}
}
