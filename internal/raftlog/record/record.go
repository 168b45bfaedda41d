package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"go.etcd.io/raft/v3/raftpb"
)

// Record is one thing to remember: what a Ready or a MsgStorageAppend of Raft asks to store.
type Record struct {
	// Snapshot, if set, says that the log now begins behind this snapshot, which was committed before.
	Snapshot *raftpb.SnapshotMetadata
	// Entries are appended; one at an index that exists replaces it and all that follow.
	Entries []*raftpb.Entry
	// HardState replaces the one before; nil leaves it.
	HardState *raftpb.HardState
}

// Place is where the log stands: what a new append is checked against and a new segment begins with.
type Place struct {
	Last               uint64 // index of the last entry, or of the snapshot that stands for it
	Term, Vote, Commit uint64
}

// Kinds of items within a frame.
const (
	itemSegment  = 'g' // sequence number, last index, bytes of the file: begins each segment
	itemNext     = 'n' // sequence number of the segment that follows: in the last sector of each but the newest
	itemHard     = 'h' // term, vote, commit
	itemSnapshot = 's' // index, term
	itemEntry    = 'e' // type, term, index, data
)

func putItem(b []byte, kind byte, fields ...uint64) []byte {
	b = append(b, kind)
	for _, f := range fields {
		b = binary.AppendUvarint(b, f)
	}
	return b
}

// Append encodes r behind b and moves p to where the log then stands.
func Append(b []byte, p *Place, r Record) ([]byte, error) {
	if r.Snapshot != nil {
		p.Last = r.Snapshot.GetIndex()
		b = putItem(b, itemSnapshot, p.Last, r.Snapshot.GetTerm())
	}
	for _, e := range r.Entries {
		if i := e.GetIndex(); i == 0 || i > p.Last+1 {
			return nil, fmt.Errorf("entry %d cannot follow entry %d", i, p.Last)
		}
		p.Last = e.GetIndex()
		b = putItem(b, itemEntry, uint64(e.GetType()), e.GetTerm(), p.Last, uint64(len(e.GetData())))
		b = append(b, e.GetData()...)
	}
	if h := r.HardState; h != nil {
		p.Term, p.Vote, p.Commit = h.GetTerm(), h.GetVote(), h.GetCommit()
	}
	return b, nil
}

// Replay rebuilds the log from frames. It holds the entries Base+1 to Last.
type Replay struct {
	Place
	Base    uint64
	Entries []*raftpb.Entry
	Highest uint64 // index of any entry in the present segment, for Compact
	Size    int64  // bytes that the file of the present segment was made with
}

var errItem = errors.New("a record is not readable")

// Segment reads the first frame of a segment. The first segment that is left says where the log
// begins.
func (r *Replay) Segment(payload []byte, seq uint64, first bool) error {
	c := cursor{b: payload}
	kind, found, last, size := c.kind(), c.uvarint(), c.uvarint(), c.uvarint()
	if c.bad || kind != itemSegment || found != seq {
		return fmt.Errorf("it does not begin as segment %d", seq)
	}
	if first {
		r.Base, r.Last = last, last
	}
	if last != r.Last {
		return fmt.Errorf("it begins after entry %d, but the log before it ends with %d", last, r.Last)
	}
	r.Highest, r.Size = 0, int64(min(size, math.MaxInt64))
	return r.Frame(c.b)
}

// Frame takes the next append.
func (r *Replay) Frame(payload []byte) error {
	for c := (cursor{b: payload}); len(c.b) > 0; {
		if err := r.item(&c); err != nil {
			return err
		}
		if c.bad {
			return errItem
		}
	}
	return nil
}

func (r *Replay) item(c *cursor) error {
	switch c.kind() {
	case itemHard:
		r.Term, r.Vote, r.Commit = c.uvarint(), c.uvarint(), c.uvarint()
	case itemSnapshot:
		r.Base, _ = c.uvarint(), c.uvarint()
		r.Last, r.Entries = r.Base, nil
	case itemEntry:
		return r.entry(c.entry())
	default:
		return errItem
	}
	return nil
}

func (r *Replay) entry(e *raftpb.Entry) error {
	i := e.GetIndex()
	if i == 0 || i > r.Last+1 {
		return fmt.Errorf("entry %d follows entry %d", i, r.Last)
	}
	if i <= r.Base {
		r.Base, r.Entries = i-1, nil
	}
	r.Entries = append(r.Entries[:i-r.Base-1], e)
	r.Last, r.Highest = i, max(r.Highest, i)
	return nil
}

// AppendHard encodes the hard state of p behind b.
func AppendHard(b []byte, p Place) []byte { return putItem(b, itemHard, p.Term, p.Vote, p.Commit) }

// AppendSegment encodes, behind b, what a segment begins with: its number, the size of its file, and all
// that a reader needs of those before it.
func AppendSegment(b []byte, seq uint64, size int64, p Place) []byte {
	return AppendHard(putItem(b, itemSegment, seq, p.Last, uint64(size)), p)
}

// AppendNext encodes, behind b, that segment seq follows.
func AppendNext(b []byte, seq uint64) []byte { return putItem(b, itemNext, seq) }

// Next reads what AppendNext wrote.
func Next(payload []byte) (seq uint64, ok bool) {
	c := cursor{b: payload}
	kind, seq := c.kind(), c.uvarint()
	return seq, kind == itemNext && !c.bad && len(c.b) == 0
}

// cursor reads items; bad says that they ended too early.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) kind() byte {
	k := c.bytes(1)
	if c.bad {
		return 0
	}
	return k[0]
}

func (c *cursor) uvarint() uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.b, c.bad = nil, true
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *cursor) bytes(n uint64) []byte {
	if n > uint64(len(c.b)) {
		c.b, c.bad = nil, true
		return nil
	}
	p := c.b[:n]
	c.b = c.b[n:]
	return p
}

// entry copies the data: the buffer it reads from is a whole segment and is used again.
func (c *cursor) entry() *raftpb.Entry {
	kind, term, index := raftpb.EntryType(c.uvarint()), c.uvarint(), c.uvarint()
	data := c.bytes(c.uvarint())
	e := &raftpb.Entry{Type: &kind, Term: &term, Index: &index}
	if len(data) > 0 {
		e.Data = append([]byte(nil), data...)
	}
	return e
}
