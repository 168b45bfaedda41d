package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// Outcome is what a Probe found.
type Outcome uint8

// The outcomes. Only NoAnswer leaves open whether the peer is there.
const (
	NoAnswer Outcome = iota // nothing within the time, or the network gave no verdict
	Refused                 // nobody listens there, or the connection was reset before a greeting
	Turned                  // somebody answered, but not as that peer: see Err
	Greeted                 // the peer greeted: see Greeting
)

// String gives the outcome in words.
func (o Outcome) String() string {
	switch o {
	case NoAnswer:
		return "no answer"
	case Refused:
		return "refused"
	case Turned:
		return "turned away"
	case Greeted:
		return "greeted"
	}
	return fmt.Sprintf("outcome %d", uint8(o))
}

// ProbeResult is the answer to "is that peer there, and what does it say of itself?".
type ProbeResult struct {
	Outcome  Outcome
	Greeting Greeting // when Greeted
	Err      error    // when not
}

// Probe dials a peer that SetPeer named, at once and on a connection of its own, and waits for its greeting
// no longer than ProbeTimeout (SAFETY A7: the follower that lost its leader's connection asks before it
// believes that the leader is gone).
func (t *Transport) Probe(ctx context.Context, id uint64) ProbeResult {
	peer := t.link(id)
	if peer == nil {
		return ProbeResult{Err: ErrUnknown}
	}
	ctx, cancel := context.WithTimeout(ctx, t.opts.ProbeTimeout)
	defer cancel()
	l, err := t.connect(ctx, peer.address(), ForProbe, id)
	if err != nil {
		return ProbeResult{Outcome: outcomeOf(err), Err: err}
	}
	defer l.Close()
	return ProbeResult{Outcome: Greeted, Greeting: l.greeting}
}

func outcomeOf(err error) Outcome {
	for _, open := range []error{ErrClosed, context.DeadlineExceeded, context.Canceled, os.ErrDeadlineExceeded} {
		if errors.Is(err, open) {
			return NoAnswer
		}
	}
	for _, shut := range []error{
		syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE, io.EOF, io.ErrUnexpectedEOF,
	} {
		if errors.Is(err, shut) {
			return Refused
		}
	}
	if _, ok := refusalIn(err); ok || errors.Is(err, errNoPeer) || errors.Is(err, ErrGarbled) {
		return Turned
	}
	return NoAnswer
}
