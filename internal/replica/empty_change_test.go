package replica_test

import (
	"slices"
	"testing"

	"github.com/caucus-project/caucus/internal/replica"
)

// SAFETY B2: a change that is proposed while another has not been applied comes back as an empty entry. It is
// proposed again, and comes true.
func TestB2AChangeThatComesBackEmptyIsProposedAgain(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	gone := w.others(lead)[1]
	w.stall(lead, true)
	if let := w.join(lead, newcomer("n4", 4)); len(let) != 0 {
		t.Fatalf("the answers were %+v", let)
	}
	lead.outcomes = nil
	w.input(lead, func(r *replica.Replica) {
		r.Wish(w.time(), replica.Wish{Kind: replica.Remove, Name: name(gone)}, name(gone))
	})
	before := len(lead.disk.Entries)
	w.pass(3 * election) // by then it takes the first for lost
	if list := lead.disk.Entries[before:]; len(list) != 1 || len(list[0].GetData()) > 0 {
		t.Fatalf("%d entries were proposed meanwhile; the test shows nothing", len(list))
	}
	w.stall(lead, false)
	w.pass(3 * election)
	if len(lead.outcomes) != 1 || lead.outcomes[0].Err != nil || slices.Contains(voters(lead), gone.id) {
		t.Fatalf("the outcome is %+v, the voters are %v", lead.outcomes, voters(lead))
	}
	if len(lead.admitted) != 1 || lead.admitted[0].Err != nil {
		t.Errorf("the newcomer was answered %+v", lead.admitted)
	}
}
