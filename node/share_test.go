package node

import (
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/waist"
)

// Who sends much goes in smaller pieces the more others are under way, and a pipeline of usual size as a
// whole, as does what the ensemble has no part in.
func TestShare(t *testing.T) {
	n := bareNode(Config{})
	for _, c := range []struct {
		cmd            caucus.Command
		cmds, underway int
		want           int
	}{
		{caucus.Command{"GET", "k"}, 1, 0, 1},
		{caucus.Command{"GET", "k"}, 64, 10_000, 64},
		{caucus.Command{"GET", "k"}, 2000, 0, 1024},
		{caucus.Command{"SET", "k", "v"}, 2000, 1, 512},
		{caucus.Command{"SET", "k", "v"}, 2000, 9, 102},
		{caucus.Command{"SET", "k", "v"}, 2000, 10_000, 64},
		{caucus.Command{"PING"}, 2000, 10_000, 2000},
	} {
		n.underway.Store(int64(c.underway))
		cmds := make([]caucus.Command, c.cmds)
		for i := range cmds {
			cmds[i] = c.cmd
		}
		if _, used := n.converse(waist.ConnInfo{}).talk.Plan(cmds); used != c.want {
			t.Errorf("of %d times %s, with %d pipelines under way, %d go at once; want %d", c.cmds, c.cmd[0],
				c.underway, used, c.want)
		}
	}
}
