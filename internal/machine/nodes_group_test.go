package machine_test

import (
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
)

// Only a node's own conversations join and shape the group of the nodes; all may read it. That strangers are
// refused is told by the story nodes.
func TestA6_OnlyNodesAreInTheirGroup(t *testing.T) {
	b := newBare(t)
	own := func(args ...string) caucus.Reply {
		return b.batch(entry.Op{User: machine.NodeUser, Fresh: entry.Session{1}, Bound: true, Args: args})[0].Reply
	}
	for _, args := range []caucus.Command{{"GROUP", "JOIN", "nodes", "AS", "n1", "SETTLE", "0"},
		{"GROUP", "CREATE", "nodes", "SETTLE", "0"}, {"GROUP", "SET", "nodes", "MIN", "1"}} {
		if r := own(args...); r.Kind == caucus.KindError {
			t.Errorf("%v: %v", args, r)
		}
	}
	if s, ok := b.m.Session(entry.Session{1}); !ok || !s.Inside {
		t.Errorf("the session of the node is %+v", s)
	}
	if leader := b.do("a", "GROUP LEADER nodes"); leader.Items[0].Str != "n1" {
		t.Errorf("the leader is %v", leader)
	}
	b.do("a", "GROUP MEMBERS nodes")
	b.do("a", "GROUP INFO nodes")
	b.do("a", "GROUP EVICT nodes n1")
}
