package machine

import (
	"encoding/binary"
	"errors"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/fields"
	"github.com/tidwall/btree"
)

// popWait is a command that waits for an element. It never changes. It ends only by an entry: served, its
// time over, or its client gone (SAFETY B7).
type popWait struct {
	number uint64 // which rises in the order in which they came
	asker
	until int64 // stamp at which its time is over, microseconds; 0: without limit
	args  caucus.Command
	*popping
}

// popLine is all who wait for an element.
type popLine struct {
	waits  btree.Map[uint64, *popWait] // by their numbers
	places btree.Map[string, *popWait] // by each of their keys, and their numbers
	askers btree.Map[string, *popWait] // by who asks
	bytes  int64                       // that they are counted with
}

// Bounds on who waits, in bytes as weight counts them.
const (
	mostWait    = 1 << 20   // of one command
	mostWaiting = 256 << 20 // of all of them
)

// weight gives the bytes that a wait is counted with: its words, and for each a place in the line at most.
func (w *popWait) weight() int64 {
	n := int64(512)
	for _, arg := range w.args {
		n += 2*int64(len(arg)) + 96
	}
	return n
}

func (l *popLine) copy() popLine {
	return popLine{share(&l.waits), share(&l.places), share(&l.askers), l.bytes}
}

// placeOf gives the place of a number in the line for a key. All of one key follow each other, by their
// numbers.
func placeOf(key string, number uint64) string {
	return string(binary.BigEndian.AppendUint64(fields.String(nil, key), number))
}

func (l *popLine) add(w *popWait) {
	l.bytes += w.weight()
	l.waits.Set(w.number, w)
	l.askers.Set(w.asker.id(), w)
	for _, key := range w.keys {
		l.places.Set(placeOf(key, w.number), w)
	}
}

func (l *popLine) drop(w *popWait) {
	l.bytes -= w.weight()
	l.waits.Delete(w.number)
	l.askers.Delete(w.asker.id())
	for _, key := range w.keys {
		l.places.Delete(placeOf(key, w.number))
	}
}

// after gives who stands next in the line for a key behind a number, nil if nobody does.
func (l *popLine) after(key string, number uint64) (next *popWait) {
	from := placeOf(key, number+1)
	l.places.Ascend(from, func(place string, w *popWait) bool {
		if place[:len(place)-8] == from[:len(from)-8] {
			next = w
		}
		return false
	})
	return next
}

// deadline is when the time of a wait is over.
func (w *popWait) deadline() deadline {
	return deadline{at: w.until, kind: popEnds, number: w.number}
}

// awaitElement puts a command in line.
func (c *call) awaitElement(asked *popping) caucus.Reply {
	if err := c.mayWait(); err != nil {
		return caucus.ErrorReply(err)
	}
	w := &popWait{number: c.m.next(), asker: c.asker(), args: clones(c.args)}
	w.popping, _ = poppers()[strings.ToLower(w.args[0])](w.args) // again, of words of its own
	if asked.millis > 0 {
		w.until = min(c.now/1000+asked.millis, farAway) * 1000
	}
	if before, ok := c.s.pops.askers.Get(w.asker.id()); ok { // a request waits once
		c.m.endPop(before, caucus.NilArray())
	}
	c.m.stand(w)
	ttl := int64(0)
	if s, ok := c.s.session(c.speaker()); ok {
		ttl = s.ttl
	}
	return waitsInLine(ttl, w.number)
}

// mayWait refuses a wait for which there is no room.
func (c *call) mayWait() *caucus.Error {
	weight := (&popWait{args: c.args}).weight()
	switch {
	case weight > mostWait:
		return caucus.Errorf(caucus.ErrBad, "a command that waits is counted with %d bytes at most, and this one "+
			"with %d; name fewer or shorter keys", mostWait, weight)
	case c.s.pops.bytes+weight > mostWaiting:
		return caucus.Errorf(caucus.ErrTryAgain, "those who wait for elements are counted with %d bytes at most; "+
			"nothing was taken for this one", mostWaiting)
	}
	return c.s.affords(weight)
}

func (s *state) stand(w *popWait) {
	s.pops.add(w)
	if w.until != 0 {
		s.arm(w.deadline())
	}
}

// endPop ends a wait with this answer.
func (m *Machine) endPop(w *popWait, reply caucus.Reply) {
	m.pops.drop(w)
	if w.until != 0 {
		m.disarm(w.deadline())
	}
	m.answer(w.asker, reply)
}

// popIsOver ends a wait whose time is over.
func (m *Machine) popIsOver(number uint64) {
	if w, ok := m.pops.waits.Get(number); ok {
		m.endPop(w, caucus.NilArray())
	}
}

// awaited notes that a key has been given something that others may wait for. They are served when the
// command, or transaction, is done.
func (m *Machine) awaited(key string, v value) {
	if m.pops.waits.Len() == 0 || !v.kind.hasBody() || m.readyOnce[key] || m.pops.after(key, 0) == nil {
		return
	}
	if m.readyOnce == nil {
		m.readyOnce = map[string]bool{}
	}
	m.readyOnce[key] = true
	m.ready = append(m.ready, key)
}

// serve gives those who wait what the last command has put into their keys, one key after the other, those
// of a key in the order in which they came, as long as there is something. What one of them moves to another
// key may serve others in turn.
func (m *Machine) serve() {
	for len(m.ready) > 0 {
		key := m.ready[0]
		m.ready = m.ready[1:]
		delete(m.readyOnce, key)
		m.serveAt(key)
	}
}

func (m *Machine) serveAt(key string) {
	for w := m.pops.after(key, 0); w != nil; w = m.pops.after(key, w.number) {
		it, ok := m.keys.find(key)
		if !ok {
			return
		}
		if it.kind == w.is {
			m.endPop(w, w.take(m, key))
		}
	}
}

// forsakePop carries out a node's report that nobody is there any more to be answered to a command that may
// wait.
func forsakePop(c *call) caucus.Reply {
	asks := c.asker()
	w, ok := c.m.pops.askers.Get(asks.id())
	if ok {
		c.m.endPop(w, caucus.Nil())
	}
	return caucus.Truth(ok)
}

var errAbsent = caucus.Errorf(caucus.ErrTryAgain,
	"the node was away, so its clients were taken out of the line; "+
		"nothing was taken for this one")

// quitPopsAt ends the waits of a node's clients, of those boots that are over.
func (m *Machine) quitPopsAt(node uint64, over func(entry.Boot) bool) {
	var gone []*popWait
	m.pops.askers.Ascend(asker{node: node}.id(), func(_ string, w *popWait) bool {
		if w.node == node && over(w.boot) {
			gone = append(gone, w)
		}
		return w.node == node
	})
	for _, w := range gone {
		m.endPop(w, caucus.ErrorReply(errAbsent))
	}
}

// Absent is the leader's note that it hears nothing of a node any more, so that those who wait there must
// swallow nothing. Should the node be back, its clients are told to ask again.
func Absent(node uint64, boot entry.Boot) entry.Op {
	return entry.Op{Args: caucus.Command{opAbsent, strconv.FormatUint(node, 10), string(boot[:])}}
}

func nodeAbsent(c *call) caucus.Reply {
	if id, err := strconv.ParseUint(c.args[1], 10, 64); err == nil && len(c.args) == 3 {
		c.m.quitPopsAt(id, func(boot entry.Boot) bool { return string(boot[:]) == c.args[2] })
	}
	return caucus.OK()
}

// Waiters visits the nodes whose clients wait for elements, each under each boot.
func (s *state) Waiters(do func(node uint64, boot entry.Boot)) {
	from := ""
	for found := true; found; {
		found = false
		s.pops.askers.Ascend(from, func(_ string, w *popWait) bool {
			found = true
			do(w.node, w.boot)
			last := asker{node: w.node, boot: w.boot, conn: ^uint64(0), request: ^uint64(0)}
			from = last.id()
			return false
		})
	}
}

// inPopLine answers a node how a wait of one of its clients stands when it may have missed the end, because
// the state was replaced by a snapshot.
func inPopLine(q *query) caucus.Reply {
	number, err := strconv.ParseUint(q.args[1], 10, 64)
	w, ok := q.s.pops.waits.Get(number)
	if err != nil || !ok {
		return caucus.Fail(caucus.ErrUncertain, "the wait has ended, and this node has missed how")
	}
	return waitsInLine(0, w.number)
}

func savePops(s *saver, st *state) {
	st.pops.waits.Scan(func(number uint64, w *popWait) bool {
		row := w.asker.append(fields.Uvarint(s.head, number))
		row = fields.Uvarint(fields.Varint(row, w.until), uint64(len(w.args)))
		for _, arg := range w.args {
			row = fields.String(row, arg)
		}
		s.row(row, "")
		return s.err == nil
	})
}

func loadPop(r *fields.Reader, s *state) error {
	w := &popWait{number: r.Uvarint(), asker: readAsker(r), until: r.Varint()}
	w.args = make(caucus.Command, r.Count(1))
	for i := range w.args {
		w.args[i] = r.String()
	}
	last, _, some := s.pops.waits.Max()
	_, taken := s.pops.askers.Get(w.asker.id())
	switch {
	case r.Err() != nil:
		return nil
	case some && w.number <= last || w.number == 0 || w.number > s.counter || taken:
		return errors.New("those who wait for elements are not in order")
	}
	if w.popping = readWaiting(w.args); w.popping == nil {
		return errors.New("somebody waits by a command that does not wait")
	}
	s.stand(w)
	return nil
}

// popRows are the rows by which the arguments of those who wait are checked.
var popRows = command.New()

// readWaiting reads a command that waits for elements; nil for any other.
func readWaiting(args caucus.Command) *popping {
	spec, err := popRows.Lookup(args)
	if err != nil || spec.Timeout == 0 {
		return nil
	}
	p, err := poppers()[spec.Name](args)
	if err != nil {
		return nil
	}
	return p
}
