package replica_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/replica"
	pb "go.etcd.io/raft/v3/raftpb"
)

// wish asks a node for something and lets time pass until it is answered.
func (w *trio) wish(s *seat, kind replica.WishKind, name, addr string) *caucus.Error {
	w.t.Helper()
	s.outcomes = nil
	w.input(s, func(r *replica.Replica) {
		r.Wish(w.time(), replica.Wish{Kind: kind, Name: name, Addr: addr}, name)
	})
	for range 2000 {
		if len(s.outcomes) > 0 {
			return s.outcomes[0].Err
		}
		w.pass(millisecond)
	}
	w.t.Fatalf("wish %d of %s was not answered", kind, name)
	return nil
}

// refused fails unless a wish was refused with a word and all of the texts.
func refused(t *testing.T, err *caucus.Error, word error, texts ...string) {
	t.Helper()
	if err == nil || !errors.Is(err, word) {
		t.Fatalf("the answer was %v", err)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the answer does not say %q: %v", text, err)
		}
	}
}

func voters(s *seat) []uint64 {
	return slices.Sorted(slices.Values(s.r.Conf().GetVoters()))
}

// A dead node is removed, from the table and from raft's configuration by one entry; what it still
// sends when it comes back is of nobody.
func TestB2RemovalOfTheDead(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	dead := w.others(lead)[0]
	w.crash(dead)
	w.pass(2 * election)
	if err := w.wish(lead, replica.Remove, name(dead), ""); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*seat{lead, w.others(lead)[1]} {
		w.pass(heartbeat)
		if slices.Contains(voters(s), dead.id) || len(s.r.State().Nodes()) != 2 {
			t.Errorf("node %d knows the voters %v and %d nodes", s.id, voters(s), len(s.r.State().Nodes()))
		}
	}
	refused(t, w.wish(lead, replica.Remove, name(dead), ""), caucus.ErrBad,
		"no such node '"+name(dead)+"'; the nodes are "+strings.Join(names(lead), ", "))
	w.start(dead)
	w.pass(3 * election)
	if w.leader() != lead {
		t.Error("a removed node deposed the leader")
	}
}

// newPair gives the two voters that are left when a third has died and was removed, the leader first.
func newPair(t *testing.T) (w *trio, lead, other *seat) {
	t.Helper()
	w = newTrio(t)
	lead = w.leader()
	dead, other := w.others(lead)[0], w.others(lead)[1]
	w.crash(dead)
	w.pass(2 * election)
	if err := w.wish(lead, replica.Remove, name(dead), ""); err != nil {
		t.Fatal(err)
	}
	return w, lead, other
}

func name(s *seat) string { return record(s.id, 0).Name }

func names(s *seat) (list []string) {
	for _, n := range s.r.State().Nodes() {
		list = append(list, n.Name)
	}
	return list
}

// turnedAway says whether a node knows that another was removed and is needed no more.
func turnedAway(s, gone *seat) bool {
	leaving, _ := s.r.State().Leaving()
	_, known := s.r.State().Node(gone.id)
	return !known && !slices.Contains(leaving, gone.id)
}

// A living node learns of its removal from the log, or is turned away by its peers.
func TestRemovalOfTheLiving(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	gone := w.others(lead)[0]
	if err := w.wish(lead, replica.Remove, name(gone), ""); err != nil {
		t.Fatal(err)
	}
	if !turnedAway(lead, gone) {
		t.Error("the removed node is not known to be gone")
	}
	w.must(w.ask(lead, write("SET", "k", "1")))
}

// A leader that is to be removed hands over; its successor removes it (P10).
func TestLeaderRemovesItselfByHandingOver(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	refused(t, w.wish(lead, replica.Remove, name(lead), ""), caucus.ErrTryAgain, "hands over")
	w.pass(2 * heartbeat)
	next := w.leader()
	if next == lead {
		t.Fatal("it still leads")
	}
	if err := w.wish(next, replica.Remove, name(lead), ""); err != nil {
		t.Fatal(err)
	}
	w.must(w.ask(next, write("SET", "k", "1")))
	if len(next.r.State().Nodes()) != 2 {
		t.Error("it is still there")
	}
}

// Who removes one of two voters and crashes before anything else comes to its disk has forgotten that the
// removal is committed, and needs the vote of the removed (SAFETY B3). So nobody says that it is done
// before that cannot happen any more.
func TestB3RemovalOutlivesACrash(t *testing.T) {
	w, lead, gone := newPair(t)
	if err := w.wish(lead, replica.Remove, name(gone), ""); err != nil {
		t.Fatal(err)
	}
	w.crash(gone)
	w.crash(lead)
	w.start(lead)
	w.pass(3 * election)
	if w.leader() != lead {
		t.Fatal("what remains has no leader")
	}
}

// Of two voters one is removed. Nothing that comes after the removal is sent to it: if the one that stays
// lost that in a crash, with the commit of the removal, it would need the vote of a node that knows more than
// it and may not campaign itself.
func TestB3NothingFollowsARemovalFromTwo(t *testing.T) {
	w, lead, gone := newPair(t)
	gone.stuck, w.seen = true, nil
	w.input(lead, func(r *replica.Replica) {
		r.Wish(w.time(), replica.Wish{Kind: replica.Remove, Name: name(gone)}, nil)
	})
	w.pass(2 * heartbeat) // the removal is on its way, and not committed
	late := w.ask(lead, write("SET", "k", "1"))
	w.pass(2 * heartbeat)
	gone.stuck = false
	if w.store(gone) {
		w.drain(gone)
	}
	w.must(late)
	removal := uint64(0)
	for _, e := range w.seen {
		for _, entry := range e.Frame.Raft.GetEntries() {
			switch {
			case e.To != gone.id:
			case entry.GetType() != pb.EntryNormal:
				removal = entry.GetIndex()
			case removal != 0 && entry.GetIndex() > removal:
				t.Fatalf("entry %d was sent to it, after its removal in entry %d", entry.GetIndex(), removal)
			}
		}
	}
	if removal == 0 {
		t.Fatal("the removal was not sent to it")
	}
}

// A third voter comes in, and nobody has anything to write. When all lose their power and the first never
// comes back, the two that are left must know that they are two of three: raft does not sync the commit index
// by itself, so they would be what they were before the change, one of two voters and one that learns.
func TestB3AddedVoterOutlivesACrash(t *testing.T) {
	w, lead, other := newPair(t)
	if let := w.join(lead, newcomer("n4", 4)); len(let) != 1 || let[0].ID != 4 {
		t.Fatalf("the answers were %+v", let)
	}
	added := w.arrives(&seat{id: 4})
	for len(voters(lead)) < 3 {
		w.pass(millisecond)
	}
	w.pass(2 * heartbeat)
	if lead.r.Status().Changing {
		t.Error("the change is still under way")
	}
	for _, s := range []*seat{lead, other, added} {
		w.crash(s)
	}
	w.start(other)
	w.start(added)
	w.pass(4 * election)
	if w.leader() == nil {
		t.Fatal("two of three voters have no leader")
	}
}

// Nothing is removed that would leave no quorum, and the answer says what helps.
func TestB4RemovalLeavesAQuorum(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	dead, living := w.others(lead)[0], w.others(lead)[1]
	w.crash(dead)
	w.pass(2 * election)
	refused(t, w.wish(lead, replica.Remove, name(living), ""), caucus.ErrTryAgain,
		"of the 2 voters that remain 1 can be reached", "caucus recover --data DIR")
	if err := w.wish(lead, replica.Remove, name(dead), ""); err != nil {
		t.Fatal(err)
	}
	if err := w.wish(lead, replica.Remove, name(living), ""); err != nil {
		t.Fatal(err)
	}
	refused(t, w.wish(lead, replica.Remove, name(lead), ""), caucus.ErrBad, "is the last node")
}

// A leader that was just elected knows of nobody yet that he is silent. It takes nobody for there whom it has
// not heard either: else it removes a living voter, and what remains is itself and a dead one.
func TestB4RemovalCountsOnlyWhomANewLeaderHasHeard(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	dead, next := w.others(lead)[0], w.others(lead)[1]
	w.crash(dead)
	w.pass(2 * election)
	if err := w.wish(lead, replica.Lead, name(next), ""); err != nil {
		t.Fatal(err)
	}
	for w.leader() != next {
		w.pass(millisecond)
	}
	w.must(w.ask(next, write("SET", "k", "1")))
	refused(t, w.wish(next, replica.Remove, name(lead), ""), caucus.ErrTryAgain,
		"of the 2 voters that remain 1 can be reached")
	w.must(w.ask(next, write("SET", "k", "2")))
	if err := w.wish(next, replica.Remove, name(dead), ""); err != nil {
		t.Fatal(err)
	}
}

// A new directory under the name and at the peer address of a dead voter takes its place: beside it
// as a learner, then by one joint change, so that there is never a voter less (SAFETY B4).
func TestB4WipedVoterIsReplaced(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	dead := w.others(lead)[0]
	fresh := newcomer(name(dead), 4)
	let := w.join(lead, fresh)
	if len(let) != 1 || !errors.Is(let[0].Err, caucus.ErrTryAgain) ||
		!strings.Contains(let[0].Err.Error(), "which still answers") {
		t.Fatalf("in place of a living node: %+v", let)
	}
	w.crash(dead)
	w.pass(2 * election)
	elsewhere := fresh
	elsewhere.Peer = "10.0.0.9:5011"
	let = w.join(lead, elsewhere)
	if len(let) != 1 || !errors.Is(let[0].Err, caucus.ErrConflict) ||
		!strings.Contains(let[0].Err.Error(), "caucus node remove "+name(dead)) {
		t.Fatalf("from another address: %+v", let)
	}
	let = w.join(lead, fresh)
	if len(let) != 1 || let[0].ID != 4 {
		t.Fatalf("the answers were %+v", let)
	}
	if !slices.Contains(voters(lead), dead.id) || !slices.Equal(lead.r.Conf().GetLearners(), []uint64{4}) {
		t.Fatalf("beside the dead one: %v", lead.r.Conf())
	}
	s := w.arrives(&seat{id: 4, name: name(dead)})
	for range 2 * election / millisecond {
		if w.pass(millisecond); len(voters(lead)) < 3 {
			t.Fatalf("meanwhile only %v vote", voters(lead))
		}
	}
	for _, one := range []*seat{lead, s, w.others(lead)[1]} {
		if got := voters(one); len(got) != 3 || !slices.Contains(got, 4) || slices.Contains(got, dead.id) ||
			len(one.r.Conf().GetVotersOutgoing()) > 0 || len(one.r.State().Nodes()) != 3 {
			t.Errorf("node %d knows %v and %d nodes", one.id, one.r.Conf(), len(one.r.State().Nodes()))
		}
	}
	w.crash(w.others(lead)[1]) // so every write needs the new one
	w.must(w.ask(lead, write("SET", "k", "1")))
}

// Who takes a dead voter's place says that it votes when that is complete, and not as soon as it applies
// the change: halfway a majority of those before is needed too, so whoever waited for it must not lose
// another yet.
func TestB4WhoReplacesVotesWhenThatIsComplete(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	dead, rest := w.others(lead)[0], w.others(lead)[1]
	w.crash(dead)
	w.pass(2 * election)
	if let := w.join(lead, newcomer(name(dead), 4)); len(let) != 1 || let[0].ID != 4 {
		t.Fatalf("the answers were %+v", let)
	}
	s := w.arrives(&seat{id: 4, name: name(dead)})
	halfway := func(s *seat) bool { return len(s.r.Conf().GetVotersOutgoing()) > 0 }
	w.hold = func(from, to uint64, _ replica.Frame) bool {
		return (from == rest.id || to == rest.id) && halfway(lead)
	}
	w.pass(4 * heartbeat)
	if status := s.r.Status(); !halfway(s) || !slices.Contains(status.Learners, 4) || len(status.Voters) != 2 {
		t.Errorf("halfway %v: it says that %v vote and %v learn", halfway(s), status.Voters, status.Learners)
	}
	w.hold = nil
	w.pass(4 * election)
	if status := s.r.Status(); !slices.Contains(status.Voters, 4) || len(status.Voters) != 3 {
		t.Errorf("it says that %v vote and %v learn", status.Voters, status.Learners)
	}
	w.crash(rest)
	w.must(w.ask(w.leader(), write("SET", "k", "1")))
}

// One that is wiped again before it has become a voter is replaced as a learner, the voter as before.
func TestB4WipedTwice(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	dead := w.others(lead)[0]
	w.crash(dead)
	w.pass(2 * election)
	w.join(lead, newcomer(name(dead), 4))
	w.pass(2 * election)
	if let := w.join(lead, newcomer(name(dead), 5)); len(let) != 1 || let[0].ID != 5 {
		t.Fatalf("the answers were %+v", let)
	}
	if c := lead.r.Conf(); !slices.Equal(c.GetLearners(), []uint64{5}) || len(c.GetVoters()) != 3 {
		t.Fatalf("the configuration is %v", c)
	}
	s := &seat{id: 5, name: name(dead)}
	w.nodes = append(w.nodes, &seat{id: 4}, s)
	w.start(s)
	w.pass(2 * election)
	if got := voters(s); len(got) != 3 || slices.Contains(got, dead.id) || len(s.r.State().Nodes()) != 3 {
		t.Fatalf("the voters are %v", got)
	}
}

// While the one that is to be replaced answers again, nobody takes its vote away.
func TestB4TheDeadReturns(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	old := w.others(lead)[0]
	w.crash(old)
	w.pass(2 * election)
	w.join(lead, newcomer(name(old), 4))
	w.start(old)
	w.arrives(&seat{id: 4, name: name(old)})
	w.pass(3 * election)
	if got := voters(lead); !slices.Contains(got, old.id) || slices.Contains(got, 4) {
		t.Fatalf("the voters are %v", got)
	}
	w.crash(old)
	w.pass(3 * election)
	if got := voters(lead); slices.Contains(got, old.id) || !slices.Contains(got, 4) {
		t.Fatalf("after it died again the voters are %v", got)
	}
}

// ADD_NODE keeps a name for an address through a change of leader, lets a node come in place of a
// dead one from elsewhere, and is taken back by DEL_NODE.
func TestReservedName(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	dead := w.others(lead)[0]
	refused(t, w.wish(lead, replica.Reserve, name(dead), "10.0.0.9:5010"), caucus.ErrConflict,
		"which answers", "10.0.0.9:5010", "caucus node remove "+name(dead))
	w.crash(dead)
	w.pass(2 * election)
	for range 2 {
		if err := w.wish(lead, replica.Reserve, name(dead), "10.0.0.9:5010"); err != nil {
			t.Fatal(err)
		}
	}
	refused(t, w.wish(lead, replica.Reserve, "n7", record(lead.id, 0).Client), caucus.ErrConflict,
		"is "+name(lead)+", which answers", "that n7 will have")
	if err := w.wish(lead, replica.Reserve, "n7", "10.0.0.7:5010"); err != nil {
		t.Fatal(err)
	}
	w.input(lead, func(r *replica.Replica) { r.HandOver(w.time()) })
	w.pass(3 * election)
	next := w.leader()
	fresh := newcomer(name(dead), 9)
	fresh.Client, fresh.Peer = "10.0.0.8:5010", "10.0.0.8:5011"
	let := w.join(next, fresh)
	if len(let) != 1 || !errors.Is(let[0].Err, caucus.ErrConflict) ||
		!strings.Contains(let[0].Err.Error(), "a node at 10.0.0.9:5010, and this one is at 10.0.0.8:5010") {
		t.Fatalf("from a third address: %+v", let)
	}
	fresh.Client = "10.0.0.9:5010"
	if let := w.join(next, fresh); len(let) != 1 || let[0].ID != 4 {
		t.Fatalf("the answers were %+v", let)
	}
	if got := next.r.State().Reservations(); len(got) != 1 || got[0][0] != "n7" {
		t.Errorf("reserved: %v", got)
	}
	if err := w.wish(next, replica.Remove, "n7", "ignored"); err != nil {
		t.Fatal(err)
	}
	if got := next.r.State().Reservations(); len(got) != 0 {
		t.Errorf("reserved: %v", got)
	}
}

func TestTransfer(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	to := w.others(lead)[1]
	if err := w.wish(lead, replica.Lead, name(to), ""); err != nil {
		t.Fatal(err)
	}
	w.pass(2 * heartbeat)
	if w.leader() != to {
		t.Fatalf("node %d leads", w.leader().id)
	}
	if err := w.wish(to, replica.Lead, name(to), ""); err != nil {
		t.Error("to itself:", err)
	}
	refused(t, w.wish(lead, replica.Lead, name(to), ""), caucus.ErrTryAgain, "no leader")
	refused(t, w.wish(to, replica.Lead, "n9", ""), caucus.ErrBad, "no such node 'n9'; the nodes are n1, n2, n3")
	w.join(to, newcomer("n4", 4))
	refused(t, w.wish(to, replica.Lead, "n4", ""), caucus.ErrBad, "n4 is a learner and cannot lead")
	w.crash(lead)
	w.pass(2 * election)
	refused(t, w.wish(to, replica.Lead, name(lead), ""), caucus.ErrTryAgain, "cannot be reached")
	refused(t, w.wish(to, 99, name(lead), ""), caucus.ErrBad, "unknown wish 99")
}

// Followers hear little of each other: a new leader says of nobody that it missed him since before it led.
func TestNewLeaderMissesNobodyFromBefore(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	dead, to := w.others(lead)[0], w.others(lead)[1]
	w.crash(dead)
	w.pass(5 * election)
	began := w.now
	if err := w.wish(lead, replica.Lead, name(to), ""); err != nil {
		t.Fatal(err)
	}
	w.pass(2 * heartbeat)
	if got := to.r.Status().Peers[dead.id].Heard; w.leader() != to || got < began {
		t.Errorf("it led from %d µs on, and misses node %d since %d µs", began, dead.id, got)
	}
}

// Whoever waits at a leader that loses its leadership is told so.
func TestWishOutlivesItsLeader(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	w.cut(lead)
	lead.outcomes = nil
	gone := w.others(lead)[0]
	w.input(lead, func(r *replica.Replica) {
		r.Wish(w.time(), replica.Wish{Kind: replica.Remove, Name: name(gone)}, 1)
		r.Join(w.time(), newcomer("n4", 4), 2)
	})
	w.pass(5 * election)
	w.hold = nil
	w.pass(election)
	if len(lead.outcomes) != 1 || !errors.Is(lead.outcomes[0].Err, caucus.ErrUncertain) &&
		!errors.Is(lead.outcomes[0].Err, caucus.ErrTryAgain) {
		t.Errorf("the outcomes are %v", lead.outcomes)
	}
	if len(lead.admitted) != 1 || lead.admitted[0].Err == nil {
		t.Errorf("the newcomer was told %v", lead.admitted)
	}
	if next := w.leader(); len(next.r.State().Nodes()) != 3 {
		t.Errorf("there are %d nodes", len(next.r.State().Nodes()))
	}
}

// A leader that applies its own removal, which its predecessor had proposed, steps down, and who
// removes his leader looks for another at once (SAFETY A7).
func TestA7RemovalOfTheLeader(t *testing.T) {
	w := newTrio(t)
	first := w.leader()
	heir, third := w.others(first)[0], w.others(first)[1]
	// The entry reaches the disks of both others, and first never hears of it.
	w.hold = func(from, to uint64, f replica.Frame) bool {
		return to == first.id && f.Raft != nil && f.Raft.GetType() == pb.MsgAppResp
	}
	w.input(first, func(r *replica.Replica) {
		r.Wish(w.time(), replica.Wish{Kind: replica.Remove, Name: name(heir)}, 1)
	})
	w.pass(2 * heartbeat)
	w.crash(first)
	w.hold = nil
	for _, s := range []*seat{heir, third} {
		w.input(s, func(r *replica.Replica) { r.PeerLost(w.at(s), first.id) })
	}
	w.pass(70 * millisecond) // the heir, whose turn is first, leads, and the entry is committed in its term
	w.start(first)
	w.pass(60 * millisecond) // much less than an election timeout
	if !turnedAway(third, heir) || w.leader() == nil || w.leader() == heir {
		t.Fatalf("the heir is gone: %v; the leader is %+v", turnedAway(third, heir), w.leader())
	}
	w.must(w.ask(third, write("SET", "k", "1")))
}
