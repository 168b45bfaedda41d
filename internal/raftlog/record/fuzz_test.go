package record_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/caucus-project/caucus/internal/raftlog/record"
	"github.com/caucus-project/caucus/internal/tool"
	"go.etcd.io/raft/v3/raftpb"
)

// FuzzReplay replays frames whose checksums are right, whatever is in them: a segment's first and two
// more. It proves that what it makes of them is a log without gaps, or an error that says what is wrong,
// and that this log, written anew, is replayed to the same.
func FuzzReplay(f *testing.F) {
	place := record.Place{Last: 4, Term: 2, Vote: 1, Commit: 3}
	head := record.AppendSegment(nil, 7, 4096, place)
	entry := func(index uint64, data string) *raftpb.Entry {
		term, kind := uint64(2), raftpb.EntryNormal
		return &raftpb.Entry{Index: &index, Term: &term, Type: &kind, Data: []byte(data)}
	}
	frame := func(r record.Record) []byte {
		b, err := record.Append(nil, &place, r)
		if err != nil {
			f.Fatal(err)
		}
		return b
	}
	index, term := uint64(9), uint64(3)
	f.Add(head, frame(record.Record{Entries: []*raftpb.Entry{entry(5, "a"), entry(6, "")}}),
		frame(record.Record{Entries: []*raftpb.Entry{entry(6, "anew")}}))
	f.Add(head, frame(record.Record{Snapshot: &raftpb.SnapshotMetadata{Index: &index, Term: &term}}),
		frame(record.Record{Entries: []*raftpb.Entry{entry(10, "behind it")}}))
	f.Add(head, []byte("h\x03\x01\x05"), []byte("e\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00"))
	f.Add([]byte("g\x07\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), []byte("e\x00\x01\x01\xff\xff\xff\xff\x7f"),
		[]byte{})
	f.Fuzz(func(t *testing.T, head, one, two []byte) {
		var r record.Replay
		var err error
		tool.AtMost(t, 64<<10+100*(len(head)+len(one)+len(two)), func() {
			err = r.Segment(head, 7, true)
			for _, frame := range [][]byte{one, two} {
				if err == nil {
					err = r.Frame(frame)
				}
			}
		})
		if err != nil {
			if err.Error() == "" {
				t.Error("an error that says nothing")
			}
			return
		}
		whole(t, &r)
		if again := rewritten(t, &r); again != describe(&r) {
			t.Errorf("%s\nwritten anew is\n%s", describe(&r), again)
		}
	})
}

// whole looks whether a log has the entries that it says.
func whole(t *testing.T, r *record.Replay) {
	if r.Last != r.Base+uint64(len(r.Entries)) {
		t.Fatalf("%d entries behind %d, and the last is %d", len(r.Entries), r.Base, r.Last)
	}
	for i, e := range r.Entries {
		if e.GetIndex() != r.Base+1+uint64(i) {
			t.Fatalf("entry %d stands where %d should", e.GetIndex(), r.Base+1+uint64(i))
		}
	}
}

// rewritten writes a log as one segment and replays that.
func rewritten(t *testing.T, r *record.Replay) string {
	place := record.Place{Last: r.Base, Term: r.Term, Vote: r.Vote, Commit: r.Commit}
	head := record.AppendSegment(nil, 1, 4096, place)
	frame, err := record.Append(nil, &place, record.Record{Entries: r.Entries})
	if err != nil {
		t.Fatal(err)
	}
	var again record.Replay
	if err := again.Segment(head, 1, true); err != nil {
		t.Fatal(err)
	}
	if err := again.Frame(frame); err != nil {
		t.Fatal(err)
	}
	return describe(&again)
}

func describe(r *record.Replay) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "term %d vote %d commit %d base %d:", r.Term, r.Vote, r.Commit, r.Base)
	for _, e := range r.Entries {
		fmt.Fprintf(&b, " %d/%d/%d %q", e.GetIndex(), e.GetTerm(), e.GetType(), e.GetData())
	}
	return b.String()
}
