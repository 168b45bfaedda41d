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

// Beside pipelines of usual size giants go in small pieces.
func TestShareBesideOthers(t *testing.T) {
	begun := time.Unix(1_000_000, 0)
	for _, c := range []struct {
		commands int
		since    time.Duration // a pipeline came
		came     int           // with so many commands
		want     int
	}{
		{2000, time.Millisecond, 1, 128},
		{65, time.Millisecond, 64, 128},
		{64, time.Millisecond, 1, 64},
		{2000, time.Millisecond, 65, 1024},
		{2000, 10 * time.Millisecond, 1, 1024},
	} {
		s := newShares(2)
		s.came(c.came, &time.Time{}, begun)
		if got := s.of(c.commands, begun.Add(c.since)); got != c.want {
			t.Errorf("%+v: %d go at once", c, got)
		}
	}
}

// Beside others giants have a pace, of all of them together, and what is refused for its rate has one at all
// times. Nobody pauses for long, and when they are gone nothing is left of their haste.
func TestPaces(t *testing.T) {
	writes, reads := part{commands: 128, writes: true}, part{commands: 128}
	for _, c := range []struct {
		name       string
		crowded    bool
		processors int
		part       part
		each, most time.Duration // the second of many at one time pauses so long, and the last
	}{
		{"writes", true, 2, writes, 2048 * time.Microsecond, mostPause},
		{"writes on many processors", true, 64, writes, 1024 * time.Microsecond, mostPause},
		{"writes on one", true, 1, writes, 4096 * time.Microsecond, mostPause},
		{"reads", true, 2, reads, 0, mostPause},
		{"giants alone", false, 2, writes, 0, 0},
		{"of usual size", true, 2, part{commands: 64, writes: true}, 0, 0},
		{"refusals", false, 2, part{refused: 1000}, 976 * 30 * time.Microsecond, mostPause},
	} {
		now := time.Unix(1_000_000, 0)
		s := newShares(c.processors)
		come := func() {
			if c.crowded {
				s.came(1, &time.Time{}, now)
			}
		}
		come()
		if first := s.pause(c.part, now); first != 0 {
			t.Errorf("%s: the first pauses for %v", c.name, first)
		}
		if got := s.pause(c.part, now); (got - c.each).Abs() > time.Microsecond {
			t.Errorf("%s: the second pauses for %v, want %v", c.name, got, c.each)
		}
		last := time.Duration(0)
		for range 1000 {
			last = s.pause(c.part, now)
		}
		if last != c.most {
			t.Errorf("%s: the last pauses for %v, want %v", c.name, last, c.most)
		}
		now = now.Add(2 * mostPause)
		come()
		if got := s.pause(c.part, now); got != 0 {
			t.Errorf("%s: who comes later pauses for %v", c.name, got)
		}
	}
}

// The process of the node, which beats for its own session, is nobody beside whom others have to pause.
func TestTheNodeItselfIsNoCrowd(t *testing.T) {
	n := bareNode(Config{})
	now := time.Now()
	for _, c := range []struct {
		info waist.ConnInfo
		want bool
	}{{waist.ConnInfo{Inside: true}, false}, {waist.ConnInfo{Node: true}, false}, {waist.ConnInfo{}, true}} {
		n.converse(c.info).came(1, now)
		if got := n.shares.crowded(now); got != c.want {
			t.Errorf("beside %+v: %v", c.info, got)
		}
	}
}

// Giants alone go in large pieces, though what is read of them may be few commands.
func TestShareOfGiantsAlone(t *testing.T) {
	s := newShares(2)
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
	if got := s.of(2000, now); got != smallPiece {
		t.Errorf("%d go at once beside one that sends little again, want %d", got, smallPiece)
	}
}
