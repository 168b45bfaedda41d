package talk

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/entry"
)

// idLength is the length of a session's id, 32 hexadecimal digits.
const idLength = 32

// NamedSession gives the session of an id: the first 16 bytes of the id's SHA-256. What cannot be an id gives
// the zero Session, which no session has.
func NamedSession(id string) entry.Session {
	if len(id) != idLength || strings.Trim(id, "0123456789abcdef") != "" {
		return entry.Session{}
	}
	return hashed(id)
}

// DetachedSession gives the session of a conversation that no connection carries. No id gives the same.
func DetachedSession(text string) entry.Session { return hashed("detached\x00" + text) }

func hashed(text string) entry.Session {
	sum := sha256.Sum256([]byte(text))
	return entry.Session(sum[:16])
}

func raw(id string) string {
	s := NamedSession(id)
	return string(s[:])
}

func noSession() *caucus.Error {
	return caucus.Errorf(caucus.ErrNoSession, "this connection carries no session; "+
		"SESSION OPEN or GROUP JOIN gives it one")
}

// session plans the commands that begin with SESSION. Ids never reach the log: their hashes stand there.
func (t *Talk) session(p *Plan, s *command.Spec, sub string, cmd caucus.Command) verdict {
	named := len(cmd) > 2
	switch sub {
	case "open", "resume":
		if t.detached() {
			return p.say(caucus.Fail(caucus.ErrBad, "this conversation has its own session already"))
		}
		if sub == "open" {
			return t.open(p, cmd)
		}
		return t.resume(p, cmd)
	case "keepalive", "info", "close":
		switch {
		case named:
			return t.sessionNamed(p, s, sub, cmd)
		case t.carries():
			return t.sessionCarried(p, s, sub, cmd)
		case sub == "close":
			return p.say(caucus.Int(0))
		}
		return p.say(caucus.ErrorReply(noSession()))
	}
	t.firmStep(p, s.Writes(), cmd)
	return p.last(plain, nil)
}

func (t *Talk) open(p *Plan, cmd caucus.Command) verdict {
	c := t.fresh()
	op := t.firmStep(p, true, cmd)
	op.Fresh, op.Bound = c.session, t.binds()
	p.last(opened, &extra{carry: c, reply: caucus.Bulk(c.id)})
	return stopAfter
}

// fresh draws a new session.
func (t *Talk) fresh() carried {
	id := t.cfg.NewID()
	c := carried{id: hex.EncodeToString(id[:])}
	c.session = hashed(c.id)
	return c
}

func (t *Talk) resume(p *Plan, cmd caucus.Command) verdict {
	c := carried{id: strings.Clone(cmd[2]), session: NamedSession(cmd[2])}
	op := t.firmStep(p, true, hideIDs(cmd))
	op.Bound = t.binds()
	p.last(resumed, &extra{carry: c})
	return stopAfter
}

// hideIDs gives the command with its ids, from the third argument on, replaced by their hashes.
func hideIDs(cmd caucus.Command) caucus.Command {
	args := append(caucus.Command{}, cmd...)
	for i := 2; i < len(args); i++ {
		args[i] = raw(args[i])
	}
	return args
}

// sessionCarried plans KEEPALIVE, INFO and CLOSE of the session that the conversation carries.
func (t *Talk) sessionCarried(p *Plan, s *command.Spec, sub string, cmd caucus.Command) verdict {
	t.firmStep(p, s.Writes(), cmd)
	switch sub {
	case "keepalive":
		p.Promise = true
		return p.last(promised, nil)
	case "close":
		p.last(closed, &extra{carry: t.carry})
		return stopAfter
	}
	return p.last(informed, &extra{carry: t.carry})
}

// sessionNamed plans KEEPALIVE, INFO and CLOSE of sessions that it names.
func (t *Talk) sessionNamed(p *Plan, s *command.Spec, sub string, cmd caucus.Command) verdict {
	c := carried{id: cmd[2], session: NamedSession(cmd[2])}
	t.knows = c.session
	if sub == "keepalive" && p.writes {
		return notNow // among writes its beats would not be heard (SAFETY A2)
	}
	t.firmStep(p, s.Writes(), hideIDs(cmd))
	switch sub {
	case "keepalive":
		p.Promise = true
		for _, id := range cmd[2:] {
			if session := NamedSession(id); session != (entry.Session{}) {
				p.Beats = append(p.Beats, entry.Beat{Session: session, User: t.cfg.User})
			}
		}
		p.last(foreign, nil)
		return stopAfter
	case "close":
		p.last(closed, &extra{carry: c})
		return stopAfter
	}
	return p.last(informed, &extra{carry: c})
}

// enter plans what makes the session a member, GROUP JOIN or LOCK ACQUIRE. It opens a session when the
// conversation carries none; a detached conversation does not know whether its session exists, so it always
// offers to open it.
func (t *Talk) enter(p *Plan, cmd caucus.Command, once uint64) verdict {
	c := carried{}
	switch {
	case t.detached():
		c = t.carry
	case !t.carries():
		c = t.fresh()
	}
	op := t.firmStep(p, true, cmd)
	op.Fresh, op.Once, op.Bound = c.session, once, t.binds()
	if c.id == "" {
		return p.last(plain, nil)
	}
	p.last(opened, &extra{carry: c})
	return stopAfter
}

// settle gives a JOIN or CREATE with the node's settle period for a group that it may make, unless it states
// its own. It stands first, so that it is never taken for the value that a last option lacks.
func (t *Talk) settle(cmd caucus.Command) caucus.Command {
	args := slices.Clone(cmd)
	if statesSettle(cmd) {
		return args
	}
	return slices.Insert(args, 3, ".SETTLE", strconv.FormatInt(t.cfg.Settle, 10))
}

// statesSettle looks for SETTLE among the options, stepping over the values of the others.
func statesSettle(cmd caucus.Command) bool {
	for i := 3; i < len(cmd); i++ {
		switch {
		case strings.EqualFold(cmd[i], "SETTLE"):
			return true
		case !strings.EqualFold(cmd[i], "NOLEADER"):
			i++
		}
	}
	return false
}
