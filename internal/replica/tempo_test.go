package replica

import "testing"

// SAFETY A2: a follower says when its clock and the leader's differ in rate by more than two clocks may
// that are both within 1 % of true time, and only then, however slow answers are, and once. It says when
// that is over.
func TestA2_AWrongRateIsSaid(t *testing.T) {
	for _, c := range []struct {
		permille, slowest int64 // how much faster than the leader's this node's clock is, and the longest answer
		want              bool
	}{{20, 5 * millisecond, false}, {-20, 5 * millisecond, false}, {0, 2 * second, false}, {10, second, false},
		{30, 5 * millisecond, true}, {-30, 5 * millisecond, true}, {300, second, true}, {-300, second, true}} {
		r := &Replica{term: 1}
		leaders, own := int64(0), int64(5*second)
		pass := func(howLong int64) { leaders += howLong; own += howLong + howLong*c.permille/1000 }
		for i := int64(0); leaders < 200*second; i++ {
			asked := own
			took := c.slowest / (1 + i%7)
			pass(took * (i % 5) / 4) // the answer was made at once, or just before it came
			stamp := leaders
			pass(took - took*(i%5)/4)
			r.now.Mono = own
			r.tempo.heard(r, stamp, own-asked)
			pass(second)
		}
		if r.tempo.off != c.want || len(r.out.Notices) > 1 || c.want && !r.out.Notices[0].Warn {
			t.Errorf("by %d ‰, answers within %d µs: off %v, said %v", c.permille, c.slowest, r.tempo.off,
				r.out.Notices)
		}
		if c.permille = 0; !c.want {
			continue
		}
		for range 200 {
			pass(second)
			r.now.Mono = own
			r.tempo.heard(r, leaders, 0)
		}
		if r.tempo.off || len(r.out.Notices) != 2 {
			t.Errorf("right again it is said to be off %v: %v", r.tempo.off, r.out.Notices)
		}
	}
}
