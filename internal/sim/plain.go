package sim

import (
	"slices"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/fields"
	"github.com/caucus-project/caucus/internal/machine"
	"github.com/caucus-project/caucus/internal/replica"
)

// ear is where a member hears the messages of a group: by which connection, and under which name its own.
type ear struct {
	conn *conn
	name string
}

// voice is one sender's messages to one set of receivers, heard the last of them that came.
type (
	voice struct {
		from entry.Session
		life uint64
		feed string
	}
	heard struct {
		part, n uint64
		said    int // which of all messages it was, in the order in which they were said
	}
)

// later says whether a message comes after another by its number (SAFETY A11).
func (h heard) later(than heard) bool {
	return h.part > than.part || h.part == than.part && h.n > than.n
}

// listen asks for the messages of a group and the member's own, and sometimes for those of somebody else,
// which must be refused.
func (m *member) listen(p *place) {
	name := p.name
	if other := m.companion(p); m.w.chance(10) && other != "" {
		name = other
	}
	m.flying = &errand{what: "SUBSCRIBE " + p.group.name, sent: m.clock.mono()}
	m.flying.replies = func(replies []caucus.Reply) { m.listens(p, name, replies[0]) }
	m.conn.request(&request{channel: caucus.MemberChannel(p.group.name, name)})
	m.sleep(3 * patience / 2)
}

func (m *member) listens(p *place, name string, r caucus.Reply) {
	switch {
	case name != p.name && r.Kind == caucus.KindBulk:
		m.w.fail("SAFETY A11: %s may read what is for %s of %s", m.name, name, p.group.name)
	case m.word(r) == caucus.ErrNoPerm.Word && name == p.name:
		m.attached = false // a RESUME will tell
	case name != p.name, m.failed(r):
	default:
		p.ear = ear{m.conn, name}
	}
}

// companion gives the name of another member of the group, "" when none is drawn.
func (m *member) companion(p *place) string {
	for _, other := range pick(m.w, m.w.members).places {
		if other.group == p.group && other != p && other.name != p.name {
			return other.name
		}
	}
	return ""
}

// subscribe has a connection that may read a member's own messages get them from now on, and those of the
// group.
func (c *conn) subscribe(r *request) {
	if r.channel != "" && r.replies[0].Kind == caucus.KindBulk {
		feed := r.replies[0].Str
		c.hears[feed] = true
		c.hears[groupOf(feed)] = true
	}
}

// sendMessage sends a message of a client of this node to the listeners of all nodes, as node.send does.
func (n *node) sendMessage(m *machine.Message) {
	n.post.Number(m)
	n.w.checks.mail.numbered(n, m)
	n.letOut(m)
	data := m.Append(nil)
	for _, other := range n.w.up() {
		if other != n {
			n.w.net.deliver(n.id, other.id, func() { other.heardMessage(data) })
		}
	}
}

func (n *node) heardMessage(data []byte) {
	r := fields.NewReader(data)
	m := machine.ReadMessage(&r)
	switch {
	case r.End("a message") != nil:
		n.w.fail("a message cannot be read")
	case n.r == nil:
	case n.stalled > 0:
		n.backlog = append(n.backlog, func(replica.Time) { n.letOut(m) })
	default:
		n.letOut(m)
	}
}

// letOut hands a message to those who listen here, unless a later one was.
func (n *node) letOut(m *machine.Message) {
	feed := m.Feed()
	listens := func(c *conn) bool { return c.hears[feed] }
	if !slices.ContainsFunc(n.conns, listens) {
		return
	}
	if !n.post.Admit(m) {
		n.w.checks.count("messages too late")
		return
	}
	for _, c := range n.conns {
		if listens(c) {
			n.w.at(c.arrival(&c.toClient), func() {
				if by, ok := c.end.(*member); ok && c.clientOpen {
					by.input(func() { by.hear(c, m) })
				}
			})
		}
	}
}

// hear takes a message. On one connection they come in the order of their numbers. Over several, what came by
// an earlier one may come again or too late; a receiver knows that by the number, and drops it.
func (m *member) hear(c *conn, msg *machine.Message) {
	l := voice{msg.Session, msg.Life, msg.Feed()}
	at := heard{msg.Part, msg.N, m.w.checks.mail.ordinal(msg.Payload)}
	last, ok := c.heard[l]
	if ok && !at.later(last) {
		m.w.fail("SAFETY A11: %s hears %q, number %d of part %d, after number %d of part %d", m.name,
			msg.Payload, at.n, at.part, last.n, last.part)
	}
	c.heard[l] = at
	last, ok = m.heard[l]
	switch {
	case ok && !at.later(last):
		m.w.checks.count("messages again")
		return
	case ok && at.said <= last.said:
		m.w.fail("SAFETY A11: %s hears %q after message %d of the same sender", m.name, msg.Payload, last.said)
	case ok && at.part == last.part && at.n > last.n+1:
		m.w.checks.count("messages missed")
	}
	m.heard[l] = at
	m.w.checks.mail.hears(m, msg)
}
