package entry

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/caucus-project/caucus"
)

// Format is the first byte of every encoded entry.
const Format = 1

// Bits that say which of an operation's fields follow.
const (
	hasConn = 1 << iota
	hasSession
	hasFresh
	hasOnce
	hasUser
	hasQueue
	hasWatch
	isBound
)

// Append adds the entry's bytes to dst.
func (e *Entry) Append(dst []byte) []byte {
	dst = append(dst, Format)
	dst = binary.AppendUvarint(dst, uint64(e.Level))
	dst = binary.AppendVarint(dst, e.Stamp)
	dst = binary.AppendUvarint(dst, e.Term)
	dst = binary.LittleEndian.AppendUint64(dst, e.Seed)
	dst = appendOps(dst, e.Notes)
	dst = binary.AppendUvarint(dst, uint64(len(e.Batches)))
	for i := range e.Batches {
		dst = e.Batches[i].Append(dst)
	}
	return dst
}

// Append adds the batch's bytes to dst.
func (b *Batch) Append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, b.Node)
	dst = append(dst, b.Boot[:]...)
	dst = binary.AppendUvarint(dst, b.Number)
	return appendOps(dst, b.Ops)
}

func appendOps(dst []byte, ops []Op) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(ops)))
	for i := range ops {
		dst = ops[i].append(dst)
	}
	return dst
}

func (o *Op) append(dst []byte) []byte {
	fields := o.fields()
	dst = append(dst, fields)
	if fields&hasConn != 0 {
		dst = binary.AppendUvarint(dst, o.Conn)
		dst = binary.AppendUvarint(dst, o.Request)
	}
	if fields&hasSession != 0 {
		dst = append(dst, o.Session[:]...)
		dst = binary.AppendUvarint(dst, o.Attach)
	}
	if fields&hasFresh != 0 {
		dst = append(dst, o.Fresh[:]...)
	}
	if fields&hasOnce != 0 {
		dst = binary.AppendUvarint(dst, o.Once)
	}
	if fields&hasUser != 0 {
		dst = appendString(dst, o.User)
	}
	dst = appendCommand(dst, o.Args)
	if fields&hasQueue != 0 {
		dst = binary.AppendUvarint(dst, uint64(len(o.Queue)))
		for _, c := range o.Queue {
			dst = appendCommand(dst, c)
		}
	}
	if fields&hasWatch != 0 {
		dst = appendWatches(dst, o.Watch)
	}
	return dst
}

func (o *Op) fields() byte {
	var f byte
	set := func(present bool, bit byte) {
		if present {
			f |= bit
		}
	}
	set(o.Conn != 0 || o.Request != 0, hasConn)
	set(o.Session != Session{} || o.Attach != 0, hasSession)
	set(o.Fresh != Session{}, hasFresh)
	set(o.Once != 0, hasOnce)
	set(o.User != "", hasUser)
	set(len(o.Queue) > 0, hasQueue)
	set(len(o.Watch) > 0, hasWatch)
	set(o.Bound, isBound)
	return f
}

func appendString(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

func appendCommand(dst []byte, c caucus.Command) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(c)))
	for _, a := range c {
		dst = appendString(dst, a)
	}
	return dst
}

func appendWatches(dst []byte, ws []Watch) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(ws)))
	for _, w := range ws {
		dst = appendString(dst, w.Key)
		dst = binary.AppendUvarint(dst, w.Revision<<1|flag(w.Present))
	}
	return dst
}

func flag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

var errShort = errors.New("the bytes end in the middle of a field")

// Decode reads an entry. The strings of the result share one copy of data: who keeps one for long should
// clone it.
func Decode(data []byte) (*Entry, error) {
	r := reader{rest: string(data)}
	if f := r.byte(); r.err == nil && f != Format {
		return nil, fmt.Errorf("log entry of format %d: this version reads format %d; "+
			"run the version that wrote it, or a newer one", f, Format)
	}
	e := &Entry{Level: uint16(r.uvarint()), Stamp: r.varint(), Term: r.uvarint(), Seed: r.uint64()}
	e.Notes = r.ops()
	e.Batches = make([]Batch, 0, r.count(19))
	for range cap(e.Batches) {
		e.Batches = append(e.Batches, r.batch())
	}
	return e, r.end("log entry")
}

// DecodeBatch reads what Batch.Append wrote.
func DecodeBatch(data []byte) (Batch, error) {
	r := reader{rest: string(data)}
	b := r.batch()
	return b, r.end("batch")
}
