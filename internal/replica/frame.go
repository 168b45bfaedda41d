package replica

import (
	"github.com/caucus-project/caucus/internal/entry"
	pb "go.etcd.io/raft/v3/raftpb"
)

// Frame is what one replica sends to another. Exactly one field is set.
type Frame struct {
	Raft    *pb.Message // raft's own
	Batches *Batches    // to the leader: writes of the sender's clients
	Want    *Want       // from the leader: send again from here
	Round   *Round      // to the leader: confirm that you lead, and hear these sessions
	Confirm *Confirm    // from the leader: the answer to a round
	Vitals  *Vitals     // to the leader: how the sender is
	Traces  *Traces     // to the leader: which of the batches that come next are traced
}

// Batches is a piece of a node's stream to the leader of a term (SAFETY A9). The batches are numbered.
type Batches struct {
	Term uint64
	List []entry.Batch
}

// Traces tells the leader of a term to which traces batches belong that are sent right after it.
type Traces struct {
	Term uint64
	List []Traced // by number, rising
}

// Want asks for the stream of the term again from a number on, because something before it was lost.
type Want struct {
	Term uint64
	Next uint64
}

// Round asks the leader of a term to confirm that it still leads, after it has recorded the beats.
type Round struct {
	Term  uint64
	ID    uint64 // rises within the sender's boot
	Beats []entry.Beat
}

// Confirm answers a round: a quorum confirmed the leader after it had recorded the beats. Who has applied up
// to Index may answer the reads of the round.
type Confirm struct {
	Term  uint64
	ID    uint64
	Index uint64
	Stamp int64           // the leader's estimate of the ensemble's clock, microseconds
	Again []entry.Session // whose beats do not count yet: try again in another round
}
