package explore_test

import (
	"flag"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/explore"
)

var deeper = flag.Int("deeper", 0, "how many moves further than usual to look")

// scenarios are the searches. Each has its own depth, at which it takes a second or two.
var scenarios = map[string]explore.Options{
	"from nothing": {Depth: 5, Start: explore.Empty, Parts: 1},
	"alone":        {Depth: 5, Start: explore.Alone, Parts: 2, Theme: explore.Group, Rarely: explore.Rarely{Crashes: 1}},
	"group":        {Depth: 5, Start: explore.Joined, Parts: 1, Theme: explore.Group, Rarely: explore.Rarely{Crashes: 1}},
	"locks":        {Depth: 5, Start: explore.Locked, Parts: 1, Theme: explore.Locks, Rarely: explore.Rarely{Crashes: 1}},
	"silence":      {Depth: 7, Start: explore.Joined, Parts: 2, Theme: explore.Still, Rarely: explore.Rarely{Crashes: 1}},
	"elections":    {Depth: 6, Start: explore.Joined, Parts: 1, Theme: explore.Still, Rarely: explore.Rarely{Elections: 1}},
	"operators": {Depth: 4, Start: explore.Joined, Parts: 1, Theme: explore.Group,
		Rarely: explore.Rarely{Evictions: 1, Transfers: 1}},
	"moves": {Depth: 4, Start: explore.Joined, Parts: 2, Theme: explore.Group, Rarely: explore.Rarely{Moves: 1}},
	"whole": {Depth: 4, Start: explore.Locked, Rarely: explore.Rarely{Crashes: 1}},
}

// TestEveryInterleaving finds no state in which an invariant does not hold. Under -short, which is how the
// race detector runs, it looks less far.
func TestEveryInterleaving(t *testing.T) {
	for name, o := range scenarios {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if o.Depth += *deeper; testing.Short() {
				o.Depth -= 2
			}
			began := time.Now()
			r := explore.Run(o)
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

// TestFaultsAreFound makes mistakes on purpose, and finds for each a shortest trace.
func TestFaultsAreFound(t *testing.T) {
	for name, o := range map[string]explore.Options{
		"A3 grants at once":            {Depth: 2, Fault: explore.GrantsAtOnce, Start: explore.Joined, Theme: explore.Group},
		"A3 counts what it is sending": {Depth: 5, Fault: explore.CountsTheAnswerAsHeard, Start: explore.Joined, Parts: 1, Theme: explore.Group},
		"A2 counts while ending":       {Depth: 7, Fault: explore.CountsWhileEnding, Start: explore.Alone, Parts: 1, Theme: explore.Still},
		"A5 counts while marked": {Depth: 9, Fault: explore.CountsWhileMarked, Start: explore.Alone, Parts: 1, Theme: explore.Still,
			Rarely: explore.Rarely{Elections: 1}},
		"A4 grace cut short": {Depth: 4, Fault: explore.GraceCutShort, Start: explore.Joined, Parts: 1, Theme: explore.Still,
			Rarely: explore.Rarely{Moves: 1}},
		"B21 evicts at once": {Depth: 2, Fault: explore.EvictsAtOnce, Start: explore.Joined, Theme: explore.Still,
			Rarely: explore.Rarely{Evictions: 1}},
		"A5 elected, takes all to have been silent": {Depth: 2, Fault: explore.ElectionCounts, Start: explore.Joined,
			Theme: explore.Still, Rarely: explore.Rarely{Elections: 1}},
		"A3 elected, waits for nobody": {Depth: 3, Fault: explore.ElectionForgetsHolders, Start: explore.Joined,
			Theme: explore.Group, Rarely: explore.Rarely{Elections: 1}},
		"A2 counts from arrival": {Depth: 8, Fault: explore.CountsFromArrival, Start: explore.Alone, Parts: 1, Theme: explore.Still},
		"A3 says before it stops": {Depth: 2, Fault: explore.SaysBeforeItStops, Start: explore.Joined, Parts: 1,
			Theme: explore.Group},
		"A3 believes while it gives up": {Depth: 3, Fault: explore.BelievesWhileItGivesUp, Start: explore.Joined, Parts: 1,
			Theme: explore.Group},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			r := explore.Run(o)
			if r.Violation == "" || r.Depth() != o.Depth || len(r.Trace) != o.Depth {
				t.Fatalf("not found at depth %d: %s", o.Depth, r.String())
			}
			t.Log(r.String(), time.Since(began).Round(time.Millisecond))
		})
	}
}
