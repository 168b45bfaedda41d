package machine

import (
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
)

// posting is a SEND as its arguments say.
type posting struct {
	kind, to string
	sent     int64 // 0: not said
}

// parsePosting reads what follows the payload.
func parsePosting(args caucus.Command) (p posting, err *caucus.Error) {
	p.kind = toAll
	for i := 0; i < len(args); i++ {
		word := strings.ToUpper(args[i])
		switch {
		case i == 0 && word == sentAt && len(args) > 1: // the node's word comes first, and no client's counts
			i++
			if p.sent, err = number(sentAt, args[i]); err != nil {
				return p, err
			}
		case p.kind != toAll:
			return p, usage("GROUP SEND group payload [TO member | LEADER | ORDERED]")
		case word == "LEADER":
			p.kind = toLeader
		case word == "ORDERED":
			p.kind = toOrdered
		case word != "TO":
			return p, unknownOption(args[i])
		case i+1 == len(args):
			return p, noValue(word)
		default:
			i++
			p.kind, p.to = toMember, args[i]
		}
	}
	return p, nil
}

// message makes the message that the command sends, and says to how many members it is addressed (SAFETY
// A11). Whoever has a session may send; who is not a member has no name to sign with.
func (q *query) message() (msg *Message, addressed int64, err *caucus.Error) {
	p, err := parsePosting(q.args[4:])
	if err != nil {
		return nil, 0, err
	}
	g, err := q.group()
	if err != nil {
		return nil, 0, err
	}
	s, err := q.own()
	if err != nil {
		return nil, 0, err
	}
	msg = &Message{Session: s.id, Part: s.attach, Group: g.name, Life: g.life, Kind: p.kind,
		Sent: p.sent, Payload: q.args[3]}
	if msg.Sent == 0 || msg.Sent > q.now {
		msg.Sent = q.now // the one who sends may be ahead a little
	}
	order, _ := s.places.Get(g.name)
	if sender, ok := g.members.Get(order); ok {
		msg.Sender = sender.name
		if g.leader == order {
			msg.Term = g.term
		}
	}
	addressed, err = g.address(msg, p)
	if err == nil && len(msg.Payload) > maxMessage {
		err = caucus.Errorf(caucus.ErrBad, "a message may have %d bytes, not %d", maxMessage, len(msg.Payload))
	}
	return msg, addressed, err
}

// address finds those for whom a message is.
func (g *group) address(msg *Message, p posting) (addressed int64, err *caucus.Error) {
	var to *member
	switch p.kind {
	case toMember:
		to, err = g.named(p.to)
	case toLeader:
		if g.noLeader {
			return 0, leaderless(g)
		}
		leader, ok := g.members.Get(g.leader)
		if to = leader; !ok {
			err = caucus.Errorf(caucus.ErrNoLeader, "group '%s' has no leader now", g.name)
		}
	default:
		return int64(g.members.Len()), nil
	}
	if err != nil {
		return 0, err
	}
	msg.To, msg.Heir = to.name, to.session
	return 1, nil
}

// sendPlain hands a message to those for whom it is, beside the log.
func sendPlain(q *query) caucus.Reply {
	msg, addressed, err := q.message()
	if err != nil {
		return caucus.ErrorReply(err)
	}
	q.host.Send(msg)
	return caucus.Int(addressed)
}

// sendLogged sends from an entry of the log: an ordered message becomes an event there, the same for
// everyone. A plain one stands here in a transaction, or under a number, and is sent by its client's node
// only.
func sendLogged(c *call) caucus.Reply {
	msg, addressed, err := c.message()
	switch {
	case err != nil:
		return caucus.ErrorReply(err)
	case msg.Kind == toOrdered:
		g, _ := c.m.groups.GetMut(msg.Group)
		c.m.tell(g, "message").text("sender", msg.Sender).text("kind", msg.Kind).number("term", msg.Term).
			payload(msg.Payload).integer("sent", msg.Sent).integer("received", c.now).done()
	case c.here:
		c.host.Send(msg)
	}
	return caucus.Int(addressed)
}

// ownFeed answers under which name this node's feed has the messages for one member, if they are for the
// session that asks, or for one whose id the connection has shown to know: its hash may follow. Without a
// name it is for the session's own member, whatever that is called. Nobody else may read them.
func ownFeed(q *query) caucus.Reply {
	group, name := q.args[1], q.args[2]
	sessions := []entry.Session{hashOf(q.args[3])}
	if own, err := q.own(); err == nil {
		sessions = append(sessions, own.id)
	}
	if g, ok := q.s.groups.Get(group); ok {
		for _, id := range sessions {
			if mb := q.memberOf(g, id); mb != nil && (name == "" || name == mb.name) {
				return caucus.Bulk(privateFeed(group, mb.name, id))
			}
		}
	}
	return caucus.Fail(caucus.ErrNoPerm, "only the session of member '%.300s' of group '%.300s' may read "+
		"the messages for it", name, group)
}

// memberOf gives the member of a group that a session is, nil for none.
func (q *query) memberOf(g *group, id entry.Session) *member {
	s, ok := q.s.session(id)
	if !ok {
		return nil
	}
	order, _ := s.places.Get(g.name)
	mb, _ := g.members.Get(order)
	return mb
}
