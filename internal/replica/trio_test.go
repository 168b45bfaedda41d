package replica_test

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/replica"
	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

const (
	millisecond = 1000 // microseconds
	heartbeat   = 50 * millisecond
	election    = 400 * millisecond
)

// trio is an ensemble of three replicas in memory. Nothing happens by itself: time passes when it is told to,
// frames may be held back and writes kept from becoming durable.
type trio struct {
	t     testing.TB
	now   int64
	nodes []*seat
	hold  func(from, to uint64, f replica.Frame) bool // says what is lost on the way; nil: nothing
	seen  []replica.Envelope                          // what was sent since it was last cleared, lost or not
	tune  func(*replica.Config)                       // what nodes started from now on state; nil: nothing
}

// seat is one node: its replica, and what is on its disk.
type seat struct {
	id       uint64
	name     string           // another than its id says, "" for none
	level    uint16           // the feature level of its version, 0 for one that says nothing of it
	r        *replica.Replica // nil while it is down
	disk     replica.Restored
	base     []byte          // the state of the snapshot
	came     []byte          // the state of the snapshot that came last
	queue    []replica.Write // not yet durable
	stuck    bool            // nothing becomes durable
	boots    uint64
	wall     int64 // how far its wall clock is ahead
	frames   []func(replica.Time)
	answers  []replica.Answer
	admitted []replica.Admission
	due      []*replica.Checkpoint // to be written
	saved    []replica.Saved
	outcomes []replica.Outcome
	led      []replica.Led
}

func newTrio(t testing.TB) *trio {
	w := &trio{t: t, now: 1_000_000}
	m := machine.New([16]byte{1}, 1)
	conf := &pb.ConfState{}
	for id := range uint64(3) {
		m.Admit(1, 1, record(id+1, 0))
		conf.Voters = append(conf.Voters, id+1)
	}
	var base bytes.Buffer
	if err := m.View().Save(&base); err != nil {
		t.Fatal(err)
	}
	index, term := uint64(1), uint64(1)
	for id := range uint64(3) {
		s := &seat{id: id + 1, base: base.Bytes()}
		s.disk.Snapshot = &pb.SnapshotMetadata{Index: &index, Term: &term, ConfState: conf}
		w.nodes = append(w.nodes, s)
		w.start(s)
	}
	w.pass(100 * millisecond)
	return w
}

func record(id, boots uint64) machine.Node {
	n := machine.Node{ID: id, Incarnation: [16]byte{byte(id)}, Name: fmt.Sprint("n", id), Boots: boots}
	if boots > 0 {
		n.Boot = entry.Boot{byte(id), byte(boots)}
	}
	return n
}

// at gives what a node's clocks show.
func (w *trio) at(s *seat) replica.Time { return replica.Time{Mono: w.now, Wall: w.now + s.wall} }

func (w *trio) time() replica.Time { return replica.Time{Mono: w.now, Wall: w.now} }

func (w *trio) node(id uint64) *seat { return w.nodes[id-1] }

// start makes a node of what is durable.
func (w *trio) start(s *seat) {
	w.t.Helper()
	state, err := machine.New([16]byte{1}, 0), error(nil)
	if s.disk.Snapshot != nil {
		state, err = machine.LoadFor(max(s.level, entry.Level), bytes.NewReader(s.base))
	}
	if err != nil {
		w.t.Fatal(err)
	}
	s.boots++
	found := s.disk
	found.State, found.Entries = state, slices.Clone(s.disk.Entries)
	me := record(s.id, s.boots)
	me.Name, me.Level = cmp.Or(s.name, me.Name), s.level
	cfg := replica.Config{Node: me, Seed: s.id}
	if w.tune != nil {
		w.tune(&cfg)
	}
	s.r, err = replica.Open(cfg, found, w.at(s))
	if err != nil {
		w.t.Fatalf("node %d cannot start: %v", s.id, err)
	}
	w.drain(s)
}

// crash loses all that is not durable.
func (w *trio) crash(s *seat) { s.r, s.queue, s.frames, s.stuck = nil, nil, nil, false }

// die is crash seen by the others, whose connections to the node break.
func (w *trio) die(s *seat) {
	w.t.Helper()
	w.crash(s)
	for _, other := range w.others(s) {
		w.input(other, func(r *replica.Replica) { r.PeerLost(w.at(other), s.id) })
	}
}

// input does something at a node and carries out what comes of it.
func (w *trio) input(s *seat, f func(r *replica.Replica)) {
	w.t.Helper()
	if s.r != nil {
		f(s.r)
		w.drain(s)
	}
}

// drain carries out what a node puts out.
func (w *trio) drain(s *seat) {
	w.t.Helper()
	for more := true; more && s.r != nil; {
		out := s.r.Output()
		if out.Fatal != nil {
			w.t.Fatalf("node %d cannot go on: %v", s.id, out.Fatal)
		}
		s.queue = append(s.queue, out.Writes...)
		s.answers = append(s.answers, out.Answers...)
		s.admitted = append(s.admitted, out.Admitted...)
		s.saved = append(s.saved, out.Saved...)
		if out.Checkpoint != nil {
			s.due = append(s.due, out.Checkpoint)
		}
		s.outcomes = append(s.outcomes, out.Outcomes...)
		s.led = append(s.led, out.Led...)
		for _, ship := range out.Snapshots {
			w.ship(s, ship)
		}
		for _, e := range out.Send {
			w.post(s.id, e)
		}
		more = w.store(s)
	}
}

// store makes durable what waits, unless the disk is stuck.
func (w *trio) store(s *seat) bool {
	if s.stuck || len(s.queue) == 0 {
		return false
	}
	w.storeSome(s, len(s.queue))
	return true
}

// storeSome makes the first so many of the waiting writes durable.
func (w *trio) storeSome(s *seat, n int) {
	for _, q := range s.queue[:n] {
		if q.HardState != nil {
			s.disk.HardState = q.HardState
		}
		if q.Snapshot != nil {
			s.disk.Snapshot, s.base, s.disk.Entries = q.Snapshot, s.came, nil
		}
		for _, e := range q.Entries {
			s.disk.Entries = slices.DeleteFunc(s.disk.Entries, func(old *pb.Entry) bool {
				return old.GetIndex() >= e.GetIndex()
			})
			s.disk.Entries = append(s.disk.Entries, e)
		}
	}
	last := s.queue[n-1].Seq
	s.queue = s.queue[n:]
	s.r.Stored(w.at(s), last)
}

// stall keeps the followers' disks from answering, so that nothing commits while the leader is
// confirmed all the time.
func (w *trio) stall(lead *seat, stuck bool) {
	for _, s := range w.others(lead) {
		s.stuck = stuck
		if w.store(s) {
			w.drain(s)
		}
	}
	w.settle()
}

// post brings a frame to its node, as bytes, unless it is lost.
func (w *trio) post(from uint64, e replica.Envelope) {
	w.t.Helper()
	w.seen = append(w.seen, e)
	if w.hold != nil && w.hold(from, e.To, e.Frame) {
		return
	}
	kind, payload, err := e.Frame.Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	f, err := replica.Decode(kind, payload)
	if err != nil {
		w.t.Fatal(err)
	}
	w.bring(e.To, func(to *seat) { to.r.Receive(w.at(to), from, f) })
}

// bring leaves something at a node, if there is one.
func (w *trio) bring(id uint64, do func(to *seat)) {
	if id <= uint64(len(w.nodes)) {
		to := w.node(id)
		to.frames = append(to.frames, func(replica.Time) { do(to) })
	}
}

// ship brings a snapshot to a node that lags behind.
func (w *trio) ship(from *seat, s replica.Shipment) {
	w.t.Helper()
	var b bytes.Buffer
	if err := s.View.Save(&b); err != nil {
		w.t.Fatal(err)
	}
	w.bring(s.To, func(to *seat) {
		state, err := machine.Load(bytes.NewReader(b.Bytes()))
		if err != nil {
			w.t.Fatal(err)
		}
		to.came = b.Bytes()
		to.r.Install(w.at(to), s.Message, state)
		w.bring(from.id, func(from *seat) { from.r.SnapshotSent(w.at(from), s.To, true) })
	})
}

// settle lets everything arrive, in the order of the nodes.
func (w *trio) settle() {
	w.t.Helper()
	for busy := true; busy; {
		busy = false
		for _, s := range w.nodes {
			busy = w.deliver(s) || busy
		}
	}
}

// deliver hands a node, as one step, what has arrived for it.
func (w *trio) deliver(s *seat) bool {
	w.t.Helper()
	list := s.frames
	s.frames = nil
	if s.r == nil || len(list) == 0 {
		return false
	}
	for _, f := range list {
		f(w.at(s))
	}
	w.drain(s)
	return true
}

// pass lets time pass.
func (w *trio) pass(d int64) {
	w.t.Helper()
	for end := w.now + d; w.now < end; w.now += millisecond {
		for _, s := range w.nodes {
			w.input(s, func(r *replica.Replica) { r.Tick(w.at(s)) })
		}
		w.settle()
	}
}

// leader gives who leads in the newest term, nil when nobody does.
func (w *trio) leader() (lead *seat) {
	var newest uint64
	for _, s := range w.nodes {
		if s.r == nil {
			continue
		}
		if role, term, _ := s.r.Standing(); role == raft.StateLeader && term > newest {
			lead, newest = s, term
		}
	}
	return lead
}

// others gives the nodes beside one.
func (w *trio) others(than *seat) (list []*seat) {
	for _, s := range w.nodes {
		if s != than {
			list = append(list, s)
		}
	}
	return list
}

// cut loses what goes from and to a node.
func (w *trio) cut(s *seat) {
	w.hold = func(from, to uint64, _ replica.Frame) bool { return from == s.id || to == s.id }
}

// ask hands in a request of a client, and lets nothing else happen.
func (w *trio) ask(s *seat, b *replica.Batch) *replica.Batch {
	w.t.Helper()
	b.Deadline = w.now + 5_000_000
	w.input(s, func(r *replica.Replica) { r.Submit(w.at(s), b) })
	return b
}

// answer gives the answer to a request, if there is one already.
func (w *trio) answer(b *replica.Batch) (found replica.Answer, ok bool) {
	w.t.Helper()
	for _, s := range w.nodes {
		for _, a := range s.answers {
			if a.Batch == b {
				if ok {
					w.t.Fatal("a request was answered twice")
				}
				found, ok = a, true
			}
		}
	}
	return found, ok
}

// must waits a little for the answer to a request and gives the first reply.
func (w *trio) must(b *replica.Batch) caucus.Reply {
	w.t.Helper()
	for range 400 {
		if a, ok := w.answer(b); ok {
			if a.Err != nil {
				w.t.Fatalf("%v: %v", b.Steps[0].Op.Args, a.Err)
			}
			return a.Results[0].Reply
		}
		w.pass(millisecond)
	}
	w.t.Fatalf("%v was not answered", b.Steps[0].Op.Args)
	return caucus.Reply{}
}

func write(args ...string) *replica.Batch {
	return &replica.Batch{Steps: []entry.Step{{Op: &entry.Op{Conn: 1, Args: args}, Write: true}}}
}

func read(args ...string) *replica.Batch {
	return &replica.Batch{Steps: []entry.Step{{Op: &entry.Op{Conn: 1, Args: args}}}}
}

// speaker is a session as its connection knows it.
type speaker struct {
	id     entry.Session
	attach uint64
}

// open opens a session of a client at a node.
func (w *trio) open(s *seat, id byte, options ...string) speaker {
	w.t.Helper()
	b := write(append([]string{"SESSION", "OPEN"}, options...)...)
	b.Steps[0].Op.Fresh, b.Steps[0].Op.Bound = entry.Session{id}, true
	w.ask(s, b)
	w.must(b)
	a, _ := w.answer(b)
	return speaker{entry.Session{id}, a.Results[0].Attach}
}

// say makes a request speak for the session.
func (p speaker) say(b *replica.Batch) *replica.Batch {
	b.Steps[0].Op.Session, b.Steps[0].Op.Attach = p.id, p.attach
	b.Beats = []entry.Beat{{Session: p.id, Attach: p.attach}}
	return b
}

func (p speaker) keepAlive() *replica.Batch {
	b := p.say(read("SESSION", "KEEPALIVE"))
	b.Promise = true
	return b
}
