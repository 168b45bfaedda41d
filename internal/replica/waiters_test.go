package replica_test

import (
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
)

// Clients of a node that is dead, or of which the leader hears nothing, are taken out of the line for
// elements, and those of a node that lives stay in it (B7).
func TestB7_NobodyWaitsAtANodeThatIsNotHeard(t *testing.T) {
	for _, how := range []string{"dead", "cut off", "alive"} {
		w := newTrio(t)
		lead := w.leader()
		other := w.others(lead)[0]
		if r := w.must(w.ask(other, write("BLPOP", "q", "0"))); r.Kind != caucus.KindPush {
			t.Fatalf("it does not wait: %+v", r)
		}
		switch how {
		case "dead":
			w.die(other)
		case "cut off":
			w.cut(other)
		}
		w.pass(1500 * millisecond)
		waits := false
		lead.r.State().Waiters(func(uint64, entry.Boot) { waits = true })
		if waits != (how == "alive") {
			t.Errorf("%s: its client waits: %t", how, waits)
		}
	}
}
