package node

import (
	"testing"
	"time"

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
		n.shares.underway.Store(int64(c.underway))
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

// Beside pipelines of usual size giants share what takes as long as a write of the log.
func TestShareBesideOthers(t *testing.T) {
	begun := time.Unix(1_000_000, 0)
	for _, c := range []struct {
		commands, underway int
		since              time.Duration // a pipeline came
		came               int           // with so many commands
		writes             time.Duration // take so long
		want               int
	}{
		{2000, 0, time.Millisecond, 1, 600 * time.Microsecond, 200},
		{2000, 9, time.Millisecond, 64, 600 * time.Microsecond, 20},
		{2000, 9_999, time.Millisecond, 1, 600 * time.Microsecond, 8},
		{64, 9_999, time.Millisecond, 1, 600 * time.Microsecond, 64},
		{2000, 0, time.Millisecond, 1, time.Microsecond, 128}, // a disk in memory
		{2000, 0, time.Millisecond, 1, time.Second, 1024},     // a slow one, beside which it does not matter
		{2000, 0, time.Millisecond, 65, 600 * time.Microsecond, 1024},
		{2000, 0, 10 * time.Millisecond, 1, 600 * time.Microsecond, 1024},
	} {
		var s shares
		for range 200 {
			s.wrote(c.writes)
		}
		s.came(c.came, &time.Time{}, begun)
		s.underway.Store(int64(c.underway))
		got := s.of(c.commands, begun.Add(c.since))
		if got < c.want-1-c.want/50 || got > c.want {
			t.Errorf("%+v: %d go at once", c, got)
		}
	}
}

// Giants alone go in large pieces, though what is read of them may be few commands.
func TestShareOfGiantsAlone(t *testing.T) {
	var s shares
	var giant time.Time
	now := time.Unix(1_000_000, 0)
	for _, commands := range []int{20_000, 22, 22, 478, 64, 1, 2} {
		s.came(commands, &giant, now)
	}
	if got := s.of(2000, now); got != sharedCommands {
		t.Errorf("%d go at once, want %d", got, sharedCommands)
	}
	now = now.Add(2 * forgotten)
	s.came(1, &giant, now)
	if got := s.of(2000, now); got != leastShared {
		t.Errorf("%d go at once beside one that sends little again, want %d", got, leastShared)
	}
}
