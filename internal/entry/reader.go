package entry

import (
	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/fields"
)

// reader takes the parts of an entry off its bytes.
type reader struct{ fields.Reader }

func (r *reader) batch() Batch {
	return Batch{Node: r.Uvarint(), Boot: r.ID(), Number: r.Uvarint(), Ops: r.ops()}
}

func (r *reader) ops() []Op {
	n := r.Count(2)
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
	present := r.Byte()
	o.Bound = present&isBound != 0
	if present&hasConn != 0 {
		o.Conn, o.Request = r.Uvarint(), r.Uvarint()
	}
	if present&hasSession != 0 {
		o.Session, o.Attach = r.ID(), r.Uvarint()
	}
	if present&hasFresh != 0 {
		o.Fresh = r.ID()
	}
	if present&hasOnce != 0 {
		o.Once = r.Uvarint()
	}
	if present&hasUser != 0 {
		o.User = r.String()
	}
	o.Args = r.command()
	if present&hasQueue != 0 {
		o.Queue = make([]caucus.Command, r.Count(1))
		for i := range o.Queue {
			o.Queue[i] = r.command()
		}
	}
	if present&hasWatch != 0 {
		o.Watch = r.watches()
	}
	return o
}

func (r *reader) command() caucus.Command {
	c := make(caucus.Command, r.Count(1))
	for i := range c {
		c[i] = r.String()
	}
	return c
}

func (r *reader) watches() []Watch {
	ws := make([]Watch, r.Count(2))
	for i := range ws {
		ws[i].Key = r.String()
		v := r.Uvarint()
		ws[i].Revision, ws[i].Present = v>>1, v&1 == 1
	}
	return ws
}
