package sim

import (
	"errors"
	"fmt"
	"slices"

	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/post"
	"github.com/caucus-project/caucus/internal/replica"
)

// node is a shell around one replica: a clock, a disk, a network and clients of its own.
type node struct {
	w           *World
	id          uint64 // 0 while it is not yet let in
	name        string
	incarnation [16]byte
	boots       uint64
	boot        entry.Boot
	level       uint16 // the highest feature level of its version
	clock       clock
	custom      custom
	disk

	r       *replica.Replica // nil while it is down
	retired bool             // it was removed, or its disk was lost
	asked   int              // how often it has asked to be let in
	life    int              // rises at every start and stop: what was meant for an earlier life is void
	stalled int64            // true time until which the process stands still
	backlog []func(replica.Time)
	wake    int64 // true time of the next tick that is planned, 0 for none

	post *post.Post // what it knows of messages beside the log

	more    bool  // a conversation went on while outputs were carried out
	resumed int64 // true time at which it last stood still no more

	conns   []*conn
	inside  *insider // nil while it is down, and in worlds without
	applied uint64
	seen    *levels           // nil before its state was looked at
	harmed  *harmed           // what was done to its disk since it last ran, nil for nothing
	former  *former           // the directory that it is put back to at its next start, nil for none
	met     map[uint64]uint64 // the last start of each peer that it has heard of, by raft id
	altered bool              // a test has changed its state behind its back
	ended   error             // why it stopped by itself, which only a test with altered states may bring about
}

func newNode(w *World, id uint64) *node {
	n := &node{w: w, id: id, name: fmt.Sprintf("n%d", id), incarnation: w.newID(), clock: newClock(w),
		level: w.version(), met: map[uint64]uint64{}}
	n.custom = w.custom
	n.disk.create(n)
	return n
}

// record is what the node says of itself.
func (n *node) record() machine.Node {
	return machine.Node{ID: n.id, Incarnation: n.incarnation, Name: n.name, Boots: n.boots, Boot: n.boot,
		Level: n.level}
}

func (n *node) config() replica.Config {
	p := &n.w.plan
	return replica.Config{Node: n.record(), Send: n.sendMessage, Seed: n.w.rng.Uint64(),
		SnapshotEntries: p.snapshotEntries, DigestEntries: p.digestEntries,
		KeepEntries: p.keepEntries, MaxEntry: p.maxEntry}
}

// start opens what is on disk, as a node does when its process begins.
func (n *node) start() {
	w := n.w
	n.life++
	n.clock.reboot()
	if n.former != nil && n.turnedAway() {
		return
	}
	restored, err := n.disk.open()
	if n.outdated(err) || n.harmed != nil && !n.survives(&restored, err) {
		return
	}
	if err != nil {
		w.fail("%s cannot start: %v", n.name, err)
		return
	}
	n.boots++
	n.boot = w.newID()
	n.post = post.New(func(m *machine.Message) bool { return n.r.State().Sendable(m) })
	n.r, err = replica.Open(n.config(), restored, n.clock.time())
	if err != nil {
		w.fail("%s cannot start: %v", n.name, err)
		return
	}
	n.applied, n.seen = 0, nil
	w.note(n.name, "start", n.id, n.boots)
	w.checks.started(n)
	if w.plan.insiders {
		n.enter()
	}
	n.step()
	for _, other := range w.up() {
		if other != n {
			w.reconnect(n, other)
			w.reconnect(other, n)
		}
	}
}

// stop ends the node's process. Rudely means that nobody is told: the host is gone.
func (n *node) stop(power, rudely bool) {
	if n.r == nil {
		return
	}
	n.w.note(n.name, "stop", flag(power), flag(rudely))
	n.disk.stop(power)
	n.r, n.backlog, n.wake, n.stalled = nil, nil, 0, 0
	n.life++
	n.quit()
	conns := n.conns
	n.conns = nil
	for _, c := range conns {
		c.nodeGone(rudely)
	}
	if rudely {
		return
	}
	for _, other := range n.w.up() {
		n.w.probe(other, n)
	}
}

func flag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func (n *node) paused() bool { return n.stalled > n.w.now }

// pause makes the process stand still for a while.
func (n *node) pause(d int64) {
	if n.r == nil || n.paused() {
		return
	}
	n.stalled = n.w.now + d
	life := n.life
	n.w.note(n.name, "pause", uint64(d))
	n.w.at(n.stalled, func() {
		if n.life == life {
			n.resume()
		}
	})
}

// resume does at once what came while the process stood still.
func (n *node) resume() {
	n.w.note(n.name, "resume")
	n.stalled, n.resumed = 0, n.w.now
	list := n.backlog
	n.backlog = nil
	now := n.clock.time()
	n.r.Tick(now)
	for _, f := range list {
		f(now)
	}
	n.step()
}

// input hands something to the replica. Time comes first, as in a node: what is noted meanwhile is noted
// at the right time.
func (n *node) input(f func(now replica.Time)) {
	if n.r == nil {
		return
	}
	if n.paused() || n.stalled > 0 {
		n.backlog = append(n.backlog, f)
		return
	}
	now := n.clock.time()
	n.r.Tick(now)
	f(now)
	n.step()
}

// step carries out what the replica puts out, until nothing that was answered leads to more.
func (n *node) step() {
	for again := true; again && n.r != nil && n.w.failed == nil; {
		n.more = false
		out := n.r.Output()
		n.carryOut(&out)
		again = n.more
		if !again && n.w.failed == nil {
			n.plan(out.Wake)
		}
	}
}

func (n *node) carryOut(out *replica.Output) {
	w := n.w
	for i := range out.Notices {
		w.note(n.name, out.Notices[i].Text, noticeNumbers(out.Notices[i].Args)...)
	}
	w.checks.output(n, out)
	if out.Fatal != nil {
		n.end(out)
		return
	}
	n.disk.write(out.Writes)
	for _, e := range out.Send {
		w.send(n, e)
	}
	for _, s := range out.Snapshots {
		w.note(n.name, "ship", s.To, s.View.Index())
		w.ship(n, s)
	}
	if out.Checkpoint != nil {
		n.disk.checkpoint(out.Checkpoint)
	}
	for _, view := range out.Digests {
		n.takeDigest(view)
	}
	for _, w := range out.Waits {
		n.waitIsOver(w)
	}
	for _, a := range out.Answers {
		if c, ok := a.Batch.Tag.(*conn); ok {
			c.answered(a)
		}
	}
	for _, a := range out.Outcomes {
		if take, ok := a.Tag.(func(replica.Outcome)); ok {
			take(a)
		}
	}
	if out.Nodes {
		n.dismiss()
	}
	for _, a := range out.Admitted {
		if take, ok := a.Tag.(func(replica.Admission)); ok {
			take(a)
		}
	}
}

// end stops a node that cannot go on. Who found that the states differ still sends what it has to.
func (n *node) end(out *replica.Output) {
	w := n.w
	if n.outdated(out.Fatal) {
		return
	}
	var diverged *replica.DivergedError
	mayBe := slices.ContainsFunc(w.nodes, func(n *node) bool { return n.altered })
	if !mayBe || !errors.As(out.Fatal, &diverged) {
		w.fail("%s cannot go on: %v", n.name, out.Fatal)
		return
	}
	for _, e := range out.Send {
		w.send(n, e)
	}
	n.ended = out.Fatal
	n.stop(false, false)
}

// takeDigest hashes a view while the node goes on.
func (n *node) takeDigest(view *machine.View) {
	life := n.life
	n.w.after(n.w.between(millisecond, 20*millisecond), func() {
		sum, err := view.Digest()
		if err != nil {
			n.w.fail("%s has no digest: %v", n.name, err)
		} else if n.life == life {
			n.w.checks.count("digests")
			n.input(func(now replica.Time) { n.r.Digested(now, view, sum) })
		}
	})
}

// noticeNumbers gives the numbers among the details of a notice.
func noticeNumbers(args []any) (nums []uint64) {
	for _, a := range args {
		if v, ok := a.(uint64); ok {
			nums = append(nums, v)
		}
	}
	return nums
}

// plan sees to it that the replica is ticked when it wants to be.
func (n *node) plan(wake int64) {
	at := n.w.now + n.clock.until(wake)
	if n.wake != 0 && n.wake <= at && n.wake > n.w.now {
		return
	}
	n.wake = at
	life := n.life
	n.w.at(at, func() {
		if n.life == life && n.wake == at {
			n.wake = 0
			n.input(func(replica.Time) {})
		}
	})
}
