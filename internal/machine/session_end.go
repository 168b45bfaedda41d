package machine

import (
	"strconv"

	"github.com/caucus-project/caucus"
)

// Why a membership ended, beside what the leader decides (Lost, Expired, Removed).
const (
	reasonLeft   = "left"   // by GROUP LEAVE
	reasonClosed = "closed" // by SESSION CLOSE
)

// dropSession notes that the client's side closed the connection of a session. It counts only under the
// current attachment and for a session that a connection carries (SAFETY A4). With GRACE 0 the session is
// over at once.
func dropSession(c *call) caucus.Reply {
	s, ok := c.m.session(c.op.Session)
	if !ok || !s.bound || s.drop || s.attach != c.op.Attach {
		return caucus.Int(0)
	}
	s.drop = true
	c.m.touchSession(s.id)
	c.m.quitLines(s)
	if s.grace == 0 {
		reason := Lost
		if s.evicted {
			reason = Removed
		}
		c.m.end(s, reason)
	}
	c.m.finish()
	return caucus.Int(1)
}

// endSession carries out the leader's decision that a session is over. A decision of an earlier term, or
// about an earlier attachment, is refused (SAFETY A5).
func endSession(c *call) caucus.Reply {
	if len(c.args) != 3 || c.args[2] != strconv.FormatUint(c.m.term, 10) {
		return caucus.Int(0)
	}
	s, ok := c.m.session(c.op.Session)
	if !ok || s.attach != c.op.Attach {
		return caucus.Int(0)
	}
	c.m.end(s, endReason(c.args[1]))
	return caucus.Int(1)
}

// endReason keeps to the words that an event may hold.
func endReason(word string) string {
	switch word {
	case Lost, Removed:
		return word
	}
	return Expired
}

// end takes a session out of the state and out of its groups. What becomes of the groups is decided in
// finish, once for all that ended together.
func (m *Machine) end(s *session, reason string) {
	s.places.Scan(func(name string, order uint64) bool {
		if g, ok := m.groups.GetMut(name); ok {
			m.depart(g, order, reason)
		}
		return true
	})
	m.sessions.Delete(string(s.id[:]))
	m.count(s.node, -1)
	m.countEnd(reason)
	m.touchSession(s.id)
}

func (m *Machine) countEnd(reason string) {
	switch c := &m.counts; reason {
	case Lost:
		c.Lost++
	case Removed:
		c.Removed++
	case reasonClosed:
		c.Closed++
	default:
		c.Expired++
	}
}

// markSessions notes how long sessions have been silent, so that elections cannot keep the dead alive
// (SAFETY A5).
func markSessions(c *call) caucus.Reply {
	if len(c.args) < 2 {
		return caucus.Int(0)
	}
	quarter, err := strconv.Atoi(c.args[1])
	if err != nil || quarter < 1 || quarter > 3 {
		return caucus.Int(0)
	}
	decided := c.op.Attach
	if decided == 0 {
		decided = c.m.counter
	}
	return c.m.setMarks(c.args[2:], quarter, decided)
}

// clearSessions notes that marked sessions were heard again; from here on they may be promised something.
func clearSessions(c *call) caucus.Reply {
	return c.m.setMarks(c.args[1:], 0, c.m.counter)
}

// setMarks passes over sessions that were attached anew since the decision.
func (m *Machine) setMarks(hashes caucus.Command, quarter int, decided uint64) caucus.Reply {
	var n int64
	for _, h := range hashes {
		if s, ok := m.session(hashOf(h)); ok && s.attach <= decided {
			s.mark = quarter
			m.touchSession(s.id)
			n++
		}
	}
	return caucus.Int(n)
}
