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
	Bound  bool   // a connection carries it
	Drop   bool   // that connection was closed from the client's side; GRACE runs
	Mark   int    // quarters of its TTL that it is known to have been silent, 0..3
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
	// Holders are the sessions that may still believe in what was revoked: they have neither given it up nor
	// ended.
	Holders []entry.Session
}
