package entry

import (
	"encoding/binary"
	"fmt"

	"github.com/caucus-project/caucus"
)

// reader takes fields off the front of a string. After its first error it gives zero values.
type reader struct {
	rest string
	err  error
}

func (r *reader) end(what string) error {
	if r.err == nil && r.rest != "" {
		r.err = fmt.Errorf("%d bytes too many", len(r.rest))
	}
	if r.err != nil {
		return fmt.Errorf("%s cannot be read: %w", what, r.err)
	}
	return nil
}

func (r *reader) take(n int) string {
	if r.err != nil || n > len(r.rest) {
		r.fail()
		return ""
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

func (r *reader) fail() {
	if r.err == nil {
		r.err = errShort
	}
	r.rest = ""
}

func (r *reader) byte() byte {
	if s := r.take(1); s != "" {
		return s[0]
	}
	return 0
}

func (r *reader) uint64() uint64 {
	s := r.take(8)
	if s == "" {
		return 0
	}
	return binary.LittleEndian.Uint64([]byte(s))
}

func (r *reader) uvarint() uint64 {
	var v uint64
	for shift := uint(0); shift < 64; shift += 7 {
		b := r.byte()
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	r.fail()
	return 0
}

func (r *reader) varint() int64 {
	v := r.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// count reads how many items follow, each of at least size bytes, so that a damaged count cannot ask for
// more memory than the bytes could ever fill.
func (r *reader) count(size int) int {
	n := r.uvarint()
	if n > uint64(len(r.rest)/size) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *reader) string() string {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.fail()
		return ""
	}
	return r.take(int(n))
}

func (r *reader) id() (id [16]byte) {
	copy(id[:], r.take(len(id)))
	return id
}

func (r *reader) batch() Batch {
	return Batch{Node: r.uvarint(), Boot: r.id(), Number: r.uvarint(), Ops: r.ops()}
}

func (r *reader) ops() []Op {
	n := r.count(2)
	if n == 0 {
		return nil
	}
	ops := make([]Op, 0, n)
	for range n {
		ops = append(ops, r.op())
	}
	return ops
}

func (r *reader) op() (o Op) {
	fields := r.byte()
	o.Bound = fields&isBound != 0
	if fields&hasConn != 0 {
		o.Conn, o.Request = r.uvarint(), r.uvarint()
	}
	if fields&hasSession != 0 {
		o.Session, o.Attach = r.id(), r.uvarint()
	}
	if fields&hasFresh != 0 {
		o.Fresh = r.id()
	}
	if fields&hasOnce != 0 {
		o.Once = r.uvarint()
	}
	if fields&hasUser != 0 {
		o.User = r.string()
	}
	o.Args = r.command()
	if fields&hasQueue != 0 {
		o.Queue = make([]caucus.Command, r.count(1))
		for i := range o.Queue {
			o.Queue[i] = r.command()
		}
	}
	if fields&hasWatch != 0 {
		o.Watch = r.watches()
	}
	return o
}

func (r *reader) command() caucus.Command {
	c := make(caucus.Command, r.count(1))
	for i := range c {
		c[i] = r.string()
	}
	return c
}

func (r *reader) watches() []Watch {
	ws := make([]Watch, r.count(2))
	for i := range ws {
		ws[i].Key = r.string()
		v := r.uvarint()
		ws[i].Revision, ws[i].Present = v>>1, v&1 == 1
	}
	return ws
}
