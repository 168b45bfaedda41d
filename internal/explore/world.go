package explore

import (
	"strconv"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/lease"
	"github.com/caucus-project/caucus/internal/machine"
)

// How large the world is.
const (
	memberCount = 3
	slotCount   = 4
	lockCount   = 2
	placeCount  = 1 + lockCount // the group, then the locks
)

// Time in the world. A quarter of the TTL is a tick, so that marks fall on ticks.
const (
	tickMillis = 100
	ttlTicks   = 4
	graceTicks = 2
	// memberTick is how far a member's slow clock gets in a tick of the leader's fast one, in microseconds: 0.99
	// by 1.01 (SAFETY A2).
	memberTick = tickMillis * 1000 * 99 / 101
)

// theGroup is the group that the members join; places are all that can be held something in.
const theGroup = "g"

var places = [placeCount]string{theGroup, caucus.LockGroup("a"), caucus.LockGroup("b")}

// lockName gives the name of the lock whose group is at the place.
func lockName(place int) string { return string(rune('a' + place - 1)) }

// theNode is where all clients sit.
var theNode = machine.Node{ID: 1, Name: "n1", Boot: entry.Boot{1}, Boots: 1}

// world is one state. A copy of it goes its own way, because everything that is shared is replaced and never
// changed.
type world struct {
	view     *machine.View
	sessions [memberCount]machine.SessionState
	lives    [memberCount]bool // whether there is such a session
	groups   [placeCount]machine.GroupState

	now     int64 // ticks
	term    uint64
	members [memberCount]member
	leader  leader
	newest  [placeCount]tokens
	left    Rarely
	locks   int // how many were asked for so far; the second is not before the first, since they are alike
}

// Rarely says how often something may happen in one trace that is rare in life and costly here.
type Rarely struct {
	Crashes   int // of members
	Elections int // of the ensemble's leader
	Evictions int // by an operator
	Transfers int // of the group's leadership, by an operator
	Moves     int // of a session to another connection, whose former one is seen to close later
}

// sessionOf names the session of a member.
func sessionOf(who int) entry.Session { return entry.Session{byte(who + 1)} }

// whose gives the member whose session it is, -1 for nobody's.
func whose(s entry.Session) int { return int(s[0]) - 1 }

// reading is what a member's clocks say.
func (w *world) reading() lease.Reading {
	return lease.Reading{Mono: w.now, Boot: w.now * memberTick, Wall: -w.now}
}

// stage carries a world's machine out of a view and back into one.
type stage struct {
	m      *machine.Machine
	number uint64 // of the batch that was applied last
	err    error  // the machine cannot go on, which is a violation like any other
}

// begin gives the world at whose start the sessions are open, and nothing else is.
func (s *stage) begin(left Rarely) *world {
	s.m = machine.New([16]byte{1}, 1)
	s.m.Admit(1, 1, machine.Node{ID: theNode.ID, Name: theNode.Name})
	w := &world{term: 1, left: left}
	s.write(w, machine.Boot(theNode))
	for i := range w.members {
		r := s.write(w, entry.Op{Fresh: sessionOf(i), Bound: true, Args: caucus.Command{"SESSION", "OPEN",
			"TTL", strconv.Itoa(ttlTicks * tickMillis), "GRACE", strconv.Itoa(graceTicks * tickMillis)}})
		w.members[i] = member{attach: r.Attach, lease: new(lease.Lease)}
	}
	s.settle(w)
	return w
}

// write applies an operation of a client, or of the node, and takes the answer.
func (s *stage) write(w *world, op entry.Op) entry.Result {
	s.number++
	out := s.apply(w, &entry.Entry{Batches: []entry.Batch{
		{Node: theNode.ID, Boot: theNode.Boot, Number: s.number, Ops: []entry.Op{op}}}})
	if s.err != nil {
		return entry.Result{}
	}
	return out.Batches[0].Results[0]
}

// apply applies an entry to the machine, which is at the world's view, and lets the leader see it.
func (s *stage) apply(w *world, e *entry.Entry) machine.Output {
	e.Term, e.Stamp = w.term, 1
	out, err := s.m.Apply(s.m.Index()+1, w.term, e, host{})
	if err != nil {
		s.err = err
		return out
	}
	w.leader.arrived(e)
	w.leader.touched(w, s.m, out)
	return out
}

// settle takes the machine back into the world.
func (s *stage) settle(w *world) {
	w.view = s.m.View()
	for i := range w.sessions {
		w.sessions[i], w.lives[i] = s.m.Session(sessionOf(i))
	}
	for i, name := range places {
		w.groups[i], _ = s.m.Group(name)
	}
}

// ask reads from the machine, which is at the world's view.
func (s *stage) ask(op entry.Op, args ...string) caucus.Reply {
	op.Args = args
	return s.m.Read(&op, 1, false, host{})
}

// host is a node that wants the answer to every operation.
type host struct{}

func (host) Publish(string, string) int { return 0 }
func (host) Send(*machine.Message)      {}
func (host) Panicked(string, any)       {}

// Steps gives the operations of a batch as they are.
func (host) Steps(b *entry.Batch) []entry.Step {
	steps := make([]entry.Step, len(b.Ops))
	for i := range b.Ops {
		steps[i] = entry.Step{Op: &b.Ops[i], Write: true}
	}
	return steps
}
