package replica_test

import (
	"bytes"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/replica"
	"github.com/caucus-project/caucus/internal/tool"
	pb "go.etcd.io/raft/v3/raftpb"
)

// frames gives one of each kind.
func frames() []replica.Frame {
	session := entry.Session{1, 2, 3}
	op := entry.Op{Conn: 1, Request: 2, Session: session, Attach: 3, Args: caucus.Command{"SET", "k", "v"}}
	return []replica.Frame{
		{Raft: &pb.Message{Type: pb.MsgApp.Enum(), From: new(uint64), Entries: []*pb.Entry{{Data: []byte("x")}}}},
		{Batches: &replica.Batches{Term: 3, List: []entry.Batch{{Node: 1, Boot: entry.Boot{9}, Number: 4,
			Ops: []entry.Op{op, op}}, {Node: 1, Boot: entry.Boot{9}, Number: 5}}}},
		{Want: &replica.Want{Term: 3, Next: 1}},
		{Round: &replica.Round{Term: 3, ID: 7, Beats: []entry.Beat{{Session: session, Attach: 3, Seen: 5}}}},
		{Confirm: &replica.Confirm{Term: 3, ID: 7, Index: 11, Stamp: -5, Again: []entry.Session{session}}},
		{Traces: &replica.Traces{Term: 3, List: []replica.Traced{
			{Number: 4, Trace: replica.Trace{ID: [16]byte{1, 2}, Span: [8]byte{3}}}, {Number: 300}}}},
	}
}

func TestFramesSurviveTheWire(t *testing.T) {
	for _, f := range frames() {
		kind, payload, err := f.Encode()
		if err != nil {
			t.Fatal(err)
		}
		read, err := replica.Decode(kind, payload)
		if err != nil {
			t.Fatalf("kind %d: %v", kind, err)
		}
		if _, again, _ := read.Encode(); !bytes.Equal(again, payload) {
			t.Errorf("kind %d came back as %x instead of %x", kind, again, payload)
		}
	}
	if _, _, err := (replica.Frame{}).Encode(); err == nil {
		t.Error("an empty frame was encoded")
	}
}

// A frame that was cut short is no frame; raft's own messages are protobuf's to judge.
func TestFramesCutShort(t *testing.T) {
	for _, f := range frames()[1:] {
		kind, payload, _ := f.Encode()
		for n := range payload {
			if _, err := replica.Decode(kind, payload[:n]); err == nil {
				t.Errorf("kind %d was taken with %d of its %d bytes", kind, n, len(payload))
			}
		}
	}
}

// Whatever a peer sends is a frame or an error, and a frame says the same when it is sent on.
func FuzzDecode(f *testing.F) {
	for _, one := range frames() {
		kind, payload, err := one.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(kind, payload)
	}
	f.Fuzz(func(t *testing.T, kind uint8, payload []byte) {
		var first replica.Frame
		var err error
		tool.AtMost(t, 64<<10+200*len(payload), func() { first, err = replica.Decode(kind, payload) })
		if err != nil {
			return
		}
		kind, payload, err = first.Encode()
		if err != nil {
			t.Fatal(err)
		}
		second, err := replica.Decode(kind, payload)
		if err != nil {
			t.Fatalf("what was decoded cannot be decoded again: %v", err)
		}
		_, again, err := second.Encode()
		if err != nil || kind != replica.FrameRaft && !bytes.Equal(again, payload) {
			t.Fatalf("%x became %x (%v)", payload, again, err)
		}
	})
}
