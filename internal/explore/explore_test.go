package explore_test

import (
	"flag"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/explore"
)

var deeper = flag.Int("deeper", 0, "how many moves further than usual to look")

// scenarios are the searches. Each has its own depth, at which it takes a second or two.
var scenarios = []struct {
	name string
	explore.Options
}{
	{"nothing", explore.Options{Depth: 5, Start: explore.Empty, Parts: 1}},
	{"alone", explore.Options{Depth: 5, Start: explore.Alone, Parts: 2, Theme: explore.Group,
		Rarely: explore.Rarely{Crashes: 1}}},
	{"group", explore.Options{Depth: 5, Start: explore.Joined, Parts: 1, Theme: explore.Group,
		Rarely: explore.Rarely{Crashes: 1}}},
	{"locks", explore.Options{Depth: 5, Start: explore.Locked, Parts: 1, Theme: explore.Locks,
		Rarely: explore.Rarely{Crashes: 1}}},
	{"silence", explore.Options{Depth: 7, Start: explore.Joined, Parts: 2, Theme: explore.Still,
		Rarely: explore.Rarely{Crashes: 1}}},
	{"elections", explore.Options{Depth: 6, Start: explore.Joined, Parts: 1, Theme: explore.Still,
		Rarely: explore.Rarely{Elections: 1}}},
	{"operators", explore.Options{Depth: 4, Start: explore.Joined, Parts: 1, Theme: explore.Group,
		Rarely: explore.Rarely{Evictions: 1, Transfers: 1}}},
	{"moves", explore.Options{Depth: 4, Start: explore.Joined, Parts: 2, Theme: explore.Group,
		Rarely: explore.Rarely{Moves: 1}}},
	{"whole", explore.Options{Depth: 4, Start: explore.Locked, Rarely: explore.Rarely{Crashes: 1}}},
}

// TestEveryInterleaving finds no state in which an invariant does not hold. Under -short, which is how the
// race detector runs, it looks less far.
func TestEveryInterleaving(t *testing.T) {
	for _, o := range scenarios {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			if o.Depth += *deeper; testing.Short() {
				o.Depth -= 2
			}
			began := time.Now()
			r := explore.Run(o.Options)
			if r.Violation != "" {
				t.Fatal(r.String())
			}
			if r.Depth() != o.Depth {
				t.Fatalf("only depth %d was reached, want %d", r.Depth(), o.Depth)
			}
			t.Logf("%s; new at each depth %v; %v", r.String(), r.Widths, time.Since(began).Round(time.Millisecond))
		})
	}
}

// faults are the mistakes on purpose, each in a world in which it takes the fewest moves to show.
var faults = []struct {
	name string
	explore.Options
}{
	{"A3 grants at once", explore.Options{Depth: 2, Fault: explore.GrantsAtOnce,
		Start: explore.Joined, Theme: explore.Group}},
	{"A3 counts what it is answering", explore.Options{Depth: 5, Fault: explore.CountsTheAnswerAsHeard,
		Start: explore.Joined, Parts: 1, Theme: explore.Group}},
	{"A2 counts while ending", explore.Options{Depth: 7, Fault: explore.CountsWhileEnding,
		Start: explore.Alone, Parts: 1, Theme: explore.Still}},
	{"A5 counts while marked", explore.Options{Depth: 9, Fault: explore.CountsWhileMarked,
		Start: explore.Alone, Parts: 1, Theme: explore.Still, Rarely: explore.Rarely{Elections: 1}}},
	{"A4 grace cut short", explore.Options{Depth: 4, Fault: explore.GraceCutShort,
		Start: explore.Joined, Parts: 1, Theme: explore.Still, Rarely: explore.Rarely{Moves: 1}}},
	{"B21 evicts at once", explore.Options{Depth: 2, Fault: explore.EvictsAtOnce,
		Start: explore.Joined, Theme: explore.Still, Rarely: explore.Rarely{Evictions: 1}}},
	{"A5 election counts as silence", explore.Options{Depth: 2, Fault: explore.ElectionCounts,
		Start: explore.Joined, Theme: explore.Still, Rarely: explore.Rarely{Elections: 1}}},
	{"A3 election forgets holders", explore.Options{Depth: 3, Fault: explore.ElectionForgetsHolders,
		Start: explore.Joined, Theme: explore.Group, Rarely: explore.Rarely{Elections: 1}}},
	{"A2 counts from arrival", explore.Options{Depth: 8, Fault: explore.CountsFromArrival,
		Start: explore.Alone, Parts: 1, Theme: explore.Still}},
	{"A3 says before it stops", explore.Options{Depth: 2, Fault: explore.SaysBeforeItStops,
		Start: explore.Joined, Parts: 1, Theme: explore.Group}},
	{"A3 believes while it gives up", explore.Options{Depth: 3, Fault: explore.BelievesWhileItGivesUp,
		Start: explore.Joined, Parts: 1, Theme: explore.Group}},
}

// TestFaultsAreFound makes mistakes on purpose, and finds for each a shortest trace. Under -short it leaves
// out the one that takes longest.
func TestFaultsAreFound(t *testing.T) {
	found := map[explore.Fault]bool{}
	for _, o := range faults {
		found[o.Fault] = true
		if testing.Short() && o.Depth > 8 {
			continue
		}
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			r := explore.Run(o.Options)
			if r.Violation == "" || r.Depth() != o.Depth || len(r.Trace) != o.Depth {
				t.Fatalf("not found at depth %d: %s", o.Depth, r.String())
			}
			t.Log(r.String())
		})
	}
	for f := explore.NoFault + 1; f < explore.FaultCount; f++ {
		if !found[f] {
			t.Errorf("fault %d is never made", f)
		}
	}
}

// TestMostIsKept: a search that is too large stops, and says how far it got.
func TestMostIsKept(t *testing.T) {
	r := explore.Run(explore.Options{Depth: 20, Most: 500, Start: explore.Joined, Parts: 1})
	if r.Whole || r.States < 500 || r.States > 2000 || r.Depth() < 1 || r.Depth() >= 20 {
		t.Errorf("it stopped at %s", r.String())
	}
}
