package replica_test

import (
	"testing"

	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/replica"
)

// inside is the session of a node itself, which no connection carries that others could see break.
func (w *trio) inside(s *seat, id byte, options ...string) speaker {
	w.t.Helper()
	p := speaker{id: entry.Session{id}}
	b := w.ofNode(write(append([]string{"SESSION", "OPEN"}, options...)...))
	b.Steps[0].Op.Fresh, b.Steps[0].Op.Bound = p.id, true
	w.must(w.ask(s, b))
	a, _ := w.answer(b)
	p.attach = a.Results[0].Attach
	return p
}

// ofNode makes a request one of the node's own.
func (w *trio) ofNode(b *replica.Batch) *replica.Batch {
	b.Steps[0].Op.User = machine.NodeUser
	return b
}

// enrol makes nodes members of their group, in this order, so that the first leads it.
func (w *trio) enrol(list ...*seat) map[*seat]speaker {
	w.t.Helper()
	members := map[*seat]speaker{}
	for _, s := range list {
		members[s] = w.inside(s, byte(0x60+s.id), "TTL", "2000", "GRACE", "250")
		w.enter(s, members[s])
	}
	return members
}

func (w *trio) enter(s *seat, p speaker) {
	w.t.Helper()
	name := s.called()
	join := w.ofNode(p.say(write("GROUP", "JOIN", machine.NodesGroup, "AS", name, "SETTLE", "0")))
	if r := w.must(w.ask(s, join)); r.Str != name {
		w.t.Fatalf("JOIN was answered %v", r)
	}
}

// pulse lets time pass while the nodes that live keep their sessions alive.
func (w *trio) pulse(d int64, members map[*seat]speaker) {
	w.t.Helper()
	for end := w.now + d; w.now < end; w.pass(heartbeat) {
		for _, s := range w.nodes {
			if p, ok := members[s]; ok && s.r != nil {
				w.ask(s, p.keepAlive())
			}
		}
	}
}

// first gives the name of who leads the group of the nodes, "" when nobody does.
func (w *trio) first(at *seat) string {
	w.t.Helper()
	r := w.must(w.ask(at, read("GROUP", "LEADER", machine.NodesGroup)))
	if r.IsNil() {
		return ""
	}
	return r.Items[0].Str
}

// dropped says whether a node knows that a session's connection was lost, or has ended the session.
func dropped(s *seat, p speaker) bool {
	state, ok := s.r.State().Session(p.id)
	return !ok || state.Drop
}

func TestA6_ANodeThatDiesIsFollowed(t *testing.T) {
	for _, leads := range []bool{true, false} {
		w := newTrio(t)
		dead := w.leader()
		if !leads {
			dead = w.others(dead)[0]
		}
		rest := w.others(dead)
		members := w.enrol(dead, rest[0], rest[1])
		w.pulse(500*millisecond, members)
		if name := w.first(dead); name != dead.called() {
			t.Fatalf("%s leads, not %s", name, dead.called())
		}
		w.die(dead)
		w.pulse(200*millisecond, members)
		if over(rest[0], members[dead]) {
			t.Errorf("leads %v: the session ended before its GRACE, and its node might believe still", leads)
		}
		w.pulse(200*millisecond, members)
		if name := w.first(rest[0]); name != rest[0].called() {
			t.Errorf("leads %v: %q leads 400 ms after the death of the first", leads, name)
		}
	}
}

// called gives the name under which a node is a member.
func (s *seat) called() string { return record(s.id, 0).Name }

// Whose connections were reset, and whose door answers, lives; so does who is merely slow.
func TestA6_WhoLivesIsNotDropped(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	other := w.others(lead)[0]
	members := w.enrol(other, lead)
	w.cut(other)
	w.input(lead, func(r *replica.Replica) { r.PeerFollows(w.time(), other.id) })
	w.pulse(300*millisecond, members)
	if dropped(lead, members[other]) {
		t.Error("a node was given up that only nobody heard")
	}
	w.input(lead, func(r *replica.Replica) {
		r.PeerLost(w.time(), other.id)
		r.PeerUp(w.time(), other.id)
	})
	w.pulse(300*millisecond, members)
	if dropped(lead, members[other]) {
		t.Error("a node was given up though it had been met again")
	}
	w.hold = nil
	w.pulse(3_000*millisecond, members)
	if w.first(lead) != other.called() {
		t.Error("it does not lead any more")
	}
}

// A client of another process has a connection that its node sees break; what becomes of the node says
// nothing about it (SAFETY A4). GRACE 0 promises all of TTL to who may only seem to be dead.
func TestA6_OnlyWhatIsInsideDiesWithTheNode(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	dead := w.others(lead)[0]
	stranger := w.open(dead, 1, "TTL", "1000", "GRACE", "100")
	vouched := w.inside(dead, 2, "TTL", "1000", "GRACE", "0")
	own := w.inside(dead, 3, "TTL", "1000", "GRACE", "100")
	b := write("SESSION", "OPEN", "TTL", "1000", "GRACE", "100")
	b.Steps[0].Op.Fresh, b.Steps[0].Op.Bound, b.Steps[0].Op.User = entry.Session{4}, true, machine.ProgramUser
	w.must(w.ask(dead, b))
	program := speaker{id: entry.Session{4}}
	w.die(dead)
	w.pass(heartbeat)
	for what, is := range map[string]bool{
		"a stranger's": dropped(lead, stranger), "one without grace": dropped(lead, vouched),
		"not the node's own": !dropped(lead, own), "not its program's": !dropped(lead, program),
	} {
		if is {
			t.Errorf("what was dropped is wrong: %s", what)
		}
	}
}

// A node that is back before anybody noticed takes its former life's place as soon as it is known to be back.
func TestA6_AFormerBootIsDropped(t *testing.T) {
	for _, leads := range []bool{true, false} {
		w := newTrio(t)
		back := w.leader()
		if !leads {
			back = w.others(back)[0]
		}
		rest := w.others(back)
		members := w.enrol(back, rest[0], rest[1])
		w.pulse(500*millisecond, members)
		former := members[back]
		delete(members, back)
		w.crash(back)
		w.start(back)
		w.pulse(1_200*millisecond, members) // less than TTL after it was heard last
		if !over(rest[0], former) {
			t.Fatalf("leads %v: the session of the former boot lives on", leads)
		}
		members[back] = w.inside(back, 0x70, "TTL", "2000", "GRACE", "250")
		w.enter(back, members[back])
		w.pulse(500*millisecond, members)
		if dropped(rest[0], members[back]) {
			t.Errorf("leads %v: the session of the new boot was dropped", leads)
		}
	}
}

// Who is taken for dead and is not takes up his session again, and keeps it.
func TestA6_WhoComesBackIsNotDroppedAgain(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	other := w.others(lead)[0]
	members := w.enrol(other, lead)
	was := members[other]
	w.input(lead, func(r *replica.Replica) { r.PeerLost(w.time(), other.id) })
	w.pass(10 * millisecond)
	if !dropped(lead, was) {
		t.Fatal("a node whose door refuses was not given up")
	}
	w.pass(heartbeat)
	resume := w.ofNode(write("SESSION", "RESUME", string(was.id[:])))
	resume.Steps[0].Op.Bound = true
	w.must(w.ask(other, resume))
	a, _ := w.answer(resume)
	members[other] = speaker{was.id, a.Results[0].Attach}
	w.pulse(1_000*millisecond, members)
	if dropped(lead, members[other]) || w.first(lead) != other.called() {
		t.Error("it was given up again")
	}
}

// What is known to be dead is said once, also while it is on its way, and also when it says nothing to the
// state: the log does not grow by it.
func TestA6_ADropIsLoggedOnce(t *testing.T) {
	w := newTrio(t)
	lead := w.leader()
	dead := w.others(lead)[0]
	own := w.inside(dead, 3, "TTL", "60000", "GRACE", "50000")
	let := w.inside(dead, 4, "TTL", "60000", "GRACE", "50000")
	b := w.ofNode(let.say(write("SESSION", "OPEN", "TTL", "60000", "GRACE", "50000")))
	b.Steps[0].Op.Fresh, b.Steps[0].Op.Bound = entry.Session{5}, true
	w.must(w.ask(dead, b)) // which lets the former go: nothing carries it any more
	w.pass(100 * millisecond)
	before := lead.r.State().Index()
	w.others(lead)[1].stuck = true
	w.die(dead)
	w.pass(500 * millisecond)
	w.others(lead)[1].stuck = false
	w.store(w.others(lead)[1])
	w.drain(w.others(lead)[1])
	w.pass(500 * millisecond)
	if !dropped(lead, own) || dropped(lead, let) {
		t.Error("the wrong session was dropped")
	}
	if n := lead.r.State().Index() - before; n != 1 {
		t.Errorf("the log grew by %d entries", n)
	}
}
