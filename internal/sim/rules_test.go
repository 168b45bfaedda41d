package sim

import (
	"slices"
	"strconv"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/replica"
	pb "go.etcd.io/raft/v3/raftpb"
)

// SAFETY A1: a candidate whose own term is not on its disk cannot win, or it could win the same term
// twice. Node 1 is the first to campaign, and the votes of the two others would do.
func TestA1CandidateWaitsForItsDisk(t *testing.T) {
	s := silentScene(t)
	s.begin()
	one := s.nodes[0]
	one.hungTo = s.now + second
	s.until(second/2, func() bool { return s.leader() != nil })
	if s.leader() == one {
		t.Fatal("node 1 leads a term that is not on its disk")
	}
	one.stop(true, true)
	one.hungTo = 0
	one.start()
	s.until(2*second, s.agreed)
	if len(s.checks.leaders) == 0 {
		t.Fatal("nobody ever led")
	}
}

// SAFETY A2 (2): a leader that was cut off does not promise anything, although it takes itself for the
// leader.
func TestA2DeposedLeaderPromisesNothing(t *testing.T) {
	s := newScene(t)
	old := s.leader()
	c := s.call(old)
	c.must("SESSION", "OPEN", "TTL", "5000", "GRACE", "5000")
	c.must("SESSION", "KEEPALIVE")
	for _, n := range s.others(old) {
		s.net.blocked[[2]uint64{old.id, n.id}] = true
		s.net.blocked[[2]uint64{n.id, old.id}] = true
		n.notice(old.id)
	}
	s.until(second/5, func() bool { return s.leader() != old })
	if !old.r.Leads() {
		t.Fatal("the old leader has stepped down already; the test shows nothing")
	}
	if r := c.do("SESSION", "KEEPALIVE"); r.Kind != caucus.KindError {
		t.Fatalf("a leader that was cut off answered %v", r)
	}
}

// SAFETY A2 (3): between the proposal of a session's end and its commit no heartbeat counts.
func TestA2NoPromiseOnceTheEndIsProposed(t *testing.T) {
	s := newScene(t)
	lead := s.leader()
	c := s.call(lead)
	c.must("SESSION", "OPEN", "TTL", "300", "GRACE", "300")
	c.must("SESSION", "KEEPALIVE")
	for _, n := range s.others(lead) {
		n.hungTo = s.now + second // entries do not commit, heartbeats go on
	}
	s.pass(390 * millisecond)
	c.send(caucus.Command{"SESSION", "KEEPALIVE"})
	s.pass(300 * millisecond)
	if c.replies != nil {
		t.Fatalf("the answer was %v", c.replies)
	}
	if r := c.wait(2 * second); !fails(r, caucus.ErrNoSession) {
		t.Fatalf("the answer was %v", r)
	}
}

// SAFETY A4 (d): a session that was resumed elsewhere does not end with its old connection.
func TestA4OldConnectionEndsNothing(t *testing.T) {
	s := newScene(t)
	a, b := s.call(s.nodes[0]), s.call(s.nodes[1])
	id := a.must("SESSION", "OPEN", "TTL", "2000", "GRACE", "0").Str
	b.must("SESSION", "RESUME", id)
	a.c.close()
	s.pass(second)
	b.must("SESSION", "KEEPALIVE")
	b.c.close()
	s.pass(second / 5)
	if n := s.nodes[0].r.State().SessionCount(); n != 0 {
		t.Fatalf("with GRACE 0 there are %d sessions after the connection was closed", n)
	}
}

// SAFETY B21, A5: a new leader does not know when somebody who was evicted had his last promise, and waits
// for all of it.
func TestB21_EvictionIsWaitedForInFullAfterAnElection(t *testing.T) {
	s := newScene(t)
	lead := s.leader()
	here := s.others(lead)[0]
	stuck, other := s.call(here), s.call(here)
	stuck.must("SESSION", "OPEN", "TTL", "60000", "GRACE", "1000")
	stuck.must("GROUP", "JOIN", "g", "AS", "m")
	other.must("GROUP", "EVICT", "g", "m")
	s.pass(600 * millisecond)
	if r := stuck.do("SESSION", "KEEPALIVE"); !fails(r, caucus.ErrNoSession) {
		t.Fatalf("who was evicted is answered %v", r)
	}
	lead.stop(true, true)
	s.until(2*second, func() bool { return s.leader() != nil && s.agreed() })
	elected := s.now
	s.until(2*second, func() bool { return here.r.State().SessionCount() == 0 })
	if waited := s.now - elected; waited < 900*millisecond {
		t.Fatalf("it ended %s s after the election", clockText(waited))
	}
}

// SAFETY B6: what is to end at a time ends at that time, whoever leads by then: a poll, a wait for a lock, a
// key. An election between does not put it off.
func TestB6_ElectionsPutOffNoDeadline(t *testing.T) {
	s := newScene(t)
	lead := s.leader()
	here := s.others(lead)[0]
	holder, waiter := s.call(here), s.call(here)
	holder.must("SESSION", "OPEN", "TTL", "60000", "GRACE", "60000")
	holder.must("LOCK", "ACQUIRE", "l")
	holder.must("GROUP", "JOIN", "g", "AS", "m")
	begun := s.now
	poll := holder.must("VOTE", "CALL", "g", "topic", "TIMEOUT", "1000")
	holder.must("SET", "k0", "x", "PX", "1000")
	waiter.send(caucus.Command{"LOCK", "ACQUIRE", "l", "WAIT", "1000"})
	s.pass(begun + 700*millisecond - s.now)
	lead.stop(true, true)
	for _, n := range s.up() {
		n.notice(lead.id)
	}
	s.until(soon, func() bool { return s.leader() != nil })
	s.pass(begun + 950*millisecond - s.now)
	id := strconv.FormatInt(poll.Int, 10)
	state := func() (list []string) {
		outcome := "open"
		if r := holder.must("VOTE", "RESULT", "g", id); !r.IsNil() {
			outcome = r.Items[0].Text()
		}
		list = append(list, outcome, holder.must("GET", "k0").Text())
		return append(list, strconv.FormatBool(waiter.replies != nil))
	}
	if got := state(); !slices.Equal(got, []string{"open", "x", "false"}) {
		t.Fatalf("before its time: %q", got)
	}
	s.pass(begun + 1100*millisecond - s.now)
	if got := state(); !slices.Equal(got, []string{"timeout", "", "true"}) || !waiter.replies[0].IsNil() {
		t.Fatalf("after its time: %q, %v", got, waiter.replies)
	}
}

// soon is well under an election timeout, which is 400 ms.
const soon = 150 * millisecond

// SAFETY A7 (a): one follower notices first and campaigns while the other still believes in the dead
// leader; that one notices later and has the shorter log.
func TestA7LateAndShorter(t *testing.T) {
	s := newScene(t)
	lead := s.leader()
	first, late := s.others(lead)[0], s.others(lead)[1]
	s.net.blocked[[2]uint64{lead.id, late.id}] = true
	s.call(lead).must("SET", "k0", "1")
	lead.stop(true, true)
	first.notice(lead.id)
	s.pass(40 * millisecond)
	late.notice(lead.id)
	s.until(soon, func() bool { return s.leader() != nil })
	if s.leader() != first {
		t.Fatal("the follower with the shorter log leads")
	}
}

// SAFETY A7 (b): both followers notice at the same instant.
func TestA7BothAtOnce(t *testing.T) {
	s := newScene(t)
	lead := s.leader()
	rest := s.others(lead)
	lead.stop(true, true)
	for _, n := range rest {
		n.notice(lead.id)
	}
	s.until(soon, func() bool { return s.leader() != nil })
}

// SAFETY A7 (c): a connection that breaks while the leader lives deposes nobody.
func TestA7ResetDeposesNobody(t *testing.T) {
	s := newScene(t)
	lead, term := s.leader(), s.leader().r.Status().Term
	for range 5 {
		for _, n := range s.others(lead) {
			s.cut(lead.id, n.id)
		}
		s.pass(100 * millisecond)
	}
	if now := s.leader().r.Status().Term; now != term {
		t.Fatalf("the term went from %d to %d", term, now)
	}
}

// SAFETY A9: a batch that was lost on its way to a leader that goes on leading arrives once.
func TestA9LostOnTheWay(t *testing.T) {
	s := newScene(t)
	lead := s.leader()
	from := s.others(lead)[0]
	s.net.blocked[[2]uint64{from.id, lead.id}] = true
	c := s.call(from)
	c.send(caucus.Command{"APPEND", journal, "x"})
	s.pass(20 * millisecond)
	delete(s.net.blocked, [2]uint64{from.id, lead.id})
	s.reconnect(from, lead)
	if r := c.wait(second / 2); r.Int != 1 {
		t.Fatalf("the answer was %v", r)
	}
}

// SAFETY A9: a batch that a leader took and could not commit goes to the next leader, and is applied once.
func TestA9TakenByADeposedLeader(t *testing.T) {
	s := newScene(t)
	lead := s.leader()
	from := s.others(lead)[0]
	for _, n := range s.others(lead) {
		s.net.blocked[[2]uint64{lead.id, n.id}] = true // it hears, and is not heard
	}
	c := s.call(from)
	c.send(caucus.Command{"APPEND", journal, "x"})
	s.pass(20 * millisecond)
	for _, n := range s.others(lead) {
		n.notice(lead.id)
	}
	if r := c.wait(second); r.Int != 1 {
		t.Fatalf("the answer was %v", r)
	}
	clear(s.net.blocked)
	s.until(3*second, s.agreed)
	for _, n := range s.nodes {
		if got := n.value(journal); got != "x" {
			t.Errorf("%s has %q", n.name, got)
		}
	}
}

// SAFETY A9: what never left is certainly not applied; of what left and was not met nobody knows.
func TestA9WordsAreTrue(t *testing.T) {
	s := newScene(t)
	lead := s.leader()
	from := s.others(lead)[0]
	sent, unsent := s.call(from), s.call(from)
	for _, n := range s.others(lead) {
		s.net.blocked[[2]uint64{lead.id, n.id}] = true
		s.net.blocked[[2]uint64{n.id, lead.id}] = true
	}
	s.net.blocked[[2]uint64{from.id, s.others(lead)[1].id}] = true
	sent.send(caucus.Command{"APPEND", journal, "x"})
	s.pass(5 * millisecond)
	from.notice(lead.id)
	s.pass(5 * millisecond)
	unsent.send(caucus.Command{"APPEND", journal, "y"})
	if r := sent.wait(2 * second); !fails(r, caucus.ErrUncertain) {
		t.Errorf("what was sent was answered %v", r)
	}
	if r := unsent.wait(2 * second); !fails(r, caucus.ErrTryAgain) {
		t.Errorf("what was not sent was answered %v", r)
	}
}

// SAFETY A9: a node that starts again begins its numbers again, and its log answers nobody.
func TestA9NewBootBeginsAgain(t *testing.T) {
	s := newScene(t)
	from := s.others(s.leader())[0]
	for i := range 5 {
		if r := s.call(from).must("APPEND", journal, "x"); r.Int != int64(i+1) {
			t.Fatalf("the answer was %v", r)
		}
		from.stop(i%2 == 0, true)
		from.start()
		s.until(second, s.agreed)
	}
}

// SAFETY A10: reads are answered at their places between the writes, on every node.
func TestA10ReadsBetweenWrites(t *testing.T) {
	s := newScene(t)
	for _, n := range s.nodes {
		c := s.call(n)
		c.send(caucus.Command{"GET", "a"}, caucus.Command{"SET", "a", n.name}, caucus.Command{"GET", "a"},
			caucus.Command{"SET", "a", ""}, caucus.Command{"GET", "a"})
		c.wait(second)
		if r := c.replies; r[0].Text() != "" || r[2].Text() != n.name || r[4].Text() != "" {
			t.Errorf("%s answered %v", n.name, r)
		}
	}
}

// SAFETY B1: a peer cannot propose, make a leader forget itself, or hand leadership over.
func TestB1ForeignMessages(t *testing.T) {
	s := newScene(t)
	lead := s.leader()
	other := s.others(lead)[0]
	index, term := lead.r.State().Index(), lead.r.Status().Term
	for _, kind := range []pb.MessageType{pb.MsgProp, pb.MsgForgetLeader, pb.MsgTransferLeader, pb.MsgHup,
		pb.MsgBeat, pb.MsgCheckQuorum, pb.MsgStorageAppendResp, pb.MsgUnreachable, pb.MsgSnap} {
		m := &pb.Message{Type: kind.Enum(), From: &other.id, To: &lead.id, Term: new(uint64),
			Entries: []*pb.Entry{{Data: []byte("foreign")}}}
		lead.input(func(now replica.Time) { lead.r.Receive(now, other.id, replica.Frame{Raft: m}) })
	}
	stranger := uint64(99)
	m := &pb.Message{Type: pb.MsgHeartbeatResp.Enum(), From: &stranger, To: &lead.id, Term: &term}
	lead.input(func(now replica.Time) { lead.r.Receive(now, other.id, replica.Frame{Raft: m}) })
	s.pass(second)
	if !lead.r.Leads() || lead.r.Status().Term != term || lead.r.State().Index() != index {
		t.Fatal("a message that a peer may not send had an effect")
	}
}

// SAFETY B2: a learner whose leader has only a snapshot older than the learner still gets the state.
func TestB2NewcomerGetsASnapshotThatNamesIt(t *testing.T) {
	s := newScene(t)
	s.call(s.leader()).must("SET", "k0", "here")
	n := s.newcomer()
	s.until(3*second, func() bool { return n.r != nil && len(n.r.Status().Voters) == 4 && s.agreed() })
	if got := n.value("k0"); got != "here" {
		t.Fatalf("the newcomer has %q", got)
	}
	if n.r.Status().Last < 2 {
		t.Fatal("the newcomer got no snapshot; the test shows nothing")
	}
}

// SAFETY B3: the commit index on disk may lie behind the snapshot.
func TestB3CommitBehindTheSnapshot(t *testing.T) {
	s := newScene(t)
	lead := s.leader()
	lead.input(func(now replica.Time) { lead.r.AskCheckpoint(now, nil) })
	s.until(second, func() bool { return s.checks.counts["checkpoints"] > 0 })
	lead.stop(true, true)
	restored, err := lead.disk.open()
	if err != nil {
		t.Fatal(err)
	}
	if restored.Snapshot.GetIndex() < 2 {
		t.Fatal("there is no newer snapshot; the test shows nothing")
	}
	*restored.HardState.Commit = 1
	lead.boot, lead.boots = s.newID(), lead.boots+1
	r, err := replica.Open(lead.config(), restored, lead.clock.time())
	if err != nil {
		t.Fatal(err)
	}
	if s := r.Status(); s.Applied != restored.Snapshot.GetIndex() || s.Commit < s.Applied {
		t.Fatalf("it has applied %d and knows %d to be committed", s.Applied, s.Commit)
	}
}

// A node without anything on its disk is no voter, and founds nothing by itself.
func TestEmptyNodeStaysQuiet(t *testing.T) {
	s := silentScene(t)
	n := newNode(s.World, 5)
	s.nodes = append(s.nodes, n)
	n.start()
	s.pass(5 * second)
	if n.r.Leads() || n.r.Status().Term != 0 {
		t.Fatal("a node that belongs to no ensemble campaigned")
	}
	if len(n.r.State().Nodes()) > 0 {
		t.Fatal("a node that belongs to no ensemble knows nodes")
	}
}
