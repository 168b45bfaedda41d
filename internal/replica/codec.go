package replica

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/fields"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// The types of frames on the wire. They never change their meaning; a changed frame gets a new number.
const (
	FrameRaft    = 1
	FrameBatches = 2
	FrameWant    = 3
	FrameRound   = 4
	FrameConfirm = 5 // 6 is the node's
	FrameVitals  = 7 // 8 too
	FrameTraces  = 9
)

// Encode gives the type and the bytes of a frame.
func (f Frame) Encode() (kind uint8, payload []byte, err error) {
	switch {
	case f.Raft != nil:
		payload, err = proto.Marshal(f.Raft)
		return FrameRaft, payload, err
	case f.Batches != nil:
		return FrameBatches, f.Batches.append(nil), nil
	case f.Want != nil:
		return FrameWant, fields.Uvarint(fields.Uvarint(nil, f.Want.Term), f.Want.Next), nil
	case f.Round != nil:
		return FrameRound, f.Round.append(nil), nil
	case f.Confirm != nil:
		return FrameConfirm, f.Confirm.append(nil), nil
	case f.Vitals != nil:
		return FrameVitals, f.Vitals.append(nil), nil
	case f.Traces != nil:
		return FrameTraces, f.Traces.append(nil), nil
	}
	return 0, nil, fmt.Errorf("an empty frame")
}

// Decode reads what Encode gave.
func Decode(kind uint8, payload []byte) (Frame, error) {
	var f Frame
	if kind == FrameRaft { // with entries it is large, so it is not copied for a reader that it does not need
		f.Raft = &pb.Message{}
		return f, proto.Unmarshal(payload, f.Raft)
	}
	r := fields.NewReader(payload)
	switch kind {
	case FrameBatches:
		return readBatches(&r)
	case FrameWant:
		f.Want = &Want{Term: r.Uvarint(), Next: r.Uvarint()}
	case FrameRound:
		f.Round = readRound(&r)
	case FrameConfirm:
		f.Confirm = readConfirm(&r)
	case FrameVitals:
		f.Vitals = readVitals(&r)
	case FrameTraces:
		f.Traces = readTraces(&r)
	default:
		return f, fmt.Errorf("a frame of unknown type %d", kind)
	}
	return f, r.End("a frame of a peer")
}

func (b *Batches) append(dst []byte) []byte {
	size, one := 0, []byte(nil)
	for i := range b.List {
		size += batchBytes(&b.List[i])
	}
	dst = slices.Grow(dst, size+20)
	dst = fields.Uvarint(dst, b.Term)
	dst = fields.Uvarint(dst, uint64(len(b.List)))
	for i := range b.List {
		one = b.List[i].Append(one[:0])
		dst = append(fields.Uvarint(dst, uint64(len(one))), one...)
	}
	return dst
}

// batchBytes estimates a batch's bytes in a frame or an entry, from above in all but odd cases.
func batchBytes(b *entry.Batch) int {
	n := 32
	for i := range b.Ops {
		n += weight(&b.Ops[i])
	}
	return n
}

func readBatches(r *fields.Reader) (Frame, error) {
	b := &Batches{Term: r.Uvarint(), List: make([]entry.Batch, r.Count(20))}
	for i := range b.List {
		one, err := entry.DecodeBatch(r.String())
		if err != nil {
			return Frame{}, err
		}
		b.List[i] = one
	}
	return Frame{Batches: b}, r.End("a frame of a peer")
}

func (q *Round) append(dst []byte) []byte {
	dst = fields.Uvarint(fields.Uvarint(dst, q.Term), q.ID)
	dst = fields.Uvarint(dst, uint64(len(q.Beats)))
	for _, b := range q.Beats {
		dst = append(dst, b.Session[:]...)
		dst = fields.Uvarint(fields.Uvarint(dst, b.Attach), b.Seen)
		if b.Attach == 0 {
			dst = fields.String(dst, b.User)
		}
	}
	return dst
}

func readRound(r *fields.Reader) *Round {
	q := &Round{Term: r.Uvarint(), ID: r.Uvarint()}
	n := r.Count(18)
	q.Beats = make([]entry.Beat, 0, n)
	for range n {
		b := entry.Beat{Session: r.ID(), Attach: r.Uvarint(), Seen: r.Uvarint()}
		if b.Attach == 0 {
			b.User = strings.Clone(r.String())
		}
		q.Beats = append(q.Beats, b)
	}
	return q
}

func (c *Confirm) append(dst []byte) []byte {
	dst = fields.Uvarint(fields.Uvarint(fields.Uvarint(dst, c.Term), c.ID), c.Index)
	dst = fields.Varint(dst, c.Stamp)
	dst = fields.Uvarint(dst, uint64(len(c.Again)))
	for _, s := range c.Again {
		dst = append(dst, s[:]...)
	}
	return dst
}

func readConfirm(r *fields.Reader) *Confirm {
	c := &Confirm{Term: r.Uvarint(), ID: r.Uvarint(), Index: r.Uvarint(), Stamp: r.Varint()}
	n := r.Count(16)
	for range n {
		c.Again = append(c.Again, r.ID())
	}
	return c
}
