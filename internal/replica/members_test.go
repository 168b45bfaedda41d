package replica_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/replica"
)

// join asks the leader to let a node in, and lets some time pass.
func (w *trio) join(lead *seat, list ...machine.Node) []replica.Admission {
	w.t.Helper()
	lead.admitted = nil
	for i, n := range list {
		w.input(lead, func(r *replica.Replica) { r.Join(w.time(), n, i) })
	}
	w.pass(4 * heartbeat)
	return lead.admitted
}

// arrives has a node that was let in start.
func (w *trio) arrives(s *seat) *seat {
	w.t.Helper()
	w.nodes = append(w.nodes, s)
	w.start(s)
	return s
}

// newcomer is what a node says of itself before it has an id.
func newcomer(name string, incarnation byte) machine.Node {
	return machine.Node{Name: name, Incarnation: [16]byte{incarnation}}
}

// A node that is let in gets a snapshot that names it, and becomes a voter when it has caught up;
// also when it comes back empty-handed in the middle, because its snapshot was never durable.
func TestB2NewcomerIsNamedByItsSnapshot(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	w.must(w.ask(lead, write("SET", "k", "1")))
	let := w.join(lead, newcomer("n4", 4))
	if len(let) != 1 || let[0].ID != 4 || len(let[0].Nodes) != 4 {
		t.Fatalf("the answers were %+v", let)
	}
	s := w.arrives(&seat{id: 4, stuck: true})
	w.pass(4 * heartbeat)
	w.crash(s)
	w.pass(election)
	w.start(s)
	w.pass(3 * election)
	if voters := s.r.Conf().GetVoters(); !slices.Equal(voters, []uint64{1, 2, 3, 4}) {
		t.Fatalf("the newcomer's voters are %v", voters)
	}
	if r := w.must(w.ask(s, read("GET", "k"))); r.Str != "1" {
		t.Fatalf("the newcomer reads %v", r)
	}
}

// Whoever is let in is told so again when it asks again, and does not get a second id.
func TestB2AskingTwiceGivesOneID(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	let := w.join(lead, newcomer("n4", 4), newcomer("n4", 4))
	let = append(let, w.join(lead, newcomer("n4", 4))...)
	for _, a := range let {
		if a.Err != nil || a.ID != 4 {
			t.Fatalf("the answer was %+v", a)
		}
	}
	if len(let) != 3 {
		t.Fatalf("there were %d answers", len(let))
	}
}

// Two newcomers who ask for one name before either is in: one gets it.
func TestB4OneNameForOneNode(t *testing.T) {
	w := newTrio(t)
	second := newcomer("n4", 5)
	second.Peer = "10.0.0.5:5011"
	let := w.join(w.leader(), newcomer("n4", 4), second)
	if len(let) != 2 || let[0].ID != 4 || !errors.Is(let[1].Err, caucus.ErrConflict) {
		t.Fatalf("the answers were %+v", let)
	}
	if n := len(w.leader().r.State().Nodes()); n != 4 {
		t.Fatalf("there are %d nodes", n)
	}
}

// A learner that has caught up, and has not been heard since, is not made a voter when its turn comes.
func TestB4SilentLearnerStaysOne(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	w.join(lead, newcomer("n4", 4))
	w.stall(lead, true)
	if let := w.join(lead, newcomer("n5", 5)); len(let) != 0 {
		t.Fatalf("the answers were %+v", let)
	}
	s := w.arrives(&seat{id: 4})
	w.pass(heartbeat)
	if p := lead.r.Status().Peers[4]; p.Match == 0 {
		t.Fatal("the newcomer has not caught up")
	}
	w.crash(s)
	w.pass(4 * heartbeat)
	w.stall(lead, false)
	w.pass(2 * election)
	if learners := lead.r.Conf().GetLearners(); !slices.Equal(learners, []uint64{4, 5}) {
		t.Fatalf("the learners are %v, the voters %v", learners, lead.r.Conf().GetVoters())
	}
}
