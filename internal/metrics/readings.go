package metrics

import "time"

// Readings are what a node says of itself at one moment. A part that is nil is not known then, and its
// metrics are left out: better none than a wrong one.
type Readings struct {
	Version, GoVersion string
	Ready              bool

	Clients Door // over RESP
	HTTP    Door
	// Commands, by family, and Refusals, error replies over RESP by their first word.
	Commands map[string]Commands
	Refusals map[string]uint64
	// Responses over HTTP, by status.
	Responses map[int]uint64

	// TLS is nil when the node speaks none.
	TLS *TLS
	// ClientBytes is what clients hold beyond what each may hold in any case.
	ClientBytes int64
	// FailedLogins counts passwords that were wrong, RateRefused commands beyond what a user may ask for.
	FailedLogins, RateRefused uint64
	// Limits are the bounds in force, and LimitRefusals what was refused because of one, by its name. A limit
	// that bounds nothing has no place in Limits.
	Limits        map[string]int64
	LimitRefusals map[string]uint64
	// Waiting counts commands of clients that wait for something to happen.
	Waiting int64

	*Ensemble // nil before the node has read its log
	*State    // nil as well when the node's owner does not answer
}

// Door is one way in for clients.
type Door struct {
	Open, Subscribers       int
	Accepted                uint64
	TooMany, Denied, Cut    uint64 // connections that were turned away, or closed because their reader is slow
	ReadBytes, WrittenBytes uint64
}

// TLS is what is known of a node's certificates.
type TLS struct {
	NotAfter time.Time         // when the node's own ends, or an authority by which it is believed
	Refused  uint64            // times that files which had changed were of no use
	Failed   map[string]uint64 // handshakes that failed, by door
}

// Commands are those of one family.
type Commands struct {
	Done, Failed, Rejected uint64
	Took                   time.Duration // that clients waited, in sum
}

// Ensemble is how the node stands among the others, its log and its peers.
type Ensemble struct {
	Name, Cluster                       string
	Role                                string // leader, follower, candidate or learner
	Term, Leader                        uint64 // Leader is the raft id, 0 when none is known
	Voters, Learners                    int
	Commit, Applied                     uint64
	Campaigns, Won, Leaders             uint64
	FirstEntry, LastEntry               uint64
	LogBytes                            int64
	DiskBytes, Syncs                    uint64
	Snapshots                           Snapshots
	Vitals                              Vitals
	Ends                                map[string]uint64 // sessions, by reason
	ExpiredKeys                         uint64
	Peers                               []Peer
	PeerSentBytes, PeerReceivedBytes    uint64
	FramesSent, FramesReceived, Dropped uint64
	Refused, Garbled, Connects, Foreign uint64
}

// Vitals say how the node's disk and clock are.
type Vitals struct {
	Clock       time.Duration // how far its wall clock is ahead of the ensemble's
	ClocksOff   int           // on the leader: voters whose wall clocks do not count
	RateOff     bool          // its clock and the leader's differ in rate by more than beliefs bear
	FreeBytes   uint64        // on its disk; 0 when not measured
	Low, Hung   bool          // the disk is low on space, does not answer
	DigestIndex uint64        // of the last comparison of digests
}

// Snapshots says how the writing of snapshots goes.
type Snapshots struct {
	Written, Failed uint64
	Writing         bool
	Last            uint64 // index
	At              time.Time
	Took            time.Duration
}

// Peer is what is known of another node.
type Peer struct {
	Name       string
	Up         bool
	Lag        uint64 // entries committed and not known to be there
	LagKnown   bool   // this node leads
	QueueBytes int
	Dropped    uint64
}

// State is what the replicated state holds.
type State struct {
	Sessions, Groups, Settling, Members int
	Keys, Expiring                      int
	LimitBytes                          int64 // of memory, 0 for none
	MemoryBytes                         int64
	Moving                              int // slots
	Stuck                               []Stuck
	Polls                               int // that are open
}

// Stuck is a member that was asked for slots and releases none.
type Stuck struct {
	Group, Member string
	Slots         int
}
