package machine

import (
	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/fields"
)

// lockWait is an ACQUIRE that waits at its member's place in the line. It ends only by an entry: served,
// its time over, or its client gone; in all but the first case the place ends with it (SAFETY B7).
type lockWait struct {
	on bool
	asker
	until int64 // stamp at which its time is over, microseconds; 0: without limit
}

// deadline is when the time of a wait is over.
func (w *lockWait) deadline(group string, order uint64) deadline {
	return deadline{at: w.until, kind: waitEnds, name: group, number: order}
}

// endWait ends a member's wait, if there is one, with this answer, and leaves the member where it is.
func (m *Machine) endWait(g *group, order uint64, reply caucus.Reply) {
	if mb, ok := g.members.Get(order); !ok || !mb.wait.on {
		return
	}
	mb, _ := g.members.GetMut(order)
	w := mb.wait
	mb.wait = lockWait{}
	m.disarm(w.deadline(g.name, order))
	m.answer(w.asker, reply)
}

// notServed answers a wait whose member departs.
func notServed(reason string) caucus.Reply {
	if reason == reasonLeft {
		return caucus.Nil()
	}
	return caucus.ErrorReply(errEndedInLine)
}

var errEndedInLine = caucus.Errorf(caucus.ErrNoSession, "the session ended while it waited for the lock")

// quitLine takes a member out of its group, at its own word or since its wait is over. What becomes of the
// group is decided in finish.
func (m *Machine) quitLine(g *group, mb *member) {
	if s, ok := m.session(mb.session); ok {
		s.places.Delete(g.name)
	}
	m.depart(g, mb.order, reasonLeft)
}

// timeOut ends a wait whose time is over.
func (m *Machine) timeOut(d deadline) {
	g, ok := m.groups.GetMut(d.name)
	if !ok {
		return
	}
	if mb, ok := g.members.Get(d.number); ok && mb.wait.on && mb.wait.until == d.at {
		m.quitLine(g, mb)
	}
}

// quitLines ends the waits of a session whose client can no longer be answered where it asked.
func (m *Machine) quitLines(s *session) {
	for _, name := range s.places.Keys() {
		order, _ := s.places.Get(name)
		g, ok := m.groups.GetMut(name)
		if !ok {
			continue
		}
		if mb, ok := g.members.Get(order); ok && mb.wait.on {
			m.quitLine(g, mb)
		}
	}
}

// quitLinesAt ends the waits of a node's clients, but for those of one boot of it: who asked under another
// is not there any more.
func (m *Machine) quitLinesAt(node uint64, but entry.Boot) {
	type at struct {
		group string
		*member
	}
	var gone []at
	m.groups.Ascend(lockPrefix, func(name string, g *group) bool {
		if !g.isLock() {
			return false
		}
		g.members.Scan(func(_ uint64, mb *member) bool {
			if mb.wait.on && mb.wait.node == node && mb.wait.boot != but {
				gone = append(gone, at{name, mb})
			}
			return true
		})
		return true
	})
	for _, w := range gone {
		g, _ := m.groups.GetMut(w.group)
		m.quitLine(g, w.member)
	}
	m.finish()
}

// inLine answers the node of an ACQUIRE that waits how it stands, when it may have missed the end because the
// state was replaced by a snapshot: the term when it was served, nil when the wait is over, and else what
// ACQUIRE itself answered.
func inLine(q *query) caucus.Reply {
	s, ok := q.s.session(q.speaker())
	if !ok {
		return caucus.ErrorReply(errEndedInLine)
	}
	g, ok := q.s.groups.Get(q.args[1])
	if !ok {
		return caucus.Nil()
	}
	order, _ := s.places.Get(g.name)
	mb, ok := g.members.Get(order)
	switch {
	case ok && g.leader == order:
		return caucus.Int(int64(g.term))
	case ok && mb.wait.on && mb.wait.conn == q.op.Conn && mb.wait.request == q.op.Request:
		return waitsInLine(s.ttl, 0)
	}
	return caucus.Nil()
}

// forsakeWait carries out a node's report that nobody is there any more to be answered to an ACQUIRE, if it
// still waits.
func forsakeWait(c *call) caucus.Reply {
	s, ok := c.m.session(c.speaker())
	g, found := c.m.groups.GetMut(c.args[1])
	if !ok || !found {
		return caucus.Int(0)
	}
	order, _ := s.places.Get(g.name)
	mb, ok := g.members.Get(order)
	if w := (lockWait{on: true, asker: c.asker()}); !ok ||
		!mb.wait.of(w) {
		return caucus.Int(0)
	}
	c.m.quitLine(g, mb)
	c.m.finish()
	return caucus.Int(1)
}

// of says whether both are waits of one request.
func (w lockWait) of(other lockWait) bool {
	w.until, other.until = 0, 0
	return w == other
}

// saveWait appends a wait's bytes to dst; they stand in snapshots.
func saveWait(dst []byte, w *lockWait) []byte {
	if dst = fields.Bool(dst, w.on); !w.on {
		return dst
	}
	return fields.Varint(w.asker.append(dst), w.until)
}

// loadWait takes what saveWait wrote.
func loadWait(r *fields.Reader) (w lockWait) {
	if w.on = r.Bool(); w.on {
		w.asker, w.until = readAsker(r), r.Varint()
	}
	return w
}
