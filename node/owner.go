package node

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/replica"
)

// owner is the one goroutine that drives the replica. All that is meant for the replica waits in
// one inbox, so what came while the last step was done is one step.
type owner struct {
	n *Node
	r *replica.Replica

	broken bool // the replica's state is not to be trusted any more; of the owner's goroutine alone

	mu      sync.Mutex
	room    sync.Cond // there is room for frames in the inbox, or the owner has stopped
	inbox   inbox
	stopped bool
	wake    chan struct{}
	quit    chan struct{}
}

// inbox is what came since the last step.
type inbox struct {
	frames  []received
	batches []submitted
	calls   []func(now replica.Time)
	stored  uint64 // the last write that is on the disk since the last step, 0 for none
}

// received is a frame and who sent it.
type received struct {
	from  uint64
	frame replica.Frame
}

// submitted is a batch and how long its answer may take, in microseconds from when the owner takes it.
type submitted struct {
	batch *replica.Batch
	wait  int64
}

// request is a batch on its way and where its answer goes.
type request struct {
	batch  replica.Batch
	answer chan replica.Answer // holds one
}

func newOwner(n *Node, r *replica.Replica) *owner {
	o := &owner{n: n, r: r, wake: make(chan struct{}, 1), quit: make(chan struct{})}
	o.room.L = &o.mu
	return o
}

// put adds to the inbox. It says no once the owner has stopped: nothing will be answered any more.
func (o *owner) put(add func(*inbox)) bool {
	o.mu.Lock()
	if o.stopped {
		o.mu.Unlock()
		return false
	}
	add(&o.inbox)
	o.mu.Unlock()
	o.push()
	return true
}

// push has the owner see what is in the inbox.
func (o *owner) push() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// pushLaid has the owner see the batches that were laid there, if any: for nothing it would take a step.
func (o *owner) pushLaid() {
	o.mu.Lock()
	laid := len(o.inbox.batches) > 0
	o.mu.Unlock()
	if laid {
		o.push()
	}
}

// submit takes a batch whose answer may take so long.
func (o *owner) submit(b *replica.Batch, wait time.Duration) bool {
	ok := o.lay(b, wait)
	o.push()
	return ok
}

// lay is submit without a push, so that others can go with it.
func (o *owner) lay(b *replica.Batch, wait time.Duration) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stopped {
		return false
	}
	o.inbox.batches = append(o.inbox.batches, submitted{b, wait.Microseconds()})
	return true
}

// maxFrames is how many frames of peers wait for the owner at most.
const maxFrames = 16_384

// frames takes what a peer sent. While too much is waiting the peer waits too, so that a stalled
// node holds back its peers instead of growing.
func (o *owner) frames(list []received) {
	o.mu.Lock()
	for len(o.inbox.frames) >= maxFrames && !o.stopped {
		o.room.Wait()
	}
	o.mu.Unlock()
	o.put(func(in *inbox) { in.frames = append(in.frames, list...) })
}

// call has f run on the owner's goroutine.
func (o *owner) call(f func(now replica.Time)) bool {
	return o.put(func(in *inbox) { in.calls = append(in.calls, f) })
}

// stored says that the disk has all writes up to one.
func (o *owner) stored(seq uint64) { o.put(func(in *inbox) { in.stored = seq }) }

// inspect runs f on the owner's goroutine and waits for it. It says no when the node is stopping.
func (o *owner) inspect(f func(*replica.Replica)) bool {
	done := make(chan struct{})
	if !o.call(func(replica.Time) { f(o.r); close(done) }) {
		return false
	}
	select {
	case <-done:
		return true
	case <-o.quit:
		return false
	}
}

// run steps the replica until stop.
func (o *owner) run() {
	defer close(o.quit)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-o.wake:
		case <-timer.C:
		}
		in, stopped := o.take()
		wait := o.step(in)
		if stopped {
			return
		}
		timer.Reset(time.Duration(wait) * time.Microsecond)
	}
}

func (o *owner) take() (inbox, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	in := o.inbox
	o.inbox = inbox{}
	o.room.Broadcast()
	return in, o.stopped
}

// step gives the replica what came and carries out what it says, and gives how many microseconds the next
// may wait. A broken invariant, which raft reports by a panic, ends the node and not the process that it
// lives in.
func (o *owner) step(in inbox) (wait int64) {
	now := o.n.cfg.clock()
	defer func() { o.n.ahead.Store(o.r.Clock(now) - now.Mono) }()
	defer func() {
		if p := recover(); p != nil {
			o.broken = true
			o.n.fail(fmt.Errorf("an invariant is broken: %v", p))
		}
	}()
	if o.broken {
		return o.n.pace.heartbeat.Microseconds()
	}
	if in.stored > 0 { // before anything is concluded from how long the disk has been at it
		o.r.Stored(now, in.stored)
	}
	o.r.Tick(now)
	for i := range in.frames {
		o.r.Receive(now, in.frames[i].from, in.frames[i].frame)
	}
	for _, s := range in.batches {
		s.batch.Deadline = now.Mono + s.wait
		o.r.Submit(now, s.batch)
	}
	for _, f := range in.calls { // after the batches, of which some report what became
		f(now)
	}
	out := o.r.Output()
	o.carryOut(&out)
	o.n.noteStatus(o.r, now.Mono)
	return out.Wake - now.Mono
}

// carryOut does what a step asks for. Events go out before answers, so that who was told that his
// command is done finds its events on their way. What a failed node still has to say is not to be
// trusted.
func (o *owner) carryOut(out *replica.Output) {
	n := o.n
	for _, notice := range out.Notices {
		level := slog.LevelInfo
		if notice.Warn {
			level = slog.LevelWarn
		}
		n.log.Log(n.ctx, level, notice.Text, notice.Args...)
	}
	if out.Fatal != nil {
		var diverged *replica.DivergedError
		if errors.As(out.Fatal, &diverged) {
			n.sendAll(out.Send) // so that the others learn what is committed, and judge themselves
		}
		n.fail(out.Fatal)
		return
	}
	n.disk.write(out.Writes)
	n.sendAll(out.Send)
	for _, s := range out.Snapshots {
		n.running.Go(func() { n.ship(s) })
	}
	// A name of its own: were the goroutine to hold on to out, every step would make that on the heap.
	if view := out.Checkpoint; view != nil {
		n.running.Go(func() { n.disk.checkpoint(view) })
	}
	for _, view := range out.Digests {
		n.running.Go(func() { n.takeDigest(view) })
	}
	if out.Table {
		n.tables.ring()
	}
	if out.Nodes {
		n.meet(o.r.State())
	}
	n.revise(o.r.State().Users())
	n.gate.look(o.r)
	if out.Reset {
		n.era.Swap(newEra()).end()
	}
	n.noteLeader(o.r, out)
	for _, e := range out.Events {
		n.hub.Publish(caucus.EventChannel(e.Group), e.JSON)
	}
	n.news.tell(o.r.State())
	n.keyEvents.tell(o.r.State())
	n.turns.tell(out.Waits)
	n.flights.land(out.Answers)
	n.led(out.Led)
	for _, s := range out.Saved {
		if s.Err == nil {
			n.noteSaved(s.View.Index())
		}
		s.Tag.(chan replica.Saved) <- s
	}
	for _, a := range out.Admitted {
		a.Tag.(chan replica.Admission) <- a
	}
	for _, a := range out.Outcomes {
		a.Tag.(chan replica.Outcome) <- a
	}
}

// stop ends the loop after one last step. What is still waiting is told so.
func (o *owner) stop() {
	o.mu.Lock()
	o.stopped = true
	o.room.Broadcast()
	o.mu.Unlock()
	o.push()
}

// report logs what this node knows of its own clients, behind what was submitted for them before.
func (o *owner) report(op entry.Op) {
	o.call(func(now replica.Time) { o.r.Report(now, op) })
}

// drop reports that a client's side closed the connection that carried a session.
func (o *owner) drop(s entry.Session, attach uint64) {
	o.call(func(now replica.Time) { o.r.Drop(now, s, attach) })
}
