package machine

import (
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/users"
	"github.com/tidwall/btree"
)

// state is all that is replicated. Every field is a plain value or a copy-on-write tree.
type state struct {
	cluster  [16]byte // the ensemble's random id
	level    uint16   // feature level in force (SAFETY B20)
	index    uint64   // of the last entry applied
	term     uint64   // of the last entry applied
	stamp    int64    // the ensemble's clock at that entry, microseconds since 1970
	begun    uint64   // term in which that clock was last begun anew (SAFETY A14)
	counter  uint64   // terms, epochs, attachments, lives and revisions come from it; only rises (SAFETY A16)
	nextNode uint64   // the raft id that the next node will get; ids are used once
	quorum   uint64   // so many must vote before anybody is served (SAFETY A12); 0 once they did
	beyond   uint64   // how many entries were applied at the level Next

	notify string // notify-keyspace-events, "" for none
	limits limits
	users  *users.Book // who may do what

	keys      keyspace
	history   history                     // of the keys
	pops      popLine                     // who waits for elements
	sessions  btree.Map[string, *session] // by the 16 bytes of entry.Session
	attached  btree.Map[uint64, int]      // by raft id: how many sessions a node has; follows from them
	groups    btree.Map[string, *group]   // by name
	nodes     btree.Map[uint64, *Node]    // by raft id
	leaving   btree.Map[uint64, string]   // names of nodes that were removed, and may still be needed for a vote
	reserved  btree.Map[string, string]   // names of nodes that are expected, and the client address of each
	origins   btree.Map[uint64, origin]   // by raft id: how far each node's stream has been applied
	digests   digests                     // of the states of all nodes, as they were compared last
	deadlines *btree.BTreeG[deadline]     // what falls due by the ensemble's clock (SAFETY B6)
}

// origin says how far the batches of one node have been applied (SAFETY A9).
type origin struct {
	Boot   entry.Boot
	Term   uint64
	Number uint64
}

// copy gives a second state that shares everything with the first until either is changed.
func (s *state) copy() *state {
	c := *s
	c.keys = s.keys.copy()
	c.history = s.history.copy()
	c.pops = s.pops.copy()
	c.sessions = *s.sessions.Copy()
	c.attached = *s.attached.Copy()
	c.groups = *s.groups.Copy()
	c.nodes = *s.nodes.Copy()
	c.leaving = *s.leaving.Copy()
	c.reserved = *s.reserved.Copy()
	c.origins = *s.origins.Copy()
	c.deadlines = s.deadlines.Copy()
	return &c
}

// next raises the one counter and gives its new value.
func (s *state) next() uint64 {
	s.counter++
	return s.counter
}
