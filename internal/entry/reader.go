package entry

import (
	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/fields"
)

// reader takes the parts of an entry off its bytes.
type reader struct {
	fields.Reader
	left  int      // batches still to be read
	ops   []Op     // room
	words []string // room
}

// slab is for how many of its kind room is made at most, beyond what is needed at once.
const slab = 64

// room takes space for n of a kind; when it is used up, space for as many times n as may still come. What is
// large has space of its own: of a slab the rest would be lost.
func room[T any](space *[]T, n, times int) []T {
	if n > len(*space) {
		if n >= slab/4 {
			return make([]T, n)
		}
		*space = make([]T, max(n, min(n*times, slab)))
	}
	taken := (*space)[:n:n]
	*space = (*space)[n:]
	return taken
}

func (r *reader) batch() Batch {
	return Batch{Node: r.Uvarint(), Boot: r.ID(), Number: r.Uvarint(), Ops: r.list()}
}

func (r *reader) list() []Op {
	n := r.Count(2)
	if n == 0 {
		return nil
	}
	ops := room(&r.ops, n, r.left)
	for i := range ops {
		r.op(&ops[i], max(r.left, n-i))
	}
	return ops
}

// op reads an operation, behind which so many more come, it counted among them.
func (r *reader) op(o *Op, more int) {
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
	o.Args = r.command(more)
	if present&hasQueue != 0 {
		o.Queue = make([]caucus.Command, r.Count(1))
		for i := range o.Queue {
			o.Queue[i] = r.command(len(o.Queue) - i)
		}
	}
	if present&hasWatch != 0 {
		o.Watch = r.watches()
	}
}

func (r *reader) command(more int) caucus.Command {
	c := caucus.Command(room(&r.words, r.Count(1), more))
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
