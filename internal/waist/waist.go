package waist

import (
	"context"
	"io"

	"github.com/caucus-project/caucus"
)

// Conn is one client's conversation with a node: it may carry a session, queue a transaction and watch
// keys. A Conn is used by one goroutine at a time.
type Conn interface {
	// DoAll carries out the commands of one pipeline in order and returns one reply each, errors among
	// them. The pipeline's reads see its own earlier writes, and reads without a write between them see
	// one state. It always returns within the request timeout, but for a command that says itself how long
	// it will wait.
	DoAll(ctx context.Context, cmds []caucus.Command) []caucus.Reply
	// Session gives the id of the session that the conversation carries, "" when it carries none.
	Session() string
	// Feed gives the name under which the server's Watch has what comes on a member's private channel (see
	// MemberChannel), if the conversation carries that member's session, or has named its id: who knows
	// it may speak for it. Else the error is NOPERM. A channel that names no member is that of the
	// conversation's own. It asks the ensemble.
	Feed(ctx context.Context, channel string) (string, *caucus.Error)
	// As makes the conversation that of a user from now on, "" being the default user. The session that it
	// carries stays that of who has opened it.
	As(user string)
	// Close ends the conversation. Lost says that the client's side was seen to close it (end of file or a
	// reset), which starts the grace of its session; any other end is silence, which counts to the TTL.
	Close(lost bool)
}

// Starter is a Conn of which nobody needs to wait for an answer.
type Starter interface {
	Conn
	// Start begins to carry out the commands of one pipeline as DoAll does. It gives the replies if they are
	// at hand; else it gives nil, and done is called with them once, from another goroutine, and must not
	// wait. What was started goes on its way at Push at the latest. Until it is answered the Conn is used for
	// nothing else. The end of ctx ends nothing but what says itself how long it will wait.
	Start(ctx context.Context, cmds []caucus.Command, done func([]caucus.Reply)) []caucus.Reply
	// Push sends on its way what was started on any Conn of the server.
	Push()
	// Abandon has what was started, if anything, answered at once: its outcome is not known then. It may be
	// called at any time, from any goroutine.
	Abandon()
}

// ConnInfo says who opens a Conn. The zero value is a connection of which nothing is known yet.
type ConnInfo struct {
	// Detached, when not empty, names a session that no connection carries (a bloc client over HTTP, known by
	// group and header): the Conn acts for that session, opening it when a GROUP JOIN needs it, and closing
	// the Conn means nothing. The text is hashed; it never reaches the log.
	Detached string
	// Unbound says that no connection carries what the Conn opens or resumes (a session over HTTP): such a
	// session lives by its TTL alone, GRACE has no meaning for it, and closing the Conn means nothing. Nor is
	// a request evidence that the answer before it was read (SAFETY A3).
	Unbound bool
	// Session, when not empty, is the id of a session that the Conn acts for while leaving it where it is
	// attached. That is for reads and for signs of life; what was written so could not be told from what the
	// client's former node still has under way (SAFETY A4).
	Session string
	// Seen is the version of the newest promise that the client of Session says it has read. It comes with
	// every sign of life of the Conn, as evidence that the client knows what was revoked up to there (SAFETY
	// A3).
	Seen uint64
	// Beside, when not nil, is another Conn of the same server: this one acts for the session that it carries
	// now, under the same attachment, so that one request can wait while others go on. It may not be used
	// while Open looks at it.
	Beside Conn
	// User is who speaks, "" for the default user.
	User string
	// About, when not nil, describes the client as CLIENT LIST does. It is asked when something is refused.
	About func() string
	// Inside says that the client is in the node's own process, with which it dies (SAFETY A6).
	Inside bool
	// Node says that the node speaks for itself, from inside its process, and not a client of it.
	Node bool
}

// Server is what a node offers to its doors.
type Server interface {
	Watcher
	// Open begins a conversation. It fails with TRYAGAIN when the node is stopping.
	Open(info ConnInfo) (Conn, error)
	// Local answers the commands that concern this node alone (INFO, ROLE, ENSEMBLE NODES, ...), without a
	// conversation.
	Local(ctx context.Context, cmd caucus.Command) caucus.Reply
	// Dump takes the state of this node as it is now, for GETDUMP. The error says why it cannot serve.
	Dump() (Dump, *caucus.Error)
	// Publish sends payload to the subscribers of channel on every node, and says how many were on this one.
	Publish(channel, payload string) int
	// Ready says whether the node can serve linearizable requests now, and when not, why.
	Ready() Readiness
}

// Dump is a state of a node as lines of JSON, which may be more than fits into memory. It never changes.
type Dump interface {
	// Lines says how many lines there are.
	Lines() int
	// Dump writes the lines, each by one call of Write. It may be called again and writes the same.
	Dump(to io.Writer) error
}

// Readiness is a node's answer to "may clients be sent here?".
type Readiness struct {
	Ready  bool   `json:"ready"`
	Leader string `json:"leader"` // name of the node that leads, "" when unknown
	Lag    uint64 `json:"lag"`    // entries known to be committed and not yet applied here
	Reason string `json:"reason"` // why not ready; "" when ready
}

// Watcher hands out messages published on channels: PUBLISH of clients, events of groups.
type Watcher interface {
	// Watch makes an empty subscription. It must be closed.
	Watch() Subscription
}

// Subscription is one reader's set of channels and patterns, and its backlog. Its methods may be called
// from several goroutines.
type Subscription interface {
	Subscribe(channels ...string)
	Unsubscribe(channels ...string)
	PSubscribe(patterns ...string)
	PUnsubscribe(patterns ...string)
	// Next waits for messages and returns those that are there, not more at once than are soon written. It fails
	// with ErrSlow when the reader fell so far behind that it was cut off, and with the context's error.
	Next(ctx context.Context) ([]Message, error)
	// Tell has ready called, and again after each Take that gave nothing, once there is something to take;
	// and when the reader is cut off. It runs where something is published, and must not wait. It is said
	// before the first Subscribe, and Next is for those who do not say it.
	Tell(ready func())
	// Take gives messages as Next does, nil when there are none, and fails as Next does. When it
	// gives some, room, which must be empty, is where the next ones come to.
	Take(room []Message) ([]Message, error)
	Close()
}

// Message is one publication as a subscriber gets it.
type Message struct {
	Channel string
	Pattern string // the pattern that matched, "" for a plain subscription
	Payload string
}

// Of gives what a *node.Node offers to its doors, for tests of doors; package node sets it. It stands here
// since programs that embed a node have no use for it.
var Of func(node any) Server
