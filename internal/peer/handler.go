package peer

import (
	"context"
	"fmt"
	"io"
)

// Handler is the owner of a Transport: it hears what arrives. Its methods are called from several
// goroutines. They must not call Transport.Close, which waits for them.
type Handler interface {
	// Greet gives the status that this node puts in a greeting, at most 64 KiB. It must be quick.
	Greet() []byte
	// Greeted is asked whether the one who greeted may go on. An error turns the connection away; the other
	// side is told its text. It must be quick: it is part of the handshake.
	Greeted(g Greeting) error
	// Refused says that a peer which this node dialled turns it away, each time it does. The others may think
	// otherwise. It must be quick.
	Refused(id uint64, why *Refusal)
	// Meant is told that a node of another cluster, which has proven the password if there is one, called here
	// and meant the node of that id and name. It is turned away all the same. It must be quick.
	Meant(by Greeting, id uint64, name string)
	// Name gives what the node of that id is called, "" when it is not known; it stands in the greeting of one
	// who is dialled. It must be quick.
	Name(id uint64) string
	// Frames takes what one peer sent, in order. A slow call holds back that peer and nobody else. The slice
	// is used again after the call, the payloads are the handler's (those of one call may share memory).
	Frames(from uint64, frames []Frame)
	// Up says that a connection to (To) or from (From) the peer stands. For each peer and way, Up and Down
	// take turns.
	Up(id uint64, way Way)
	// Down says that it broke. It is not called for what Transport.Close closes.
	Down(id uint64, why Loss)
	// Stream takes one stream; its answer is what the sender's Finish returns. Body ends with io.EOF only if
	// the sender finished, and nil is only passed on when the body was read to its end.
	Stream(from uint64, kind uint8, header []byte, body io.Reader) error
	// Call answers a question. An error reaches the caller as a *caucus.Error. The context ends when the
	// Transport closes.
	Call(ctx context.Context, from Greeting, kind uint8, payload []byte) ([]byte, error)
}

// Way is a direction, seen from this node.
type Way uint8

// The two ways. Each has a connection of its own.
const (
	To   Way = iota // this node dialled, and sends
	From            // the other dialled, and this node receives
)

// String gives the way in a word.
func (w Way) String() string {
	if w == To {
		return "to"
	}
	return "from"
}

// Cause is why a connection ended.
type Cause uint8

// The causes.
const (
	Broken   Cause = iota // end of file or a reset: the process died, or something between cut the line
	Silent                // nothing came for too long: a black hole, or a stopped process
	Garbled               // what came was no frame
	Replaced              // another process of that node connected, so the one before is gone
	Removed               // RemovePeer was called
)

// String gives the cause in a word.
func (c Cause) String() string {
	switch c {
	case Broken:
		return "broken"
	case Silent:
		return "silent"
	case Garbled:
		return "garbled"
	case Replaced:
		return "replaced"
	case Removed:
		return "removed"
	}
	return fmt.Sprintf("cause %d", uint8(c))
}

// Loss says which connection to a peer ended, and why.
type Loss struct {
	Way   Way
	Cause Cause
	Err   error // what the system said, for the log
}
