package talk

import (
	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/command"
	"github.com/caucus-project/caucus/internal/entry"
)

// Config is what a conversation needs from around it.
type Config struct {
	Conn  uint64 // the connection's number on its node
	Table *command.Table
	// NewID draws the random id of a session. Nobody may be able to guess it.
	NewID func() [16]byte
	// Settle is the node's default settle period in milliseconds, for groups that a JOIN makes.
	Settle int64
	// Detached, when not empty, names the session for which this conversation acts and which no connection
	// carries (SAFETY A4).
	Detached string
	// Unbound says that no connection carries what this conversation opens or resumes, so GRACE has no
	// meaning.
	Unbound bool
	// Session, when not empty, is the id of a session for which this conversation acts, wherever it is
	// attached, and Seen the version of the newest promise that its client says it has read (SAFETY A3).
	Session string
	Seen    uint64
	// Beside, when not nil, is a conversation whose session this one carries too, under the same attachment.
	Beside *Talk
	// User is who speaks at first, "" for the default user.
	User string
	// Node answers the commands that concern the node alone. Nil: they are refused.
	Node func(caucus.Command) caucus.Reply
	// Clock gives what the node knows of the ensemble's clock, in microseconds. Nil: nothing.
	Clock func() int64
	// Share gives how many steps a plan of so many commands may have so that others need not wait long for it.
	// Nil: as many as fit.
	Share func(commands int) int
	// Authorize says whether the user may, with nil. It is asked before every command. Nil: everybody may.
	Authorize func(user string, s *command.Spec, args caucus.Command) *caucus.Error
}

// Talk is one conversation. It is used by one goroutine at a time, and has one plan in flight: every Plan is
// followed by its Finish or Fail before the next.
type Talk struct {
	cfg     Config
	request uint64 // commands taken so far
	carry   carried
	knows   entry.Session // the session whose id the client named last
	seen    uint64        // version of the last promise that was handed out (SAFETY A3)
	tx      *transaction  // between MULTI and EXEC
	watch   []entry.Watch // what the next EXEC depends on
	stale   bool          // after READONLY
}

// carried is the session of a conversation. Its zero value is none.
type carried struct {
	id      string // as the client knows it; "" for a detached one
	session entry.Session
	attach  uint64 // 0 for a detached one, and for one that is acted for wherever it is attached
}

// New begins a conversation.
func New(cfg Config) *Talk {
	t := &Talk{cfg: cfg}
	switch {
	case cfg.Detached != "":
		t.carry.session = DetachedSession(cfg.Detached)
	case cfg.Session != "":
		t.carry = carried{id: cfg.Session, session: NamedSession(cfg.Session)}
		t.seen = cfg.Seen
	case cfg.Beside != nil:
		t.carry = cfg.Beside.carry
	}
	return t
}

// Session gives the id of the session that the conversation carries, "" when it carries none or is detached.
func (t *Talk) Session() string { return t.carry.id }

// As makes the conversation that of a user from now on, "" being the default user. A session that it carries
// stays that of the user who opened it.
func (t *Talk) As(user string) { t.cfg.User = user }

// User gives who speaks.
func (t *Talk) User() string { return t.cfg.User }

// Gathers says whether the conversation is between MULTI and EXEC.
func (t *Talk) Gathers() bool { return t.tx != nil }

// Dropped says what the loss of the connection must report, if anything: the session and the attachment
// number under which the connection carried it (SAFETY A4).
func (t *Talk) Dropped() (s entry.Session, attach uint64, ok bool) {
	if t.carry.attach == 0 {
		return entry.Session{}, 0, false
	}
	return t.carry.session, t.carry.attach, true
}

// Reset makes the conversation as new, for RESET. The session that it carried is let go and lives on.
func (t *Talk) Reset() {
	t.tx, t.watch, t.stale, t.knows = nil, nil, false, entry.Session{}
	if !t.detached() {
		t.take(carried{})
	}
}

func (t *Talk) detached() bool { return t.cfg.Detached != "" }

// binds says whether a connection carries what this conversation opens or resumes.
func (t *Talk) binds() bool { return !t.cfg.Unbound && !t.detached() }

// hears says whether the client's next request shows that it has read the answer before (SAFETY A3). Requests
// that no connection holds together show nothing; what those of a detached one show is for its door to judge.
func (t *Talk) hears() bool { return !t.cfg.Unbound && t.cfg.Session == "" }

// take makes c the session that the conversation carries. Promises of the former one say nothing about it.
func (t *Talk) take(c carried) {
	t.carry = c
	t.seen = 0
}

// carries says whether there is a session to act for.
func (t *Talk) carries() bool { return t.carry.session != entry.Session{} }
