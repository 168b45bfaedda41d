package replica

import (
	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
	pb "go.etcd.io/raft/v3/raftpb"
)

// Output is what came of the inputs since the last one.
type Output struct {
	// Writes go to disk in this order, each after those before it; when one is durable, Stored is due.
	Writes []Write
	// Send goes to peers, in order per peer. What cannot be sent is dropped.
	Send []Envelope
	// Snapshots are to be streamed to laggards; SnapshotSent is due for each.
	Snapshots []Shipment
	// Checkpoint, when not nil, is to be written as a snapshot of this node; Checkpointed is due.
	Checkpoint *Checkpoint
	// Saved answers AskCheckpoint.
	Saved []Saved
	// Digests are views whose digest is to be taken; Digested is due for each.
	Digests []*machine.View
	// Table says that a new table of digests is in the state.
	Table bool
	// Answers for batches, in no order.
	Answers []Answer
	// Led is how traced batches, of whatever nodes, went while this one led.
	Led []Led
	// Events of groups, in order, that were applied here.
	Events []entry.Event
	// Waits are the waits in line of this node's clients that ended.
	Waits []machine.WaitEnd
	// Reset says that the state was replaced by a snapshot: what it told listeners has a gap.
	Reset bool
	// Admitted answers Join, Outcomes answers Wish.
	Admitted []Admission
	Outcomes []Outcome
	// Nodes says that the table of nodes changed, or who is leaving.
	Nodes bool
	// Notices are what an operator may want to read.
	Notices []Notice
	// Wake is when Tick is due at the latest, on the monotonic clock.
	Wake int64
	// Fatal, when not nil, says why this node cannot go on. Nothing else will come. What it still has to
	// send is to be trusted only if it is a *DivergedError, from which the others shall learn too.
	Fatal error
}

// Write is something to be made durable.
type Write struct {
	Seq       uint64        // Stored takes it
	HardState *pb.HardState // nil when unchanged
	Entries   []*pb.Entry
	// Snapshot, when not nil, is the description of a received snapshot, given to Install before, that now takes
	// the place of the log up to its index.
	Snapshot *pb.SnapshotMetadata
}

// Envelope is a frame and where it goes.
type Envelope struct {
	To    uint64
	Frame Frame
}

// Shipment is a snapshot on its way to a laggard. The receiver gives Message and the loaded state to Install.
type Shipment struct {
	To      uint64
	Message *pb.Message
	View    *machine.View
}

// Checkpoint is a snapshot of this node's state to be written.
type Checkpoint struct {
	Meta *pb.SnapshotMetadata
	View *machine.View
}

// Answer is what became of a batch.
type Answer struct {
	Batch   *Batch
	Results []entry.Result // one per step
	Err     *caucus.Error  // TRYAGAIN or UNCERTAIN, for the batch as a whole
}

// Admission answers a request to join.
type Admission struct {
	Tag     any
	ID      uint64         // the raft id, 0 when refused
	Cluster [16]byte       // of the ensemble
	Nodes   []machine.Node // all that it has
	Err     *caucus.Error
}

// Notice is something for the log of the process.
type Notice struct {
	Text string
	Args []any // key and value in turn
	Warn bool  // an operator should do something about it
}

// Batch is a client's pipeline, or as much of it as goes at once.
type Batch struct {
	Steps []entry.Step
	Beats []entry.Beat // sessions that show a sign of life by it
	// Promise says that the answer is a promise, so that it counts only if the leader recorded the beats
	// (SAFETY A2).
	Promise bool
	// Stale says that this node's own state is good enough.
	Stale bool
	// Deadline is when an answer is due at the latest, on the monotonic clock.
	Deadline int64
	// Tag is the caller's.
	Tag any
	// Track is for a batch with writes that is traced; nil for all others.
	Track *Track
}

// writes says how many steps change the state.
func (b *Batch) writes() (n int) {
	for _, s := range b.Steps {
		if s.Write {
			n++
		}
	}
	return n
}

func (r *Replica) answer(b *Batch, results []entry.Result) {
	r.out.Answers = append(r.out.Answers, Answer{Batch: b, Results: results})
}

func (r *Replica) refuse(b *Batch, err *caucus.Error) {
	r.out.Answers = append(r.out.Answers, Answer{Batch: b, Err: err})
}

func (r *Replica) notice(text string, args ...any) {
	r.out.Notices = append(r.out.Notices, Notice{Text: text, Args: args})
}

func (r *Replica) warn(text string, args ...any) {
	r.out.Notices = append(r.out.Notices, Notice{Text: text, Args: args, Warn: true})
}

func (r *Replica) send(to uint64, f Frame) {
	if r.leader != nil && r.leader.handing.quiet {
		return
	}
	r.out.Send = append(r.out.Send, Envelope{To: to, Frame: f})
}

var (
	errNoLeader = caucus.Errorf(caucus.ErrTryAgain, "no leader is known at present; nothing was applied")
	errBusy     = caucus.Errorf(caucus.ErrTryAgain, "too much is waiting for the leader; nothing was applied")
	errUnheard  = caucus.Errorf(caucus.ErrTryAgain,
		"no quorum confirmed the leader in time; nothing was applied")
	errInFlight = caucus.Errorf(caucus.ErrUncertain,
		"no answer in time after the request was sent to the leader; it may or may not be applied")
	errCovered = caucus.Errorf(caucus.ErrUncertain,
		"the request was applied, but its reply was lost with the log that a snapshot replaced")
	errSkipped = caucus.Errorf(caucus.ErrUncertain,
		"what became of the request was lost with the log that a snapshot replaced; it may or may not be applied")
)
