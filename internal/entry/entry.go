package entry

import "github.com/caucus-project/caucus"

// Level is the highest feature level that this code supports. The ensemble's level is in the state and is
// raised by an entry once every node supports it; changed behaviour asks for the level (SAFETY B20).
const Level = 1

// Session names a session in the log and in the state: the first 16 bytes of the SHA-256 of its id, so
// that a log or a dump never holds what would let a reader act for somebody (SAFETY B9). The zero value is
// "no session".
type Session [16]byte

// Boot names one run of one node's process. It is random and new at every start.
type Boot [16]byte

// Entry is the payload of one log entry.
type Entry struct {
	Level   uint16  // the ensemble's feature level when it was proposed
	Stamp   int64   // the ensemble's clock, microseconds since 1970; never goes back
	Term    uint64  // the raft term of the leader that decided and proposed it
	Seed    uint64  // from the leader, for commands that draw at random
	Notes   []Op    // the leader's own decisions (expiries, settlings, marks), applied first
	Batches []Batch // what clients asked for, in the order in which the leader took it
}

// Batch is what one node sent at once: the writes of one or more pipelines. Batches of one boot and term are
// numbered from 1 without gaps and applied once each (SAFETY A9).
type Batch struct {
	Node   uint64 // raft id of the node where the clients sit
	Boot   Boot
	Number uint64
	Ops    []Op
}

// Op is one operation and who asks for it.
type Op struct {
	Conn    uint64           // the connection, a number of its node's; 0 for the node itself
	Request uint64           // the request's number on that connection
	Session Session          // the session that the connection carries
	Attach  uint64           // the attachment number under which it carries it (SAFETY A4)
	Fresh   Session          // a session that this operation may open
	Bound   bool             // whether a connection carries the session, so that GRACE has a meaning
	Once    uint64           // number for exactly-once within the session, 0 for none (SAFETY A15)
	User    string           // who is logged in, "" for the default user
	Args    caucus.Command   // the command
	Queue   []caucus.Command // the commands of a transaction; Args is then EXEC
	Watch   []Watch          // what the transaction depends on
}

// Watch is one key that a transaction depends on (SAFETY B8).
type Watch struct {
	Key      string
	Revision uint64 // the key's revision when it was watched; for an absent key the store's
	Present  bool
}

// Step is one piece of a pipeline: an operation and whether it changes state. Writes go through the log;
// reads are answered, at their places between the writes, by the node where the client sits (SAFETY A10).
type Step struct {
	Op    *Op
	Write bool
}

// Result is what a step came to.
type Result struct {
	Reply caucus.Reply
	// Attach is the new attachment number when the step opened or resumed a session: the connection carries
	// it from here on. 0 otherwise.
	Attach uint64
}

// Beat is a sign of life of a session, gathered by the node where the client sits.
type Beat struct {
	Session Session
	Attach  uint64 // 0: whatever attachment is current (KEEPALIVE with ids, HTTP)
	// Seen is the version of the last promise that the client is known to have received, because it sent this
	// request after it (SAFETY A3). 0 when nothing is known.
	Seen uint64
	// User is who says so, when Attach is 0: the beat counts if the session is his. With an attachment that
	// was judged when it was made.
	User string
}

// Event is something that happened in a group and went through the log. Seq has no gaps within a life of
// the group and is the same on every node.
type Event struct {
	Group string
	Seq   uint64
	JSON  string // the whole event as WIRE describes it, fields in a fixed order
}
