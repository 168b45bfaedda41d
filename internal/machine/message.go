package machine

import (
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/fields"
	"github.com/caucus-project/caucus/internal/waist"
)

// maxMessage is how many bytes a message's payload may have (WIRE "Defaults").
const maxMessage = 1 << 20

// sentAt is the option by which the client's node says what the ensemble's clock showed, as far as it knew,
// when a message was sent, in microseconds. The node adds it.
const sentAt = ".SENT"

// Who a message is for, as its event says.
const (
	toAll     = "all"
	toLeader  = "leader"
	toMember  = "member"
	toOrdered = "ordered" // all, through the log
)

// Message is one that its sender's node hands to those for whom it is, beside the log (SAFETY A11).
type Message struct {
	Session entry.Session // of the sender
	Part    uint64        // its attachment number
	N       uint64        // 1, 2, 3 ... on the feed within a part and life; the node counts

	Group  string
	Life   uint64 // of the group
	Sender string // name of the member that sends, "" when the session is not a member
	Term   uint64 // the sender's, 0 if it does not lead
	Kind   string
	To     string        // name of the member, "" for all
	Heir   entry.Session // of that member
	Sent   int64         // by the ensemble's clock, microseconds since 1970

	Payload string
}

// Feed gives the name under which those for whom the message is listen to it on their nodes.
func (m *Message) Feed() string {
	if m.To == "" {
		return caucus.EventChannel(m.Group)
	}
	return privateFeed(m.Group, m.To, m.Heir)
}

// privateFeed is a member's own: its channel is bound to the session, since another may bear the name
// later.
func privateFeed(group, member string, s entry.Session) string {
	return caucus.MemberChannel(group, member) + waist.FeedMark + string(s[:])
}

// Sendable says whether there may still be messages like this one: of its sender under its attachment, to the
// same receivers in the same life of the group. Neither of them comes back once it is gone.
func (s *state) Sendable(m *Message) bool {
	from, there := s.session(m.Session)
	g, lives := s.groups.Get(m.Group)
	if !there || from.attach != m.Part || !lives || g.life != m.Life {
		return false
	}
	_, heard := s.session(m.Heir)
	return heard || m.To == ""
}

// Event gives the message as its receivers see it, received at that time of the ensemble's clock, as far as
// this node knows it: not before it was sent.
func (m *Message) Event(received int64) string {
	received = max(received, m.Sent)
	t := &telling{json: append(make([]byte, 0, 256+len(m.Payload)), '{')}
	t.text("event", "message").text("group", m.Group).number("life", m.Life).number("n", m.N).
		integer("time", received/1000).text("sender", m.Sender).number("part", m.Part).text("kind", m.Kind).
		text("to", m.To).number("term", m.Term).payload(m.Payload).integer("sent", m.Sent).
		integer("received", received)
	return string(append(t.json, '}'))
}

// payload writes what a message holds, which may be nothing.
func (t *telling) payload(s string) *telling {
	if s != "" {
		return t.bytes("payload", s)
	}
	t.field("payload")
	t.json = append(t.json, '"', '"')
	return t
}

// Append appends the bytes that ReadMessage reads.
func (m *Message) Append(dst []byte) []byte {
	dst = append(append(dst, m.Session[:]...), m.Heir[:]...)
	for _, n := range []uint64{m.Part, m.N, m.Life, m.Term, uint64(m.Sent)} {
		dst = fields.Uvarint(dst, n)
	}
	for _, s := range []string{m.Group, m.Sender, m.Kind, m.To, m.Payload} {
		dst = fields.String(dst, s)
	}
	return dst
}

// ReadMessage reads a message and keeps none of the reader's memory. Whether the bytes were damaged is the
// reader's error.
func ReadMessage(r *fields.Reader) *Message {
	m := &Message{Session: r.ID(), Heir: r.ID(), Part: r.Uvarint(), N: r.Uvarint(), Life: r.Uvarint(),
		Term: r.Uvarint(), Sent: int64(r.Uvarint())}
	for _, s := range []*string{&m.Group, &m.Sender, &m.Kind, &m.To, &m.Payload} {
		*s = strings.Clone(r.String())
	}
	return m
}
