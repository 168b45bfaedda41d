package sim

import (
	"testing"

	"github.com/caucus-project/caucus/internal/replica"
)

// showing gives what each node shows, less the true time.
func (s *scene) showing() (list []int64) {
	for _, n := range s.nodes {
		list = append(list, n.r.Clock(n.clock.time())-wallBegin-s.now)
	}
	return list
}

// near fails unless all nodes show the true time, give or take some.
func (s *scene) near(allowed int64) {
	s.t.Helper()
	for i, off := range s.showing() {
		if off < -allowed || off > allowed {
			s.t.Fatalf("node %d shows a time that is %d ms off", i+1, off/millisecond)
		}
	}
}

// begun makes three nodes whose wall clocks are so far off, and waits until they have the time.
func begunWith(t *testing.T, skews ...int64) *scene {
	t.Helper()
	s := silentScene(t)
	for id := range uint64(len(skews)) {
		s.nodes = append(s.nodes, newNode(s.World, id+1))
		s.nodes[id].clock = clock{w: s.World, start: s.now, base: second, skew: skews[id]}
	}
	for _, n := range s.nodes {
		n.found(s.founders())
		n.start()
	}
	s.until(2*second, func() bool { return s.agreed() && s.raised() && s.allTimed() })
	return s
}

func (s *scene) allTimed() bool {
	for _, n := range s.nodes {
		if n.r == nil || !n.r.Timed() {
			return false
		}
	}
	return true
}

const year = 365 * 24 * hour

// SAFETY A14: one node with its clock in 2040, be it the first leader, neither jumps nor freezes time;
// nor does one that lives in the past, nor one whose clock is set while it leads.
func TestA14OneWrongClock(t *testing.T) {
	for name, skews := range map[string][]int64{
		"the first is in 2040": {17 * year, 0, 0},
		"the last is in 2040":  {0, 0, 17 * year},
		"one is in the past":   {0, -17 * year, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := begunWith(t, skews...)
			s.near(100 * millisecond)
			s.pass(5 * second)
			s.near(100 * millisecond)
			if off := s.leader().r.Status().Off; len(off) != 1 {
				t.Fatalf("the leader reports the clocks of %v", off)
			}
		})
	}
	t.Run("one is set while it leads", func(t *testing.T) {
		s := begunWith(t, 0, 0, 0)
		lead := s.leader()
		lead.clock.skew = 17 * year
		s.pass(5 * second)
		s.near(100 * millisecond)
		s.call(s.nodes[0]).must("SET", "k0", "x", "PX", "1500")
		s.pass(second)
		if got := s.nodes[0].value("k0"); got != "x" {
			t.Fatal("time jumped: the key is gone")
		}
		s.pass(second)
		if got := s.nodes[0].value("k0"); got != "" {
			t.Fatal("time stands still: the key is there")
		}
	})
}

// SAFETY A14: whatever the wall clocks say, the next leader's clock goes on where the last one's was.
func TestA14LeadersJoin(t *testing.T) {
	s := begunWith(t, 0, 0, 0)
	for i, n := range s.nodes {
		n.clock.skew = int64(i-1) * 50 * hour
	}
	for range 3 {
		lead := s.leader()
		lead.stop(true, false)
		s.until(second, func() bool { return s.leader() != nil && s.agreed() })
		lead.start()
		s.until(second, func() bool { return s.agreed() && s.allTimed() })
		s.near(50 * millisecond)
	}
}

// SAFETY A14: the whole ensemble was off and starts again: time goes on at the median, and when all
// clocks were set back, where it stopped.
func TestA14ColdStart(t *testing.T) {
	for name, step := range map[string]int64{"forward": 50 * hour, "back": -50 * hour} {
		t.Run(name, func(t *testing.T) {
			s := begunWith(t, 0, 0, 0)
			s.call(s.nodes[0]).must("SET", "k0", "x")
			stamp := s.leader().r.State().Stamp()
			for _, n := range s.nodes {
				n.stop(true, true)
			}
			for _, n := range s.nodes {
				n.clock.skew += step
				n.start()
			}
			s.until(2*second, func() bool { return s.agreed() && s.allTimed() })
			s.call(s.nodes[0]).must("SET", "k0", "y")
			shown := s.leader().r.State().Stamp()
			if step > 0 && shown < stamp+step || shown < stamp || step < 0 && shown > stamp+2*second {
				t.Fatalf("the clocks were set by %d h, and the ensemble's went by %d s", step/hour, (shown-stamp)/second)
			}
		})
	}
}

// SAFETY A14: a node that starts anew with a wrong clock and leads at once goes on from what the others
// were told, although their wall clocks say something else.
func TestA14NewLeaderAsksWhatWasTold(t *testing.T) {
	s := begunWith(t, 0, 0, 0)
	for _, n := range s.nodes {
		n.clock.skew = 50 * hour
	}
	lead := s.leader()
	back := s.others(lead)[0]
	back.stop(true, true)
	lead.stop(true, true)
	s.up()[0].notice(lead.id)
	s.pass(second) // by now the last one campaigns only now and then
	back.start()
	s.until(2*second, func() bool { return s.leader() != nil && s.leader().r.Timed() })
	if s.leader() != back {
		t.Fatal("the other one leads; the test shows nothing")
	}
	off := back.r.Clock(back.clock.time()) - wallBegin - s.now
	if off > 100*millisecond || off < -100*millisecond {
		t.Fatalf("its clock is %d ms off", off/millisecond)
	}
}

// SAFETY A14: two nodes begin the clock anew while the third is cut off and still has the old one, which
// is ahead. When the third comes back and leads, time goes on where the others had it (seed 457).
func TestA14WhoWasCutOffBringsNothingBack(t *testing.T) {
	s := begunWith(t, 0, 0, 0)
	lead := s.leader()
	rest := s.others(lead)
	for _, n := range rest {
		s.net.blocked[[2]uint64{lead.id, n.id}] = true
		s.net.blocked[[2]uint64{n.id, lead.id}] = true
		n.stop(true, true)
		n.clock.skew = -900 * millisecond
	}
	s.pass(2 * second)
	for _, n := range rest {
		n.start()
	}
	s.until(2*second, func() bool { return s.leader() != lead && s.leader() != nil && s.leader().r.Timed() })
	lead.r.Clock(lead.clock.time()) // somebody reads it
	clear(s.net.blocked)
	s.until(3*second, func() bool { return s.agreed() && s.allTimed() })
	s.call(lead).must("GET", "k0") // so it has been told the time
	s.leader().input(func(now replica.Time) { s.leader().r.HandOver(now) })
	s.until(second, func() bool { return s.leader() == lead && s.agreed() })
	if off := s.showing()[0]; off > -800*millisecond {
		t.Fatalf("the clock is %d ms off instead of the 900 that it was set to", off/millisecond)
	}
}

// SAFETY A14: wall clocks that differ a little draw the ensemble's clock, by a thousandth of the time at
// most.
func TestA14Steering(t *testing.T) {
	s := begunWith(t, 0, 0, 0)
	s.near(10 * millisecond)
	before := s.showing()[0]
	for _, n := range s.nodes {
		n.clock.skew = 500 * millisecond
	}
	s.pass(100 * second)
	if by := s.showing()[0] - before; by < 90*millisecond || by > 110*millisecond {
		t.Fatalf("in 100 s it was steered by %d ms", by/millisecond)
	}
}
