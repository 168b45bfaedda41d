package replica

import (
	"fmt"
	"io"
	"log"
	"math"
	"math/rand/v2"

	"github.com/caucus-project/caucus/internal/machine"
	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

// Replica is one node's part in the ensemble. One goroutine uses it: any number of inputs, then Output.
type Replica struct {
	cfg   Config
	rn    *raft.RawNode
	store *storage
	m     *machine.Machine
	conf  *pb.ConfState
	now   Time
	rng   *rand.Rand
	out   Output

	role raft.StateType
	term uint64
	lead uint64 // raft id of the leader, 0 when none is known

	writes   []pendingWrite           // handed out and not yet stored, oldest first
	lastSeq  uint64                   // of the last write handed out
	durable  uint64                   // of the last write known to be durable
	hard     *pb.HardState            // the newest that raft gave
	voted    *pb.HardState            // the last that was handed out
	held     []*pb.Message            // MsgVote, until the write of its own term is durable (SAFETY A1)
	views    map[uint64]*machine.View // snapshots that raft was promised, by index
	incoming *machine.Machine         // the state of a snapshot that raft has been given
	budget   int                      // bytes of entries that this step may still apply
	heard    map[uint64]int64         // when a frame of a peer last came, monotonic
	gone     map[uint64]bool          // whose door refused when its connection broke, and who was not met since

	begun   uint64 // the end of the log at the start: what is applied up to there had been before
	foreign uint64 // messages of peers that they may not send (SAFETY B1)
	turns   Turns

	clock      clock
	tempo      tempo
	space      space
	shut       bool // the doors are closed, because the disk hangs
	digest     Digest
	telling    telling
	stream     stream      // writes of this node's clients on their way
	rounds     rounds      // reads and beats of this node's clients on their way
	search     search      // for a leader
	leader     *leadership // what a leader remembers; nil on anyone else
	checkpoint checkpoint
}

// Restored is what a node found on its disk.
type Restored struct {
	HardState *pb.HardState
	Snapshot  *pb.SnapshotMetadata // nil for a newcomer that has nothing yet
	Entries   []*pb.Entry          // after the snapshot
	State     *machine.Machine     // loaded from the snapshot; an empty one for a newcomer
}

// Open makes a replica of what was on disk.
func Open(cfg Config, found Restored, now Time) (*Replica, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	r := &Replica{cfg: cfg, m: found.State, now: now, conf: &pb.ConfState{},
		rng:   rand.New(rand.NewPCG(cfg.Seed, cfg.Node.ID)),
		views: map[uint64]*machine.View{}, heard: map[uint64]int64{}, gone: map[uint64]bool{}}
	if err := r.restore(found); err != nil {
		return nil, fmt.Errorf("replica: %w", err)
	}
	r.clock.start(now, r.m.Stamp())
	r.skipDigest()
	r.stream.start(r)
	r.rounds.start(cfg.Node.Boot)
	r.search.begin(r)
	return r, nil
}

func (r *Replica) restore(found Restored) error {
	var err error
	if r.store, err = restoreStorage(r, found); err != nil {
		return err
	}
	applied := uint64(0)
	if found.Snapshot != nil {
		applied = found.Snapshot.GetIndex()
		r.conf = found.Snapshot.GetConfState()
	}
	r.checkpoint.replaced(applied)
	_, r.begun = r.store.span()
	r.rn, err = raft.NewRawNode(&raft.Config{
		ID: r.cfg.Node.ID, Storage: r.store, Applied: applied,
		ElectionTick: int(r.cfg.Election / r.cfg.Heartbeat), HeartbeatTick: 1,
		AsyncStorageWrites: true, CheckQuorum: true, PreVote: true, StepDownOnRemoval: true,
		ReadOnlyOption: raft.ReadOnlySafe, DisableProposalForwarding: true,
		MaxSizePerMsg: 1 << 20, MaxInflightMsgs: 256, MaxInflightBytes: 64 << 20,
		MaxUncommittedEntriesSize: 256 << 20, Logger: quiet(),
	})
	return err
}

// Tick lets time pass. It may come at any time, before other inputs of the same moment, and is due at
// Output.Wake.
func (r *Replica) Tick(now Time) {
	r.at(now)
	if r.leader != nil {
		r.leader.tick(r)
	}
	r.closing()
	r.search.tick(r)
	r.stream.tick(r)
	r.rounds.tick(r)
}

// Submit takes a pipeline of one of this node's clients. It is answered once, by its deadline.
func (r *Replica) Submit(now Time, b *Batch) {
	r.at(now)
	switch writes := b.writes(); {
	case r.shut:
		r.refuse(b, errHung)
	case writes > 0:
		r.stream.add(r, b, writes)
	case b.Stale:
		r.answer(b, r.read(b, true))
	default:
		r.rounds.add(b)
	}
}

// Receive takes a frame that the peer from, whose identity its connection proved, has sent.
func (r *Replica) Receive(now Time, from uint64, f Frame) {
	r.at(now)
	r.heard[from] = now.Mono
	delete(r.gone, from)
	switch {
	case f.Raft != nil:
		r.step(from, f.Raft)
	case f.Batches != nil && r.leader != nil && f.Batches.Term == r.term:
		r.leader.take(r, from, f.Batches.List)
	case f.Want != nil && f.Want.Term == r.term && from == r.lead:
		r.stream.again(f.Want.Next)
	case f.Round != nil && r.leader != nil && f.Round.Term == r.term:
		r.leader.ask(from, f.Round)
	case f.Confirm != nil && f.Confirm.Term == r.term && from == r.lead:
		r.rounds.confirmed(r, f.Confirm)
	case f.Vitals != nil && r.leader != nil && f.Vitals.Term == r.term:
		r.leader.learn(r, from, f.Vitals)
	case f.Traces != nil && r.leader != nil && f.Traces.Term == r.term:
		r.leader.tracing.hear(from, f.Traces.List)
	}
}

// fromPeers are the messages that a peer may send (SAFETY B1). Others would let it act as this node's own
// client or storage.
var fromPeers = map[pb.MessageType]bool{
	pb.MsgApp: true, pb.MsgAppResp: true, pb.MsgHeartbeat: true, pb.MsgHeartbeatResp: true,
	pb.MsgSnap: false, // comes by Install, with its state
	pb.MsgVote: true, pb.MsgVoteResp: true, pb.MsgPreVote: true, pb.MsgPreVoteResp: true,
	pb.MsgTimeoutNow: true,
}

func (r *Replica) step(from uint64, m *pb.Message) {
	if !fromPeers[m.GetType()] || m.GetFrom() != from || m.GetTo() != r.cfg.Node.ID {
		r.foreign++
		r.notice("dropped a message that a peer may not send", "from", from, "type", m.GetType().String())
		return
	}
	switch m.GetType() {
	case pb.MsgApp, pb.MsgHeartbeat:
		if m.GetTerm() >= r.term {
			r.search.heard(r, from)
		}
	case pb.MsgPreVote:
		r.search.asked(r)
	}
	r.stepRaft(m)
}

// stepRaft gives raft a message. What it refuses (a proposal while there is no leader, a response from a
// node that was removed) is lost, as a message can be.
func (r *Replica) stepRaft(m *pb.Message) { _ = r.rn.Step(m) }

// Install takes a snapshot that the leader has streamed: its message and the state loaded from it.
func (r *Replica) Install(now Time, m *pb.Message, state *machine.Machine) {
	r.at(now)
	if m.GetType() != pb.MsgSnap || m.GetSnapshot().GetMetadata().GetIndex() != state.Index() {
		r.notice("dropped a snapshot that is not what its message says", "from", m.GetFrom())
		return
	}
	r.heard[m.GetFrom()] = now.Mono
	r.search.heard(r, m.GetFrom())
	r.incoming, r.budget = state, math.MaxInt // what was handed out is finished before the state is replaced
	r.stepRaft(m)
	r.ready()
	r.incoming = nil
}

// PeerLost says that the connection from a peer broke and that its door refuses, so that its process is gone
// (SAFETY A6, A7).
func (r *Replica) PeerLost(now Time, id uint64) {
	r.at(now)
	r.gone[id] = true
	if r.leader != nil {
		r.leader.vigil.stranded.due, r.leader.vigil.waiters.due = 0, 0
	}
	r.parted(id)
}

// PeerFollows says that the connection from a peer broke, and that it lives and does not lead (SAFETY A7).
func (r *Replica) PeerFollows(now Time, id uint64) {
	r.at(now)
	r.parted(id)
}

// parted notes that what was under way to a peer may be lost, and that it leads no more if it did.
func (r *Replica) parted(id uint64) {
	if r.leader != nil {
		r.rn.ReportUnreachable(id)
	}
	if id == r.lead && id != r.cfg.Node.ID {
		r.search.lost(r, id)
	}
}

// Dropped says that frames for a peer were not sent, because it reads slowly or no connection to it stands. A
// leader goes on more slowly with it, and does not cut it off (SAFETY A7).
func (r *Replica) Dropped(now Time, id uint64) {
	r.at(now)
	if r.leader != nil {
		r.rn.ReportUnreachable(id)
	}
}

// PeerUp says that a connection to a peer stands: what was sent before it may be lost.
func (r *Replica) PeerUp(now Time, id uint64) {
	r.at(now)
	delete(r.gone, id)
	if id == r.lead {
		r.stream.resend()
		r.rounds.resend()
	}
}

// at moves the clocks on. The monotonic one never goes back.
func (r *Replica) at(now Time) {
	now.Mono = max(now.Mono, r.now.Mono)
	r.now = now
	if r.leader != nil {
		// What is recorded now is recorded at this time, not at that of the last tick.
		r.leader.vigil.tick(r, r.leader)
	}
}

// Output does all that the inputs brought about and gives what came of it.
func (r *Replica) Output() Output {
	r.budget = applyAtOnce
	for more := true; more && r.goesOn(); {
		r.stream.advance(r)
		r.rounds.advance(r)
		r.telling.advance(r)
		if r.leader != nil {
			r.leader.advance(r)
		}
		more = r.rn.HasReady()
		r.ready()
	}
	r.rounds.answer(r)
	r.checkpoint.advance(r)
	out := r.out
	out.Wake = r.wake()
	r.out = Output{Fatal: out.Fatal}
	return out
}

// applyAtOnce is how many bytes of entries one step applies, about: so a node that has much to catch up with
// hears its peers and its disk meanwhile, and does not take its own absence for their silence.
const applyAtOnce = 1 << 20

// goesOn says whether this step may do more.
func (r *Replica) goesOn() bool { return r.out.Fatal == nil && r.budget > 0 }

// wake gives the next moment at which time alone brings something about.
func (r *Replica) wake() int64 {
	if r.budget <= 0 {
		return r.now.Mono + 1
	}
	at := r.rounds.wake(r)
	if r.leader != nil {
		at = min(at, r.leader.wake(r))
	}
	return max(r.now.Mono+1, min(at, r.search.wake(r)))
}

// fail ends the replica: this node cannot go on.
func (r *Replica) fail(err error) {
	if r.out.Fatal == nil {
		r.out.Fatal = err
	}
}

// quiet gives raft a logger that says nothing: what matters is told by notices. Its Panicf panics,
// as raft relies on when an invariant of its own is broken; the owner of the replica turns that
// into an error.
func quiet() raft.Logger { return &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)} }
