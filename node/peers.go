package node

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/fields"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/peer"
	"github.com/caucus-project/caucus/internal/raftlog/datadir"
	"github.com/caucus-project/caucus/internal/replica"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// Frames and streams beside the replica's own.
const (
	framePublish   = 6 // channel, payload
	frameMessage   = 8 // of a client for members
	streamSnapshot = 1 // header: raft's MsgSnap; body: the state
)

// openPeers opens the peer door.
func (n *Node) openPeers(home datadir.Identity) error {
	var err error
	home.RaftID, home.Boots = 0, 0 // peers wait until this start is counted
	n.peers, err = peer.Open(peer.Options{Identity: n.identity(home), Password: n.cfg.Password,
		Listener: n.ls.peer, Secure: n.securePeer(), Logger: n.log,
		BackoffMax: claimWithin - 50*time.Millisecond}, (*peerDoor)(n))
	return err
}

// identity is what this node says of itself in greetings.
func (n *Node) identity(home datadir.Identity) peer.Identity {
	return peer.Identity{Cluster: parseID(home.Cluster), ID: home.RaftID, Name: n.me.Name, Boot: n.me.Boot,
		Boots: home.Boots, Addresses: peer.Addresses{Client: n.me.Client, Peer: n.me.Peer, HTTP: n.me.HTTP}}
}

// former is what is known of those who are nodes no more.
type former struct {
	next    uint64   // the raft id that no node has had yet, 0 when that is not known
	leaving []uint64 // those that were removed and may still be needed for a vote
}

// meet takes over what the state says of the nodes.
func (n *Node) meet(s *machine.Machine) {
	leaving, _ := s.Leaving()
	n.know(s.Nodes(), former{next: s.NextNode(), leaving: leaving})
}

// know takes over the table of nodes: these are the peers, and there they are.
func (n *Node) know(nodes []machine.Node, f former) {
	old, before := *n.nodes.Load(), n.former.Swap(&f)
	n.nodes.Store(&nodes)
	known := map[uint64]bool{}
	for _, p := range nodes {
		known[p.ID] = true
		if p.ID != n.me.ID {
			n.peers.SetPeer(p.ID, n.book.learn(placeOf(p)).Peer)
		}
	}
	for _, id := range f.leaving {
		known[id] = true
	}
	were := slices.Clone(before.leaving)
	for _, p := range old {
		were = append(were, p.ID)
	}
	for _, id := range were {
		if !known[id] {
			n.peers.RemovePeer(id)
			n.book.forget(id)
		}
	}
}

// sendAll hands frames to the peers, those for one peer together.
func (n *Node) sendAll(list []replica.Envelope) {
	if len(list) == 0 {
		return
	}
	to := map[uint64][]peer.Frame{}
	for _, e := range list {
		kind, payload, err := e.Frame.Encode()
		if err != nil {
			n.log.Error("a frame cannot be encoded", "error", err)
			continue
		}
		to[e.To] = append(to[e.To], peer.Frame{Type: kind, Payload: payload})
	}
	for id, frames := range to {
		if !n.peers.Send(id, frames...) {
			n.owner.call(func(now replica.Time) { n.owner.r.Dropped(now, id) })
		}
	}
}

// relay sends a client's message to the subscribers on the other nodes.
func (n *Node) relay(channel, payload string) {
	n.tellPeers(peer.Frame{Type: framePublish, Payload: fields.String(fields.String(nil, channel), payload)})
}

// tellPeers sends what clients say to all other nodes. Where too much is waiting it is lost, and not what the
// nodes themselves have to say.
func (n *Node) tellPeers(frame peer.Frame) {
	for _, p := range *n.nodes.Load() {
		if p.ID != n.me.ID {
			n.peers.Offer(p.ID, frame)
		}
	}
}

// peerDoor is the node as its peers meet it.
type peerDoor Node

// Greet says whether this node leads, and in which term (SAFETY A7), and where it knows others to be (B19).
func (d *peerDoor) Greet() []byte {
	s := d.greeting.Load()
	standing := binary.LittleEndian.AppendUint64(fields.Bool(nil, s.leads), s.Term)
	return (*Node)(d).appendBook(standing)
}

// standing is how many bytes of a greeting say whether its node leads.
const standing = 9

// leads reads what Greet said.
func leads(greeting []byte) (term uint64, yes bool) {
	if len(greeting) < standing || greeting[0] != 1 {
		return 0, false
	}
	return binary.LittleEndian.Uint64(greeting[1:standing]), true
}

// Greeted lets in whom the handshake lets in, but for those that were removed and copies, and learns where he
// is and where he knows others to be.
func (d *peerDoor) Greeted(g peer.Greeting) error {
	n, from := (*Node)(d), g.From
	if from.ID == 0 || !n.counted.Load() {
		return nil
	}
	if err := n.judge(from); err != nil {
		return err
	}
	if from.Addresses.Peer != "" {
		at := n.book.met(datadir.Place{ID: from.ID, Boots: from.Boots, Boot: formatID(from.Boot),
			Client: from.Addresses.Client, Peer: from.Addresses.Peer, HTTP: from.Addresses.HTTP})
		n.peers.SetPeer(from.ID, at.Peer)
	}
	if len(g.Status) > standing {
		n.readBook(g.Status[standing:])
	}
	return nil
}

// Refused hears that a peer turns this node away. One that was removed, or that is a copy, is to stop: the
// others go on without it.
func (d *peerDoor) Refused(id uint64, why *peer.Refusal) {
	n := (*Node)(d)
	switch why.Code {
	case peer.RefusedRemoved:
		n.removed()
	case peer.RefusedCopy:
		n.fail(n.describeError(fmt.Errorf("node %d turns this one away: %s; use the newest directory of the "+
			"node, or remove this one to let the node join anew", id, why.Text)))
	}
}

// Frames takes what a peer sent.
func (d *peerDoor) Frames(from uint64, frames []peer.Frame) {
	n := (*Node)(d)
	list := make([]received, 0, len(frames))
	for _, f := range frames {
		switch f.Type {
		case framePublish:
			n.heardPublish(f.Payload)
			continue
		case frameMessage:
			n.heardMessage(f.Payload)
			continue
		}
		frame, err := replica.Decode(f.Type, f.Payload)
		if err != nil {
			n.log.Warn("dropped a frame that cannot be read", "from", from, "error", err)
			continue
		}
		list = append(list, received{from, frame})
	}
	if o := n.ownerNow(); o != nil && len(list) > 0 {
		o.frames(list)
	}
}

func (n *Node) heardPublish(payload []byte) {
	r := fields.NewReader(payload)
	channel, text := r.String(), r.String()
	if err := r.End("a published message"); err != nil {
		n.log.Warn("dropped a message of a peer", "error", err)
		return
	}
	n.hub.Publish(channel, text)
}

// Up says that a connection to a peer stands.
func (d *peerDoor) Up(id uint64, way peer.Way) {
	if o := (*Node)(d).ownerNow(); o != nil && way == peer.To {
		o.call(func(now replica.Time) { o.r.PeerUp(now, id) })
	}
}

// Down asks a peer whose connection broke whether it is still there. One whose door refuses is dead, as far
// as anybody can tell (SAFETY A6); one that does not say that it leads is at least no leader any more (A7).
func (d *peerDoor) Down(id uint64, why peer.Loss) {
	n := (*Node)(d)
	o := n.ownerNow()
	if o == nil || why.Cause != peer.Broken && why.Cause != peer.Replaced {
		return
	}
	n.running.Go(func() {
		found := n.peers.Probe(n.ctx, id)
		_, yes := leads(found.Greeting.Status)
		switch {
		case found.Outcome == peer.NoAnswer || found.Outcome == peer.Greeted && yes:
		case found.Outcome == peer.Refused:
			o.call(func(now replica.Time) { o.r.PeerLost(now, id) })
		default:
			o.call(func(now replica.Time) { o.r.PeerFollows(now, id) })
		}
	})
}

// ownerNow gives the owner once there is one: peers may call before the node has joined.
func (n *Node) ownerNow() *owner { return n.current.Load() }

// ship streams a snapshot to a laggard.
func (n *Node) ship(s replica.Shipment) {
	err := n.stream(s)
	if err != nil {
		n.log.Warn("a snapshot did not reach its node", "node", s.To, "error", err)
	} else {
		n.log.Info("snapshot sent", "node", s.To, "index", s.View.Index())
	}
	n.owner.call(func(now replica.Time) { n.owner.r.SnapshotSent(now, s.To, err == nil) })
}

func (n *Node) stream(s replica.Shipment) error {
	header, err := proto.Marshal(s.Message)
	if err != nil {
		return err
	}
	out, err := n.peers.OpenStream(n.ctx, s.To, streamSnapshot, header)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := s.View.Save(out); err != nil {
		return err
	}
	return out.Finish()
}

// Stream takes a snapshot: it is on disk and loaded before raft hears of it.
func (d *peerDoor) Stream(from uint64, kind uint8, header []byte, body io.Reader) error {
	n := (*Node)(d)
	o := n.ownerNow()
	if kind != streamSnapshot || o == nil {
		return caucus.Errorf(caucus.ErrTryAgain, "this node takes no stream of kind %d now", kind)
	}
	m := &pb.Message{}
	if err := proto.Unmarshal(header, m); err != nil {
		return err
	}
	if m.GetFrom() != from || m.GetSnapshot().GetMetadata() == nil {
		return caucus.Errorf(caucus.ErrBad, "the stream's header is not a snapshot of node %d", from)
	}
	state, err := n.receive(m.GetSnapshot().GetMetadata(), body)
	if errors.Is(err, machine.ErrNewer) { // the leader would send it again for ever
		n.fail(n.describeError(fmt.Errorf("the snapshot that node %d has sent: %w", from, err)))
	}
	if err != nil {
		return fmt.Errorf("taking the snapshot: %w", err)
	}
	o.call(func(now replica.Time) { o.r.Install(now, m, state) })
	return nil
}

// receive writes a snapshot to disk while it reads it into a state.
func (n *Node) receive(meta *pb.SnapshotMetadata, body io.Reader) (*machine.Machine, error) {
	w, err := n.store.CreateSnapshot(meta)
	if err != nil {
		return nil, err
	}
	state, err := machine.Load(io.TeeReader(body, w))
	if err == nil {
		_, err = io.Copy(io.MultiWriter(w, io.Discard), body)
	}
	if err == nil && (state.Index() != meta.GetIndex() || state.Cluster() != parseID(n.cluster())) {
		err = caucus.Errorf(caucus.ErrBad, "it is not the state that its header names")
	}
	if err != nil {
		if aborted := w.Abort(); aborted != nil {
			n.log.Warn("a half snapshot could not be removed", "error", aborted)
		}
		return nil, err
	}
	n.teach(state)
	return state, w.Commit()
}

func (n *Node) cluster() string {
	id := n.peers.Identity().Cluster
	return formatID(id)
}

// Call answers a question of a peer or a stranger.
func (d *peerDoor) Call(ctx context.Context, _ peer.Greeting, kind uint8, payload []byte) ([]byte, error) {
	switch kind {
	case callJoin:
		return (*Node)(d).admit(ctx, bytes.Clone(payload))
	case callWish:
		return (*Node)(d).answerWish(ctx, payload)
	case callStatus:
		return (*Node)(d).answerStatus()
	case callFounding:
		return (*Node)(d).answerFounding(payload)
	}
	return nil, caucus.Errorf(caucus.ErrBad, "unknown question %d", kind)
}
