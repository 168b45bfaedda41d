package machine

import (
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
)

// Sessions live by these unless something else is stated (WIRE "Defaults").
const (
	defaultTTL   = 10_000
	defaultGrace = 1_000
	minTTL       = 100
	maxTTL       = 86_400_000
)

// sessionCommands names who carries out SESSION. The conversation that carries a session replaces ids by
// their hashes (16 bytes) before anything is logged, so that is what the arguments hold here.
func (m *Machine) sessionCommands() {
	m.writes["session|open"] = openSession
	m.writes["session|resume"] = resumeSession
	m.writes["session|close"] = closeSession
	m.reads["session|info"] = sessionInfo
	m.reads["session|keepalive"] = keepAlive
	m.reads["session|help"] = m.help("session")
}

// openSession opens the operation's fresh session and answers its attachment number, which the conversation
// replaces by the id that only it knows.
func openSession(c *call) caucus.Reply {
	ttl, grace, err := sessionOptions(c.args[2:])
	if err != nil {
		return caucus.ErrorReply(err)
	}
	if c.op.Fresh == (entry.Session{}) {
		return caucus.Fail(caucus.ErrBad, "no id was made for the new session")
	}
	if _, ok := c.m.session(c.op.Fresh); ok {
		return caucus.Fail(caucus.ErrConflict, "a session of this id exists already")
	}
	life, err := lifetimes(ttl, grace, defaultTTL, defaultGrace)
	if err != nil {
		return caucus.ErrorReply(err)
	}
	if err := c.takesSession(); err != nil {
		return caucus.ErrorReply(err)
	}
	return caucus.Int(int64(c.open(life).attach))
}

// lifetime is how long a session lives after it was last heard, and after its connection was closed.
type lifetime struct{ ttl, grace int64 }

// lifetimes puts what is stated over the defaults and checks the ranges. A default GRACE is never longer
// than the TTL.
func lifetimes(ttl, grace *int64, usualTTL, usualGrace int64) (lifetime, *caucus.Error) {
	l := lifetime{ttl: orElse(ttl, usualTTL)}
	l.grace = orElse(grace, min(usualGrace, l.ttl))
	if err := within("TTL", &l.ttl, minTTL, maxTTL); err != nil {
		return l, err
	}
	return l, within("GRACE", &l.grace, 0, l.ttl)
}

func orElse(stated *int64, usual int64) int64 {
	if stated != nil {
		return *stated
	}
	return usual
}

// within checks the range of an option, if it was stated.
func within(name string, value *int64, low, high int64) *caucus.Error {
	if value == nil || *value >= low && *value <= high {
		return nil
	}
	return caucus.Errorf(caucus.ErrBad, "%s must be from %d to %d, not %d", name, low, high, *value)
}

func sessionOptions(args caucus.Command) (ttl, grace *int64, err *caucus.Error) {
	for i := 0; i < len(args); i += 2 {
		target := &ttl
		switch strings.ToUpper(args[i]) {
		case "TTL":
		case "GRACE":
			target = &grace
		default:
			return nil, nil, unknownOption(args[i])
		}
		if i+1 == len(args) {
			return nil, nil, noValue(args[i])
		}
		n, err := number(args[i], args[i+1])
		if err != nil {
			return nil, nil, err
		}
		*target = &n
	}
	return ttl, grace, nil
}

// The errors of options say which one is wrong.

func unknownOption(option string) *caucus.Error {
	return caucus.Errorf(caucus.ErrBad, "syntax error: there is no option '%.32s' here", option)
}

func usage(form string) *caucus.Error { return caucus.Errorf(caucus.ErrBad, "syntax error: %s", form) }

func noValue(option string) *caucus.Error {
	return caucus.Errorf(caucus.ErrBad, "syntax error: the option '%.32s' needs a value", option)
}

// number reads the value of an option.
func number(option, value string) (int64, *caucus.Error) {
	n, err := integer(value)
	if err != nil {
		return 0, caucus.Errorf(caucus.ErrBad, "%s: %.32s '%.32s'", err.Message, option, value)
	}
	return n, nil
}

// open opens the operation's fresh session.
func (c *call) open(l lifetime) *session {
	s := &session{id: c.op.Fresh, user: strings.Clone(c.op.User), ttl: l.ttl, grace: l.grace}
	c.m.sessions.Set(string(s.id[:]), s)
	c.take(s)
	return s
}

// take attaches a session to where the operation comes from, under a new number (SAFETY A4). The session
// that the connection carried before is set free, which is no drop (SAFETY A18). This entry is itself a sign
// of life, so it ends what is known of the session's silence.
func (c *call) take(s *session) {
	if former, ok := c.m.session(c.op.Session); ok && former != s && !former.evicted &&
		former.attach == c.op.Attach {
		former.bound = false
		c.m.touchSession(former.id)
	}
	if s.attach != 0 {
		c.m.count(s.node, -1)
	}
	c.m.count(c.node, 1)
	s.attach = c.m.next()
	s.node, s.boot = c.node, c.boot
	s.bound, s.inside = c.op.Bound, fromInside(c.op)
	s.drop, s.mark = false, 0
	c.attach = s.attach
	c.m.touchSession(s.id)
}

func resumeSession(c *call) caucus.Reply {
	s, err := c.theirs(c.args[2])
	switch {
	case err != nil:
		return caucus.ErrorReply(err)
	case s.evicted:
		return caucus.ErrorReply(errEvicted)
	}
	s, _ = c.m.session(s.id)
	c.m.quitLines(s)
	c.take(s)
	c.m.finish()
	return caucus.OK()
}

// hashOf reads the 16 bytes that name a session; anything else names none.
func hashOf(arg string) (id entry.Session) {
	if len(arg) == len(id) {
		copy(id[:], arg)
	}
	return id
}

// closeSession ends a session at the word of its own client, or of somebody who vouches that its process has
// stopped (SAFETY B21).
func closeSession(c *call) caucus.Reply {
	s, found := (*session)(nil), false
	if len(c.args) > 2 {
		named, err := c.theirs(c.args[2])
		if err != nil && err.Word == caucus.ErrNoPerm.Word {
			return caucus.ErrorReply(err)
		}
		if err == nil {
			s, found = c.m.session(named.id)
		}
	} else if own, err := c.own(); err == nil {
		s, found = c.m.session(own.id)
	}
	if !found {
		return caucus.Int(0)
	}
	c.m.end(s, reasonClosed)
	c.m.finish()
	return caucus.Int(1)
}

// sessionInfo answers the map of SESSION INFO. The id is not in the state, so it is empty here, and left is
// the whole TTL: both are filled in by the node, which knows them.
func sessionInfo(q *query) caucus.Reply {
	s, err := q.own()
	if len(q.args) > 2 {
		s, err = q.theirs(q.args[2])
	}
	if err != nil {
		return caucus.ErrorReply(err)
	}
	return caucus.Map(
		caucus.Bulk("id"), caucus.Bulk(""),
		caucus.Bulk("ttl"), caucus.Int(s.ttl),
		caucus.Bulk("grace"), caucus.Int(s.grace),
		caucus.Bulk("left"), caucus.Int(s.ttl),
		caucus.Bulk("node"), caucus.Bulk(q.s.nodeName(s.node)),
		caucus.Bulk("groups"), caucus.Bulks(s.places.Keys()...))
}

// keepAlive answers a promise for the session that speaks (SAFETY A2), or for sessions that are named how
// long each will be left. It is asked only after the leader has recorded them and a quorum confirmed it.
func keepAlive(q *query) caucus.Reply {
	if len(q.args) > 2 {
		return q.keepAliveAll(q.args[2:])
	}
	s, err := q.own()
	if err != nil {
		return caucus.ErrorReply(err)
	}
	return caucus.Array(caucus.Int(s.promise()), caucus.Int(q.now), caucus.Int(int64(q.s.version(s))))
}

// keepAliveAll answers for named sessions: -1 for one that has ended or was evicted, 0 for one whose
// connection was closed and that only RESUME can keep.
func (q *query) keepAliveAll(hashes caucus.Command) caucus.Reply {
	items := make([]caucus.Reply, len(hashes))
	for i, h := range hashes {
		items[i] = caucus.Int(-1)
		if s, err := q.theirs(h); err == nil && !s.evicted {
			items[i] = caucus.Int(s.left())
		}
	}
	return caucus.Array(items...)
}

// left gives how long a session will live if it was heard just now and is not heard again.
func (s *session) left() int64 {
	if s.drop {
		return 0
	}
	return s.ttl * int64(4-s.mark) / 4
}
