package entry

import (
	"encoding/binary"
	"fmt"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/fields"
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
	present := o.present()
	dst = append(dst, present)
	if present&hasConn != 0 {
		dst = binary.AppendUvarint(dst, o.Conn)
		dst = binary.AppendUvarint(dst, o.Request)
	}
	if present&hasSession != 0 {
		dst = append(dst, o.Session[:]...)
		dst = binary.AppendUvarint(dst, o.Attach)
	}
	if present&hasFresh != 0 {
		dst = append(dst, o.Fresh[:]...)
	}
	if present&hasOnce != 0 {
		dst = binary.AppendUvarint(dst, o.Once)
	}
	if present&hasUser != 0 {
		dst = fields.String(dst, o.User)
	}
	dst = appendCommand(dst, o.Args)
	if present&hasQueue != 0 {
		dst = binary.AppendUvarint(dst, uint64(len(o.Queue)))
		for _, c := range o.Queue {
			dst = appendCommand(dst, c)
		}
	}
	if present&hasWatch != 0 {
		dst = appendWatches(dst, o.Watch)
	}
	return dst
}

// present says which fields are written.
func (o *Op) present() byte {
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

func appendCommand(dst []byte, c caucus.Command) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(c)))
	for _, a := range c {
		dst = fields.String(dst, a)
	}
	return dst
}

func appendWatches(dst []byte, ws []Watch) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(ws)))
	for _, w := range ws {
		dst = fields.String(dst, w.Key)
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

// Decode reads an entry. The strings of the result share one copy of data: who keeps one for long should
// clone it.
func Decode(data []byte) (*Entry, error) {
	r := reader{Reader: fields.NewReader(data)}
	if f := r.Byte(); r.Err() == nil && f != Format {
		return nil, fmt.Errorf("log entry of format %d: this version reads format %d; "+
			"run the version that wrote it, or a newer one", f, Format)
	}
	e := &Entry{Level: uint16(r.Uvarint()), Stamp: r.Varint(), Term: r.Uvarint(), Seed: r.Uint64()}
	e.Notes = r.list()
	e.Batches = make([]Batch, r.Count(19))
	for i := range e.Batches {
		r.left = len(e.Batches) - i
		e.Batches[i] = r.batch()
	}
	return e, r.End("log entry")
}

// DecodeBatch reads what Batch.Append wrote. The strings of the result share the memory of data.
func DecodeBatch(data string) (Batch, error) {
	r := reader{Reader: fields.StringReader(data)}
	b := r.batch()
	return b, r.End("batch")
}
