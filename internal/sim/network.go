package sim

import (
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/replica"
	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

// network carries frames between nodes. Between two nodes there is a connection each way, in order while it
// stands; a wild network also reorders, loses and repeats, as connections do that break and are made again.
type network struct {
	w       *World
	blocked map[[2]uint64]bool // from, to: nothing gets through
	arrival map[[2]uint64]int64
	wild    bool // it loses, repeats and reorders, while there are faults
	slow    int64
}

func (n *network) start(w *World) {
	*n = network{w: w, blocked: map[[2]uint64]bool{}, arrival: map[[2]uint64]int64{}}
	s := w.plan.standing
	n.wild = s.loss+s.repeat+s.disorder > 0
}

// mend ends all faults.
func (n *network) mend() {
	clear(n.blocked)
	n.wild, n.slow = false, 0
}

func (n *network) open(from, to uint64) bool { return !n.blocked[[2]uint64{from, to}] }

// both says whether two nodes can talk.
func (n *network) both(a, b uint64) bool { return n.open(a, b) && n.open(b, a) }

// delay draws how long something is under way.
func (n *network) delay() int64 {
	if n.w.plan.exact {
		return 1
	}
	d := n.w.between(50, 1500)
	if n.wild && n.w.chance(n.w.plan.standing.disorder) {
		d += n.w.between(0, 60*millisecond)
	}
	return d + n.slow
}

// deliver brings something from one node to another, unless the network loses it.
func (n *network) deliver(from, to uint64, do func()) {
	w := n.w
	if !n.open(from, to) {
		return
	}
	if n.wild && w.chance(w.plan.standing.loss) {
		w.note("net", "frame lost", from, to)
		return
	}
	at := w.now + n.delay()
	line := [2]uint64{from, to}
	if n.wild && w.chance(w.plan.standing.repeat) {
		w.at(at+w.between(0, 80*millisecond), func() { n.arrive(from, to, do) })
	}
	if !n.wild {
		at = max(at, n.arrival[line])
		n.arrival[line] = at
	}
	w.at(at, func() { n.arrive(from, to, do) })
}

func (n *network) arrive(from, to uint64, do func()) {
	if n.open(from, to) {
		do()
	}
}

// send carries a frame.
func (w *World) send(from *node, e replica.Envelope) {
	to := w.node(e.To)
	if to == nil {
		return
	}
	f := e.Frame
	if w.plan.codec {
		f = w.recode(f)
	}
	boots := from.boots
	w.net.deliver(from.id, e.To, func() {
		if to.r == nil {
			return
		}
		to.met[from.id] = max(to.met[from.id], boots)
		w.note(to.name, frameName(f), from.id, frameTerm(f), frameIndex(f))
		to.input(func(now replica.Time) { to.r.Receive(now, from.id, f) })
	})
}

// recode makes bytes of a frame and a frame of the bytes.
func (w *World) recode(f replica.Frame) replica.Frame {
	kind, payload, err := f.Encode()
	if err != nil {
		w.fail("a frame cannot be encoded: %v", err)
		return f
	}
	read, err := replica.Decode(kind, payload)
	if err != nil {
		w.fail("a frame of kind %d cannot be decoded: %v", kind, err)
		return f
	}
	return read
}

func frameName(f replica.Frame) string {
	switch {
	case f.Raft != nil:
		return f.Raft.GetType().String()
	case f.Batches != nil:
		return "Batches"
	case f.Want != nil:
		return "Want"
	case f.Round != nil:
		return "Round"
	case f.Vitals != nil:
		return "Vitals"
	}
	return "Confirm"
}

func frameTerm(f replica.Frame) uint64 {
	switch {
	case f.Raft != nil:
		return f.Raft.GetTerm()
	case f.Batches != nil:
		return f.Batches.Term
	case f.Want != nil:
		return f.Want.Term
	case f.Round != nil:
		return f.Round.Term
	case f.Vitals != nil:
		return f.Vitals.Term
	}
	return f.Confirm.Term
}

func frameIndex(f replica.Frame) uint64 {
	switch {
	case f.Raft != nil:
		return f.Raft.GetIndex()
	case f.Batches != nil && len(f.Batches.List) > 0:
		return f.Batches.List[0].Number
	case f.Want != nil:
		return f.Want.Next
	case f.Round != nil:
		return f.Round.ID
	case f.Confirm != nil:
		return f.Confirm.ID
	case f.Vitals != nil:
		return f.Vitals.Digest.Index
	}
	return 0
}

// ship streams a snapshot. The sender learns whether it arrived whole.
func (w *World) ship(from *node, s replica.Shipment) {
	to, life := w.node(s.To), from.life
	sent := func(ok bool) {
		w.after(w.between(100, 5*millisecond), func() {
			if from.life == life {
				from.input(func(now replica.Time) { from.r.SnapshotSent(now, s.To, ok) })
			}
		})
	}
	if to == nil || to.r == nil || !w.net.both(from.id, s.To) {
		sent(false)
		return
	}
	message, target := s.Message, to.life
	if w.plan.codec {
		message = w.recode(replica.Frame{Raft: message}).Raft
	}
	w.after(w.between(millisecond, 50*millisecond), func() {
		arrived := to.life == target && w.net.both(from.id, s.To)
		if arrived {
			arrived = to.receive(message, s.View)
		}
		sent(arrived)
	})
}

// receive takes a snapshot: it is on disk and loaded before raft hears of it.
func (n *node) receive(m *pb.Message, view *machine.View) bool {
	meta := m.GetSnapshot().GetMetadata()
	n.w.note(n.name, "snapshot received", m.GetFrom(), meta.GetIndex(), meta.GetTerm())
	n.w.checks.shipped(n.w.node(m.GetFrom()), n)
	state, err := n.take(meta, view)
	if n.outdated(err) {
		return false
	}
	if err != nil {
		n.w.fail("%s could not take a received snapshot: %v", n.name, err)
		return false
	}
	if n.r != nil && n.applied > 1 {
		n.w.checks.count("snapshots to laggards")
	} else {
		n.w.checks.count("snapshots to newcomers")
	}
	n.input(func(now replica.Time) { n.r.Install(now, m, state) })
	return true
}

// cut tells those whose connection to a node broke that it did. Each dials again at once: what it finds
// decides (SAFETY A7).
func (w *World) cut(a, b uint64) {
	w.probe(w.node(a), w.node(b))
	w.probe(w.node(b), w.node(a))
}

// probe is one node noticing that its connection to another broke.
func (w *World) probe(n, other *node) {
	if n == nil || other == nil || n.r == nil || n == other {
		return
	}
	life := n.life
	read := w.net.arrival[[2]uint64{other.id, n.id}] // the end of a connection comes after all that came by it
	w.at(max(read, w.now+w.between(20, 3*millisecond)), func() {
		if n.life != life || !w.net.both(n.id, other.id) {
			return // no answer within 50 ms is left to the election timeout
		}
		if other.paused() {
			return
		}
		// A firewall may refuse in the name of a node that lives.
		dead := other.r == nil || !w.calm && w.chance(w.plan.standing.refusal)
		leads := !dead && other.r.Status().Role == raft.StateLeader
		w.after(w.between(100, 2*millisecond), func() {
			if n.life != life {
				return
			}
			switch {
			case dead:
				w.note(n.name, "lost", other.id)
				n.input(func(now replica.Time) { n.r.PeerLost(now, other.id) })
			case !leads:
				w.note(n.name, "parted", other.id)
				n.input(func(now replica.Time) { n.r.PeerFollows(now, other.id) })
			}
			w.reconnect(n, other)
		})
	})
}

// reconnect makes the connection to a peer stand again, if the peer is there.
func (w *World) reconnect(n, other *node) {
	life := n.life
	w.after(w.between(500, 20*millisecond), func() {
		if w.visit(n, other); n.life == life && other.r != nil && w.net.both(n.id, other.id) {
			n.input(func(now replica.Time) { n.r.PeerUp(now, other.id) })
		}
	})
}

// node finds a node by raft id.
func (w *World) node(id uint64) *node {
	for _, n := range w.nodes {
		if n.id == id {
			return n
		}
	}
	return nil
}
