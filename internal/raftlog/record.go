package raftlog

import (
	"encoding/binary"
	"errors"
	"fmt"

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

// place is where the log stands: what a new append is checked against and a new segment begins with.
type place struct {
	last               uint64 // index of the last entry, or of the snapshot that stands for it
	term, vote, commit uint64
}

// Kinds of items within a frame.
const (
	itemSegment  = 'g' // sequence number, last index: begins each segment
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

// appendRecord encodes r behind b and moves p to where the log then stands.
func appendRecord(b []byte, p *place, r Record) ([]byte, error) {
	if r.Snapshot != nil {
		p.last = r.Snapshot.GetIndex()
		b = putItem(b, itemSnapshot, p.last, r.Snapshot.GetTerm())
	}
	for _, e := range r.Entries {
		if i := e.GetIndex(); i == 0 || i > p.last+1 {
			return nil, fmt.Errorf("entry %d cannot follow entry %d", i, p.last)
		}
		p.last = e.GetIndex()
		b = putItem(b, itemEntry, uint64(e.GetType()), e.GetTerm(), p.last, uint64(len(e.GetData())))
		b = append(b, e.GetData()...)
	}
	if h := r.HardState; h != nil {
		p.term, p.vote, p.commit = h.GetTerm(), h.GetVote(), h.GetCommit()
	}
	return b, nil
}

// replay rebuilds the log from frames. It holds the entries base+1 to last.
type replay struct {
	place
	base    uint64
	entries []*raftpb.Entry
	highest uint64 // index of any entry in the present segment, for Compact
}

var errItem = errors.New("a record is not readable")

// segment reads the first frame of a segment. The first segment that is left says where the log begins.
func (r *replay) segment(payload []byte, seq uint64, first bool) error {
	c := cursor{b: payload}
	kind, found, last := c.kind(), c.uvarint(), c.uvarint()
	if c.bad || kind != itemSegment || found != seq {
		return fmt.Errorf("it does not begin as segment %d", seq)
	}
	if first {
		r.base, r.last = last, last
	}
	if last != r.last {
		return fmt.Errorf("it begins after entry %d, but the log before it ends with %d", last, r.last)
	}
	r.highest = 0
	return r.frame(c.b)
}

func (r *replay) frame(payload []byte) error {
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

func (r *replay) item(c *cursor) error {
	switch c.kind() {
	case itemHard:
		r.term, r.vote, r.commit = c.uvarint(), c.uvarint(), c.uvarint()
	case itemSnapshot:
		r.base, _ = c.uvarint(), c.uvarint()
		r.last, r.entries = r.base, nil
	case itemEntry:
		return r.entry(c.entry())
	default:
		return errItem
	}
	return nil
}

func (r *replay) entry(e *raftpb.Entry) error {
	i := e.GetIndex()
	if i == 0 || i > r.last+1 {
		return fmt.Errorf("entry %d follows entry %d", i, r.last)
	}
	if i <= r.base {
		r.base, r.entries = i-1, nil
	}
	r.entries = append(r.entries[:i-r.base-1], e)
	r.last, r.highest = i, max(r.highest, i)
	return nil
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
