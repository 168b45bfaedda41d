package node

import (
	"context"
	"sync"
	"time"

	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/machine"
)

// A node that dies is noticed by the leader's replica, whatever its session was granted; the TTL is for one
// that vanishes silently, and the grace is for how long others wait for what a node may believe.
var nodeSession = client.SessionOptions{TTL: 2 * time.Second, Grace: 250 * time.Millisecond}

// seat is this node's place in the group of the nodes. Who leads that is what a program means by the leader
// (SAFETY A6): one at a time, by the rule of belief, which raft's role is not.
type seat struct {
	mu      sync.Mutex
	session *client.Session
	member  *client.Member // nil while it has no place
	leader  string         // the member that led when this node last applied something of the group
	changed chan struct{}  // closed and made anew when any of this changes
}

func newSeat() *seat { return &seat{changed: make(chan struct{})} }

// set changes what the seat knows.
func (s *seat) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	close(s.changed)
	s.changed = make(chan struct{})
}

// taken gives the node's place, nil while it has none.
func (s *seat) taken() *client.Member {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.member
}

// watch gives channels of which one is closed when the node's standing may have changed, if not for the
// end of its newest promise, which comes after what is left.
func (s *seat) watch() (changed, ofMember <-chan struct{}, left time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.member == nil {
		return s.changed, nil, 0
	}
	return s.changed, s.member.Changed(), s.session.Left()
}

// led notes who leads the group, as this node applies it. It is called by the replica's owner.
func (s *seat) led(by string) {
	s.mu.Lock()
	same := by == s.leader
	s.mu.Unlock()
	if !same {
		s.set(func() { s.leader = by })
	}
}

// heard gives who leads as far as this node has heard, "" when that may not be so any more.
func (s *seat) heard() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session == nil || s.session.Left() == 0 {
		return ""
	}
	return s.leader
}

// sit keeps this node in the group of the nodes until ctx ends, and then has it leave.
func (n *Node) sit(ctx context.Context) {
	spoke := time.Now()
	for ctx.Err() == nil {
		session, err := n.self.Session(ctx, nodeSession)
		if err != nil {
			n.hindered(ctx, err, &spoke)
			continue
		}
		if member := n.takeSeat(ctx, session, &spoke); member != nil {
			n.stay(ctx, session, member)
		} else {
			n.quit(session)
		}
	}
}

// takeSeat joins, as soon as no former session of this node is there any more: after a start that followed no
// stop, its end is still to come. It gives nil when the session or ctx ended before.
func (n *Node) takeSeat(ctx context.Context, s *client.Session, spoke *time.Time) *client.Member {
	for s.Err() == nil && ctx.Err() == nil {
		m, err := s.Join(ctx, machine.NodesGroup, client.JoinOptions{Name: n.me.Name, Metadata: n.me.Metadata,
			Settle: client.Immediately})
		if err == nil {
			return m
		}
		n.hindered(ctx, err, spoke)
	}
	return nil
}

// seatRetry is how long a node waits before it asks for its place again.
const seatRetry = 50 * time.Millisecond

// hindered waits a moment after an error, and says now and then what it is.
func (n *Node) hindered(ctx context.Context, err error, spoke *time.Time) {
	if time.Since(*spoke) > joinWord && ctx.Err() == nil {
		*spoke = time.Now()
		n.log.Warn("this node has no place among the nodes yet; trying on", "group", machine.NodesGroup,
			"error", err)
	}
	rest(ctx, seatRetry, nil, nil)
}

// stay has this node be a member until it is one no more, or ctx ends, and closes the session. The program
// leads meanwhile when the node does, and has stopped when stay returns.
func (n *Node) stay(ctx context.Context, s *client.Session, m *client.Member) {
	n.seat.set(func() { n.seat.session, n.seat.member = s, m })
	defer n.seat.set(func() { n.seat.session, n.seat.member = nil, nil })
	var leading sync.WaitGroup
	defer leading.Wait()
	defer n.quit(s)
	if n.cfg.OnLeader != nil {
		leading.Go(func() { _ = m.Lead(context.Background(), n.rule) }) // it fails when the member is none any more
	}
	for changed := m.Changed(); m.Err() == nil && ctx.Err() == nil; changed = m.Changed() {
		rest(ctx, 0, nil, changed)
	}
}

// quit closes the session, in good order if the ensemble can be told.
func (n *Node) quit(s *client.Session) {
	if err := s.Close(); err != nil {
		n.log.Debug("leaving the group of the nodes", "error", err)
	}
}

// IsLeader says whether this node leads the ensemble's nodes now, as a program understands it: at any
// moment at most one node is told so, whatever pauses, clocks (within 1 % in rate) and networks do, since
// a node stops believing by its own clocks before another is chosen (SAFETY A2, A6). It never waits. It
// may be false for a moment while nodes come and go. What is done after the call takes time: ask again
// often, or guard writes by Term.
//
// It is the leadership of the group "nodes", which every node joins; the one that has been in it longest
// leads. It has nothing to do with raft's role, which INFO shows.
func (n *Node) IsLeader() bool {
	_, ok := n.Term()
	return ok
}

// Term is IsLeader with the number of the leadership, which rises with every new one: a fencing token. A
// transaction that begins with GUARD nodes TERM n is applied only while it lasts: in Go one with
// client.GuardTerm("nodes", term), as the example shows.
func (n *Node) Term() (term uint64, ok bool) {
	if m := n.seat.taken(); m != nil {
		return m.IsLeader()
	}
	return 0, false
}

// Leader gives the node that leads, this one included; ok is false when nobody is known to: while a
// leader is being chosen, and while this node has not been heard by a majority for a quarter of a second.
// Only what IsLeader says of the node itself is certain; of another this is the newest that was heard,
// for sending users there. It never waits.
func (n *Node) Leader() (leader Peer, ok bool) {
	name := n.seat.heard()
	p, ok := n.find(func(p machine.Node) bool { return p.Name == name })
	if !ok || name == n.me.Name && !n.IsLeader() {
		return Peer{}, false
	}
	return asPeer(n.present(p)), true
}

// Peers gives all nodes of the ensemble in the order in which they were admitted, this one and those that
// cannot be reached just now among them. It never waits.
func (n *Node) Peers() []Peer {
	var all []Peer
	for _, p := range *n.nodes.Load() {
		all = append(all, asPeer(n.present(p)))
	}
	return all
}

func asPeer(p machine.Node) Peer { return Peer{Name: p.Name, Addr: p.Client, Metadata: p.Metadata} }
