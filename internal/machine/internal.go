package machine

import (
	"strconv"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/entry"
	"github.com/caucus-project/caucus/internal/fields"
)

// Names of operations that no client can send: what nodes report in their batches, and what the leader
// decides in an entry's notes. They begin with a dot, which no command does.
const (
	opSetUser = ".setuser" // report: of a client's ACL SETUSER; name, rules with hashes in place of passwords
	opBoot    = ".boot"    // report: a node has started; the node's record
	// report: a client's side was seen to close the connection of Session under Attach; note: its node died
	opDrop  = ".drop"
	opEnd   = ".end"   // note: Session under Attach has ended; reason, term of the decision
	opMark  = ".mark"  // note: quarter 1..3, then sessions silent for so long
	opClear = ".clear" // note: sessions heard again
	opGrant = ".grant" // note: group, token; what was revoked under the token may be granted anew
	opLevel = ".level" // note: the feature level from here on
	opBegin = ".begin" // note: the leader begins the ensemble's clock anew

	opDigest  = ".digest"  // report and note: every node takes the digest of its state after this entry
	opDigests = ".digests" // note: index, then node, format, digest of each node that reported
	opRefused = ".refused" // in place of an operation that the leader refused: why
	// note: name, client address; a node of that name is expected there, or no longer if it is empty
	opReserve = ".reserve"
	opGone    = ".gone"    // note: raft id of a node that was removed and is needed no more
	opForsake = ".forsake" // report: group of a lock; nobody is there to be answered to the request of Conn
	opQuitPop = ".quitpop" // report: nobody is there to be answered to the request of Conn, a pop
	opAbsent  = ".absent"  // note: raft id and boot of a node of which nothing is heard any more
	opSend    = ".send"    // read: GROUP SEND, but for ORDERED
	opOwnFeed = ".ownfeed" // read: group, member, hash of a session; where messages for that member are
	opInLine  = ".inline"  // read: group of a lock; how the request of Conn that waits for it stands
	opInPop   = ".inpop"   // read: number of a wait for elements; how it stands
)

// internalCommands names who carries out what no client can send.
func (m *Machine) internalCommands() {
	m.writes[opBoot] = boot
	m.writes[opDrop], m.notes[opDrop] = dropSession, dropSession
	m.notes[opEnd] = endSession
	m.notes[opMark] = markSessions
	m.notes[opClear] = clearSessions
	m.notes[opGrant] = grantGroup
	m.notes[opLevel] = raiseLevel
	m.notes[opBegin] = beginClock
	m.writes[opDigest], m.notes[opDigest] = takeDigest, takeDigest
	m.notes[opDigests] = logDigests
	m.writes[opRefused] = refused
	m.notes[opReserve] = reserveName
	m.notes[opGone] = nodeGone
}

// Boot is a node's report that it has started, the first operation of each boot's stream.
func Boot(n Node) entry.Op {
	return entry.Op{Args: caucus.Command{opBoot, string(n.Append(nil))}}
}

// Drop is a node's report that the client's side closed the connection of a session (SAFETY A4).
func Drop(s entry.Session, attach uint64) entry.Op {
	return entry.Op{Session: s, Attach: attach, Args: caucus.Command{opDrop}}
}

// Why the leader ends a session.
const (
	Lost    = "lost"    // its connection was closed, and GRACE has passed
	Expired = "expired" // nothing was heard of it for TTL
	Removed = "removed" // it was evicted
)

// End is the leader's decision that a session is over. It holds only in an entry of the term in which it was
// decided, and under the attachment that it speaks of (SAFETY A4, A5).
func End(s entry.Session, attach, term uint64, reason string) entry.Op {
	return entry.Op{Session: s, Attach: attach,
		Args: caucus.Command{opEnd, reason, strconv.FormatUint(term, 10)}}
}

// Mark notes how many quarters of their TTL sessions have been silent (SAFETY A5). Its Attach may
// be set to the state's Counter at the time of the decision: sessions that were resumed since are
// then passed over, since that was a sign of life.
func Mark(quarter int, sessions []entry.Session) entry.Op {
	args := caucus.Command{opMark, strconv.Itoa(quarter)}
	return entry.Op{Args: appendSessions(args, sessions)}
}

// Clear notes that marked sessions were heard again (SAFETY A5).
func Clear(sessions []entry.Session) entry.Op {
	return entry.Op{Args: appendSessions(caucus.Command{opClear}, sessions)}
}

func appendSessions(args caucus.Command, sessions []entry.Session) caucus.Command {
	for _, s := range sessions {
		args = append(args, string(s[:]))
	}
	return args
}

// Grant is the leader's decision that what was revoked under the token may be granted anew (SAFETY A3).
func Grant(group string, token uint64) entry.Op {
	return entry.Op{Args: caucus.Command{opGrant, group, strconv.FormatUint(token, 10)}}
}

// BeginClock notes that the leader, whom nobody could tell the time, begins the ensemble's clock anew: what a
// leader of an earlier term told of it is void (SAFETY A14).
func BeginClock() entry.Op { return entry.Op{Args: caucus.Command{opBegin}} }

func beginClock(c *call) caucus.Reply {
	c.m.begun = c.m.term
	return caucus.OK()
}

// Announced gives what a node says of itself in a batch that begins with the announcement of its boot.
func Announced(b *entry.Batch) (n Node, ok bool) {
	if len(b.Ops) == 0 || len(b.Ops[0].Args) != 2 || b.Ops[0].Args[0] != opBoot {
		return n, false
	}
	r := fields.StringReader(b.Ops[0].Args[1])
	n = ReadNode(&r)
	return n, r.Err() == nil && n.ID == b.Node && n.Boot == b.Boot
}

// announces says whether the batch announces a boot that is newer than those that are known.
func (m *Machine) announces(b *entry.Batch) bool {
	n, ok := Announced(b)
	known, found := m.nodes.Get(b.Node)
	return ok && found && n.Incarnation == known.Incarnation && n.Boots > known.Boots
}

// boot takes over what a node says of itself; metadata that it does not state stay. That it may was checked
// when its batch was accepted.
func boot(c *call) caucus.Reply {
	r := fields.StringReader(c.args[1])
	n := ReadNode(&r)
	known, ok := c.m.nodes.Get(n.ID)
	if r.Err() != nil || !ok || known.Incarnation != n.Incarnation {
		return caucus.Fail(caucus.ErrConflict, "not a node of this ensemble")
	}
	if n.Metadata == "" {
		n.Metadata = known.Metadata // others may have stated it when the ensemble was founded
	}
	c.m.nodes.Set(n.ID, &n)
	c.m.quitLinesAt(n.ID, n.Boot)
	c.m.quitPopsAt(n.ID, func(boot entry.Boot) bool { return boot != n.Boot })
	return caucus.OK()
}

// Ends says which session an operation ends or drops once it is applied, if it does, and under
// which attachment; 0 for whatever is current.
func Ends(op *entry.Op) (s entry.Session, attach uint64, ok bool) {
	switch {
	case len(op.Args) > 0 && (op.Args[0] == opDrop || op.Args[0] == opEnd):
		return op.Session, op.Attach, true
	case len(op.Args) < 2 ||
		!strings.EqualFold(op.Args[0], "session") || !strings.EqualFold(op.Args[1], "close"):
		return s, 0, false
	case len(op.Args) > 2:
		return hashOf(op.Args[2]), 0, true
	}
	return op.Session, op.Attach, true
}

// Marks gives the quarter and the sessions of the leader's note that they have been silent; quarter
// 0 for anything else.
func Marks(op *entry.Op) (quarter int, sessions []entry.Session) {
	if len(op.Args) < 2 || op.Args[0] != opMark {
		return 0, nil
	}
	quarter, err := strconv.Atoi(op.Args[1])
	if err != nil {
		return 0, nil
	}
	for _, h := range op.Args[2:] {
		sessions = append(sessions, hashOf(h))
	}
	return quarter, sessions
}
