package node

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/peer"
	"github.com/caucus-project/caucus/internal/raftlog/datadir"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
	"github.com/caucus-project/caucus/internal/replica"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// A node that is turned away while it still starts stops all that it has begun, and lets go of its directory.
func TestTurnedAwayWhileItStarts(t *testing.T) {
	away := errors.New("turned away")
	n := bareNode(Config{Data: t.TempDir(), Listen: "127.0.0.1:0", HTTP: "off"})
	n.cfg.clock = func() replica.Time {
		if n.owner == nil && n.peers.Identity().ID != 0 { // peers know who it is, and nothing runs yet
			n.fail(away)
			select {
			case <-n.done:
			case <-time.After(100 * time.Millisecond): // it waits for the start
			}
		}
		return clockTimes()
	}
	if _, err := n.begin(t.Context()); err != nil && !errors.Is(err, away) {
		t.Errorf("it says %v", err)
	}
	for what, ended := range map[string]<-chan struct{}{"the owner": n.owner.quit, "the node": n.done} {
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Fatalf("%s runs on", what)
		}
	}
	if !errors.Is(n.Err(), away) {
		t.Errorf("it stopped because of %v", n.Err())
	}
	lock, err := datadir.Acquire(vfs.OS{}, n.cfg.Data)
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Close(); err != nil {
		t.Error(err)
	}
}

// Whoever calls while a node still starts is called back. One that was let in and killed before it had heard
// anything knows nobody but those who call it, and they may call but once.
func TestB19_WhoCallsWhileANodeStartsIsKnown(t *testing.T) {
	caller, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer caller.Close()
	n := bareNode(Config{Data: t.TempDir(), Listen: "127.0.0.1:0", HTTP: "off"})
	called := false
	n.cfg.clock = func() replica.Time {
		if n.owner == nil && n.peers.Identity().ID != 0 && !called { // peers know who it is, and nothing runs yet
			called = true
			from := peer.Identity{Cluster: n.peers.Identity().Cluster, ID: 2, Name: "n2", Boot: [16]byte{2},
				Boots: 1, Addresses: peer.Addresses{Peer: caller.Addr().String()}}
			if err := (*peerDoor)(n).Greeted(peer.Greeting{From: from}); err != nil {
				t.Error(err)
			}
		}
		return clockTimes()
	}
	if _, err := n.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if err := caller.(*net.TCPListener).SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	back, err := caller.Accept()
	if err != nil {
		t.Fatalf("it does not call back: %v", err)
	}
	back.Close()
}

// A node that is sent a snapshot of a higher feature level than its version has stops and says so: its leader
// would send it again for ever.
func TestB20ASnapshotOfANewerVersionStopsTheNode(t *testing.T) {
	n := bareNode(Config{Data: t.TempDir(), Listen: "127.0.0.1:0", HTTP: "off"})
	n, err := n.begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	next := machine.New(parseID(n.cluster()), 1)
	next.Support(machine.Next)
	next.Admit(1, 1, machine.Node{ID: 1, Level: machine.Next, Boots: 1, Boot: entry.Boot{1}})
	risen := &entry.Entry{Notes: []entry.Op{machine.RaiseLevel(machine.Next)}}
	if _, err := next.Apply(2, 1, risen, mute{}); err != nil || next.Level() != machine.Next {
		t.Fatalf("level %d, %v", next.Level(), err)
	}
	var body bytes.Buffer
	if err := next.View().Save(&body); err != nil {
		t.Fatal(err)
	}
	index, term, from := uint64(2), uint64(1), uint64(2)
	header, err := proto.Marshal(&pb.Message{From: &from, Snapshot: &pb.Snapshot{
		Metadata: &pb.SnapshotMetadata{Index: &index, Term: &term,
			ConfState: &pb.ConfState{Voters: []uint64{1, 2}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := (*peerDoor)(n).Stream(from, streamSnapshot, header, &body); !errors.Is(err, machine.ErrNewer) {
		t.Errorf("the sender is told %v", err)
	}
	select {
	case <-n.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("it runs on")
	}
	if err := n.Err(); !errors.Is(err, machine.ErrNewer) || !strings.Contains(err.Error(), "node 2 has sent") {
		t.Errorf("it stopped because of %v", err)
	}
}

// The address book is written as soon as that is possible, whether anything changes or not.
func TestB19_TheBookIsWrittenOnceItCanBe(t *testing.T) {
	tried, said := context.WithCancel(t.Context())
	n := bareNode(Config{Data: t.TempDir(), Listen: "127.0.0.1:0", HTTP: "off",
		Logger: slog.New(slog.NewTextHandler(Heard{"the address book cannot be written", said}, nil))})
	n, err := n.begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	home, err := datadir.Read(vfs.OS{}, n.cfg.Data)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(n.cfg.Data, "book")
	reads := func() bool {
		list, err := datadir.ReadBook(vfs.OS{}, n.cfg.Data, home)
		return err == nil && slices.ContainsFunc(list, func(p datadir.Place) bool { return p.ID == 7 })
	}
	err = errors.Join(os.RemoveAll(path), os.MkdirAll(filepath.Join(path, "in the way"), 0o700))
	if err != nil {
		t.Fatal(err)
	}
	n.book.learn(datadir.Place{ID: 7, Boots: 3})
	select {
	case <-tried.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("nobody says that it cannot be written")
	}
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); !reads(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it is not written")
		}
	}
}
