package sim

import (
	"slices"
	"strings"
	"testing"
)

// planted runs cases of a world in which something is wrong that the test has put there.
func planted(spoil func(w *World), p plan) func(Case) Result {
	return func(c Case) Result {
		p := p
		p.luck = c.Luck
		p.leaveOut(c.Without)
		w := newWorld(p, c.Lines)
		spoil(w)
		return play(w, c.Brief)
	}
}

// plenty gives a plan with many faults of few kinds, in turn.
func plenty(n int, kinds ...string) plan {
	p := drawPlan(1)
	p.length, p.faults = int64(n+1)*50*millisecond, nil
	for i := range n {
		p.faults = append(p.faults, fault{number: 100 + i, at: int64(i+1) * 50 * millisecond,
			kind: kinds[i%len(kinds)]})
	}
	return p
}

// A check that fails when two members have died and a clock has drifted, in whatever order, needs three
// faults of eighteen. They are found, and what the search prints has them again.
func TestShrinkLeavesWhatMatters(t *testing.T) {
	p := plenty(18, "a member's clocks drift", "a member dies", "a node stands still")
	p.members, p.writers = 9, 1
	spoil := func(w *World) {
		w.checks.planted = func() {
			if c := w.checks.counts; c["deaths"] >= 2 && c["fault: a member's clocks drift"] >= 1 {
				w.fail("planted: %d deaths", c["deaths"])
			}
		}
	}
	s := &shrinking{tries: 100, run: planted(spoil, p), numbers: p.numbers()}
	c, r := s.shrink(Case{Seed: 1, Lines: 40})
	if r.Kind != "planted: %d deaths" || len(r.Faults) != 3 || !strings.Contains(r.Faults[2], "at") {
		t.Fatalf("it failed with %v after %q", r.Err, r.Faults)
	}
	if again := s.run(c); again.Hash != r.Hash || again.Tail != r.Tail {
		t.Errorf("%+v is replayed otherwise", c)
	}
	if !strings.Contains(r.Tail, "dies") || strings.Contains(r.Tail, "MsgHeartbeat") {
		t.Errorf("the trace is\n%s", r.Tail)
	}
}

// Members whose clocks run at seven tenths of the rate that was promised believe for too long: a mistake in
// what is looked at, not in the looking. It shows when one of them stands still, so among the few faults that
// are left is that.
func TestShrinkFindsWhoStandsStill(t *testing.T) {
	p := plenty(18, "a member stands still", "a node's clocks drift", "a way is cut")
	p.members, p.writers, p.pause, p.standing = 5, 1, second, standing{}
	spoil := func(w *World) {
		w.checks.planted = func() {
			for _, m := range w.members {
				if m.clock.ppm > -mostDrift {
					m.clock.run(-300_000, 0)
				}
			}
		}
	}
	s := &shrinking{tries: 100, run: planted(spoil, p), numbers: p.numbers()}
	whole := Case{Seed: 1, Lines: 40}
	for whole.Luck < 20 && s.run(whole).Err == nil {
		whole.Luck++
	}
	c, r := s.shrink(whole)
	still := func(text string) bool { return strings.Contains(text, "stands still") }
	if r.Err == nil || !strings.HasPrefix(r.Kind, "SAFETY A2") || !slices.ContainsFunc(r.Faults, still) ||
		len(r.Faults) > 5 {
		t.Fatalf("%+v failed with %v after\n%s", c, r.Err, strings.Join(r.Faults, "\n"))
	}
}

// What does not fail is not shrunk.
func TestShrinkOfNothing(t *testing.T) {
	s := &shrinking{tries: 10, run: planted(func(*World) {}, plenty(1, "a member dies"))}
	if c, r := s.shrink(Case{Seed: 1}); r.Err != nil || len(c.Without) > 0 || s.tries != 10 {
		t.Errorf("%+v: %v", c, r.Err)
	}
}

// A fault stays what it is when others are left out.
func TestFaultsStayWhatTheyAre(t *testing.T) {
	p := drawPlan(3)
	all := p.numbers()
	if len(all) < 4 {
		t.Fatal("the seed has few faults; the test shows nothing")
	}
	q := drawPlan(3)
	q.leaveOut(all[:len(all)/2])
	if left := q.numbers(); !slices.Equal(left, all[len(all)/2:]) {
		t.Fatalf("of %v there are left %v", all, left)
	}
	for _, f := range q.faults {
		i := slices.IndexFunc(p.faults, func(g fault) bool { return g.number == f.number })
		if p.faults[i].at != f.at || p.faults[i].kind != f.kind {
			t.Errorf("%+v was %+v", f, p.faults[i])
		}
	}
}
