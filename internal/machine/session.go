package machine

import (
	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/tidwall/btree"
)

// session is a client's claim to be alive. When it was last heard is the leader's own knowledge and never
// stands here (SAFETY A5).
type session struct {
	id     entry.Session
	ttl    int64      // milliseconds
	grace  int64      // milliseconds
	attach uint64     // the current attachment number; what speaks of another is ignored (SAFETY A4)
	node   uint64     // raft id of the node that it is attached to
	boot   entry.Boot // of that node
	bound  bool       // a connection carries it
	inside bool       // that lies within the node's own process, and ends unseen with it (SAFETY A6)
	drop   bool       // that connection was closed from the client's side; GRACE runs
	// It is acknowledged no more and speaks no more; it is over once its promise is (SAFETY B21).
	evicted bool
	user    string // whose it is: nobody else may speak for it
	mark    int    // quarters of its TTL that it is known to have been silent, 0..3

	places places // its memberships
	once   window // the replies of its last numbered requests (SAFETY A15)
}

// IsoCopy gives a session that shares everything with the first until either is changed (SAFETY B12).
func (s *session) IsoCopy() *session {
	c := *s
	if s.once.replies != nil {
		c.once.replies = s.once.replies.Copy()
	}
	return &c
}

// share copies a tree in constant time; copies of empty trees share nothing.
func share[K ~string | ~uint64 | ~int64, V any](m *btree.Map[K, V]) btree.Map[K, V] {
	if m.Len() == 0 {
		return btree.Map[K, V]{}
	}
	return *m.Copy()
}

// state gives what the leader's clocks have to know.
func (s *session) state() SessionState {
	return SessionState{ID: s.id, TTL: s.ttl, Grace: s.grace, Attach: s.attach, Node: s.node,
		Boot: s.boot, User: s.user, Bound: s.bound,
		Inside: s.bound && s.inside, Drop: s.drop, Mark: s.mark, Evicted: s.evicted}
}

// promise gives for how long, in milliseconds, nothing is taken from a session that was heard just now. A
// session with a quarter mark can be promised no more than what the next leader would leave it (SAFETY A5),
// and one whose connection was closed nothing.
func (s *session) promise() int64 {
	if s.drop {
		return 0
	}
	return min(s.state().Promise(), s.ttl*int64(4-s.mark)/4)
}

// session finds a session; whoever changes it uses Machine.session.
func (s *state) session(id entry.Session) (*session, bool) { return s.sessions.Get(string(id[:])) }

// session finds a session that may be changed.
func (m *Machine) session(id entry.Session) (*session, bool) {
	return m.sessions.GetMut(string(id[:]))
}

// touchSession tells the leader's clocks to look at a session again.
func (m *Machine) touchSession(id entry.Session) { m.out.Sessions = append(m.out.Sessions, id) }

// version gives v(S) of SAFETY A2: the last revocation among the groups that the session is in.
func (s *state) version(of *session) uint64 {
	var v uint64
	of.places.Scan(func(name string, _ uint64) bool {
		if g, ok := s.groups.Get(name); ok {
			v = max(v, g.revoked)
		}
		return true
	})
	return v
}

// speaker gives the id of the session that an operation speaks for. One that has none yet speaks for the one
// that it may open, so that a pipeline can go on with what its first command has opened.
func (q *query) speaker() entry.Session {
	if q.op.Session != (entry.Session{}) {
		return q.op.Session
	}
	return q.op.Fresh
}

// speaks says whether the operation comes from where the session is attached now. Attachment 0 means
// whatever is current. A session whose connection was closed speaks no more until it is resumed, one that
// was evicted never again.
func (q *query) speaks(s *session) bool {
	return !s.drop && !s.evicted && (q.op.Attach == 0 || q.op.Attach == s.attach)
}

// own finds the session that speaks.
func (q *query) own() (*session, *caucus.Error) {
	id := q.speaker()
	if id == (entry.Session{}) {
		return nil, caucus.Errorf(caucus.ErrNoSession,
			"this connection carries no session; SESSION OPEN or GROUP JOIN gives it one")
	}
	s, ok := q.s.session(id)
	switch {
	case ok && s.user != q.op.User:
		return nil, errNotYours
	case ok && q.speaks(s):
		return s, nil
	case ok && s.evicted:
		return nil, errEvicted
	}
	return nil, caucus.Errorf(caucus.ErrNoSession, "the session has ended or was resumed elsewhere; "+
		"SESSION OPEN begins a new one")
}

var errEvicted = caucus.Errorf(caucus.ErrNoSession,
	"the session was evicted by GROUP EVICT; SESSION OPEN begins a new one")

var errNotYours = caucus.Errorf(caucus.ErrNoPerm, "the session is another user's, who alone may speak for it")

// theirs finds the session of a hash that a client has named, if it may speak for it.
func (q *query) theirs(hash string) (*session, *caucus.Error) {
	s, ok := q.s.session(hashOf(hash))
	switch {
	case !ok:
		return nil, caucus.Errorf(caucus.ErrNoSession, "the session has ended; SESSION OPEN begins a new one")
	case s.user != q.op.User:
		return nil, errNotYours
	}
	return s, nil
}

// nodeName gives the name of a node, "" when it is gone.
func (s *state) nodeName(id uint64) string {
	if n, ok := s.nodes.Get(id); ok {
		return n.Name
	}
	return ""
}
