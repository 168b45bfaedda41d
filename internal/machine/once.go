package machine

import (
	"math"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/fields"
	"github.com/tidwall/btree"
)

// Replies that are kept per session (SAFETY A15).
const (
	onceKept  = 256
	onceBytes = 64 << 10
)

// window holds the replies of a session's last numbered requests.
type window struct {
	last    uint64                     // the highest number applied
	bytes   int                        // of the replies
	replies *btree.Map[uint64, string] // nil before the first: most sessions have none
}

// once carries out a numbered request unless it was carried out before (SAFETY A15). A request without a
// number is simply carried out.
func (m *Machine) once(c *call, do func() caucus.Reply) caucus.Reply {
	if c.op.Once == 0 {
		return do()
	}
	s, err := c.own()
	if err != nil {
		return caucus.ErrorReply(err)
	}
	if c.op.Once <= s.once.last {
		return s.once.again(c.op.Once)
	}
	reply := do()
	if isRefused(c.op) || reply.Kind == caucus.KindError && reply.Str == errEffort.Error() {
		return reply // it may be asked again under its number
	}
	if s, ok := m.session(s.id); ok { // the request may have ended its own session
		s.once.keep(c.op.Once, kept(c.op.Once, reply))
	}
	return reply
}

// kept gives what is kept of a reply. Of one that is too large that is said in its place, and nothing of it
// is written.
func kept(n uint64, reply caucus.Reply) string {
	if text, ok := appendReply(nil, &reply, onceBytes); ok {
		return string(text)
	}
	reply = caucus.Fail(caucus.ErrGap, "%d was carried out, and what it answered is not kept, because that has "+
		"more than %d bytes", n, onceBytes)
	text, _ := appendReply(nil, &reply, onceBytes)
	return string(text)
}

// again gives the stored reply of a number.
func (w *window) again(n uint64) caucus.Reply {
	oldest := w.last + 1
	if w.replies != nil {
		if stored, ok := w.replies.Get(n); ok {
			r := fields.StringReader(stored)
			return readReply(&r, maxDepth)
		}
		if first, _, ok := w.replies.Min(); ok {
			oldest = first
		}
	}
	return caucus.Fail(caucus.ErrGap, "%d is the oldest number whose reply is kept, %d is not", oldest, n)
}

func (w *window) keep(n uint64, reply string) {
	w.last = n
	w.add(n, reply)
	for w.replies.Len() > onceKept || w.bytes > onceBytes && w.replies.Len() > 0 {
		_, oldest, _ := w.replies.PopMin()
		w.bytes -= len(oldest)
	}
}

func (w *window) add(n uint64, reply string) {
	if w.replies == nil {
		w.replies = new(btree.Map[uint64, string])
	}
	w.replies.Set(n, reply)
	w.bytes += len(reply)
}

func (w *window) save(dst []byte) []byte {
	dst = fields.Uvarint(dst, w.last)
	if w.replies == nil {
		return fields.Uvarint(dst, 0)
	}
	dst = fields.Uvarint(dst, uint64(w.replies.Len()))
	w.replies.Scan(func(n uint64, reply string) bool {
		dst = fields.String(fields.Uvarint(dst, n), reply)
		return true
	})
	return dst
}

func (w *window) load(r *fields.Reader) {
	w.last = r.Uvarint()
	for range r.Count(2) {
		n := r.Uvarint()
		w.add(n, strings.Clone(r.String()))
	}
}

// maxDepth is how deep a stored reply may be nested: a transaction's array of arrays of maps, and to spare.
const maxDepth = 8

// appendReply appends a reply's bytes, and says whether with them there are no more than most. If not it
// stops at once.
func appendReply(dst []byte, r *caucus.Reply, most int) (text []byte, ok bool) {
	dst = append(dst, byte(r.Kind))
	switch r.Kind {
	case caucus.KindInt, caucus.KindBool:
		dst = fields.Varint(dst, r.Int)
	case caucus.KindDouble:
		dst = fields.Uint64(dst, math.Float64bits(r.Float))
	case caucus.KindStatus, caucus.KindError, caucus.KindBulk, caucus.KindVerbatim:
		if len(r.Str) > most {
			return dst, false
		}
		dst = fields.String(dst, r.Str)
	case caucus.KindArray, caucus.KindMap, caucus.KindSet, caucus.KindPush, caucus.KindPairs:
		dst = fields.Uvarint(dst, uint64(len(r.Items)))
		for i := range r.Items {
			if dst, ok = appendReply(dst, &r.Items[i], most); !ok {
				return dst, false
			}
		}
	}
	return dst, len(dst) <= most
}

// readReply takes what appendReply wrote, nested no deeper than depth.
func readReply(r *fields.Reader, depth int) caucus.Reply {
	v := caucus.Reply{Kind: caucus.Kind(r.Byte())}
	switch v.Kind {
	case caucus.KindInt, caucus.KindBool:
		v.Int = r.Varint()
	case caucus.KindDouble:
		v.Float = math.Float64frombits(r.Uint64())
	case caucus.KindStatus, caucus.KindError, caucus.KindBulk, caucus.KindVerbatim:
		v.Str = r.String()
	case caucus.KindArray, caucus.KindMap, caucus.KindSet, caucus.KindPush, caucus.KindPairs:
		n := r.Count(1)
		if depth == 0 {
			return caucus.Fail(caucus.ErrBad, "the stored reply is nested too deep")
		}
		v.Items = make([]caucus.Reply, n)
		for i := range v.Items {
			v.Items[i] = readReply(r, depth-1)
		}
	}
	return v
}
