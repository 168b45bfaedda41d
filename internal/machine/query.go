package machine

import "github.com/caucus-project/caucus/internal/entry"

// What the leader's clocks ask of the state.

// SessionState is a session as the leader's clocks see it.
type SessionState struct {
	ID     entry.Session
	TTL    int64  // milliseconds
	Grace  int64  // milliseconds
	Attach uint64 // the current attachment number
	Node   uint64 // raft id of the node that it is attached to
	Boot   entry.Boot
	User   string // whose it is
	Bound  bool   // a connection carries it
	Inside bool   // and it lies within that node's own process
	Drop   bool   // that connection was closed from the client's side; GRACE runs
	Mark   int    // quarters of its TTL that it is known to have been silent, 0..3
	// Evicted says that no sign of its life counts any more, and that it ends when its promise does.
	Evicted bool
}

// Promise gives P of SAFETY A2 in milliseconds: for how long after it last sent something that counts the
// holder may believe in what it holds.
func (s SessionState) Promise() int64 {
	if !s.Bound || s.Grace == 0 {
		return s.TTL
	}
	return min(s.TTL, s.Grace)
}

// Pending is something of a group that was revoked or never granted, and waits to be granted (SAFETY A3).
type Pending struct {
	Group  string
	Token  uint64 // what the Grant decision must name; the version from which holders know of it
	Settle int64  // milliseconds that must pass with no further change, 0 for none
	Lead   bool   // the leadership, not the assignment
	// Granted is the epoch or term that was revoked last, 0 for none: while it is the same, nothing
	// was granted in between.
	Granted uint64
	// Holders are the sessions that may still believe in what was revoked: they have neither given it up nor
	// ended.
	Holders []entry.Session
}

// Session finds a session.
func (s *state) Session(id entry.Session) (SessionState, bool) {
	if found, ok := s.session(id); ok {
		return found.state(), true
	}
	return SessionState{}, false
}

// Sessions visits all sessions, in the order of their ids, until do says no.
func (s *state) Sessions(do func(SessionState) bool) {
	s.sessions.Scan(func(_ string, found *session) bool { return do(found.state()) })
}

// SessionCount gives how many sessions there are.
func (s *state) SessionCount() int { return s.sessions.Len() }

// SessionsAt gives how many sessions are attached to a node.
func (s *state) SessionsAt(node uint64) int {
	n, _ := s.attached.Get(node)
	return n
}

// count notes that a node has more or fewer sessions.
func (s *state) count(node uint64, by int) {
	if n := s.SessionsAt(node) + by; n > 0 {
		s.attached.Set(node, n)
	} else {
		s.attached.Delete(node)
	}
}

// GroupCount gives how many groups there are.
func (s *state) GroupCount() int { return s.groups.Len() }

// Leader gives the name of the member that leads a group, "" while there is none.
func (s *state) Leader(group string) string {
	if g, ok := s.groups.Get(group); ok && g.leader != 0 {
		return g.holder().name
	}
	return ""
}

// Version gives v(S) of SAFETY A2: what a promise to the session shows, 0 for one that has ended. A holder
// that had a promise at the version of a Pending's token, or a later one, knows of that revocation.
func (s *state) Version(id entry.Session) uint64 {
	if found, ok := s.session(id); ok {
		return s.version(found)
	}
	return 0
}

// Pending gives what of a group waits for a Grant. The holders are listed anew at each call, which
// costs their number.
func (s *state) Pending(group string) []Pending {
	g, ok := s.groups.Get(group)
	if !ok {
		return nil
	}
	var all []Pending
	if former, ok := g.members.Get(g.revokedFrom); ok && g.leadToken != 0 {
		all = append(all, Pending{Group: g.name, Token: g.leadToken, Lead: true, Granted: g.term,
			Holders: []entry.Session{former.session}})
	}
	if !g.settled && !g.isLock() && (g.enough() || g.held()) {
		all = append(all, Pending{Group: g.name, Token: g.token, Settle: g.settle, Granted: g.epoch,
			Holders: g.holders()})
	}
	return all
}

// holders gives the sessions that may still believe in the assignment that was revoked.
func (g *group) holders() []entry.Session {
	holders := make([]entry.Session, 0, g.indexed)
	if g.settled || !g.held() {
		return holders
	}
	g.members.Scan(func(_ uint64, mb *member) bool {
		if mb.index > 0 {
			holders = append(holders, mb.session)
		}
		return true
	})
	return holders
}

// Pendings visits all that waits to be granted, in the order of the groups' names, until do says no.
func (s *state) Pendings(do func(Pending) bool) {
	s.groups.Scan(func(name string, _ *group) bool {
		for _, p := range s.Pending(name) {
			if !do(p) {
				return false
			}
		}
		return true
	})
}
