package resp

import (
	"io"

	"github.com/caucus-project/caucus"
)

// writeAt is how much of a reply is written at once.
const writeAt = 256 << 10

// Write writes a reply as Append appends it, in pieces, so that however large it is no more than one piece of
// it is held.
func Write(to io.Writer, proto int, r caucus.Reply) error {
	w := &pieceWriter{to: to, proto: proto}
	w.reply(r)
	w.flush()
	return w.err
}

// pieceWriter gathers pieces. After its first error it writes no more.
type pieceWriter struct {
	to    io.Writer
	proto int
	buf   []byte
	err   error
}

func (w *pieceWriter) reply(r caucus.Reply) {
	if w.err != nil {
		return
	}
	switch {
	case r.Kind == caucus.KindBulk && len(r.Str) > writeAt:
		w.buf = appendHead(w.buf, '$', int64(len(r.Str)))
		w.text(r.Str)
	case r.Kind == caucus.KindVerbatim && len(r.Str) > writeAt:
		w.buf = AppendVerbatimHead(w.buf, w.proto, len(r.Str))
		w.text(r.Str)
	case r.Kind == caucus.KindPairs:
		w.pairs(r.Items)
	case len(r.Items) > 0:
		w.items(r)
	default:
		w.buf = Append(w.buf, w.proto, r)
	}
	w.full()
}

// text writes a long text and what ends it.
func (w *pieceWriter) text(s string) {
	for len(s) > 0 && w.err == nil {
		n := min(len(s), writeAt)
		w.buf, s = append(w.buf, s[:n]...), s[n:]
		w.full()
	}
	w.buf = append(w.buf, "\r\n"...)
}

func (w *pieceWriter) items(r caucus.Reply) {
	var missing bool
	w.buf, missing = appendItemsHead(w.buf, w.proto, r)
	for _, item := range r.Items {
		w.reply(item)
	}
	if missing {
		w.reply(caucus.Nil())
	}
}

func (w *pieceWriter) pairs(items []caucus.Reply) {
	w.buf = appendPairsHead(w.buf, w.proto, len(items))
	for i, item := range items {
		if w.proto == 3 && i%2 == 0 {
			w.buf = appendHead(w.buf, '*', 2)
		}
		w.reply(item)
	}
	if len(items)%2 == 1 {
		w.reply(caucus.Nil())
	}
}

// full writes a piece that is large enough.
func (w *pieceWriter) full() {
	if len(w.buf) >= writeAt {
		w.flush()
	}
}

func (w *pieceWriter) flush() {
	if w.err == nil && len(w.buf) > 0 {
		_, w.err = w.to.Write(w.buf)
	}
	w.buf = w.buf[:0]
}
