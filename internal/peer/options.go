package peer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"time"
)

// Options configure a Transport. The zero value of every field but Identity is usable.
type Options struct {
	// Identity is what this node says of itself in greetings.
	Identity Identity
	// Password is the secret that all peers share. Empty: nobody proves anything, and without Secure only
	// connections from loopback are served.
	Password string
	// Listener accepts the other nodes; Transport closes it. Nil: this side only dials. With Secure, what
	// it gives was secured likewise.
	Listener net.Listener
	// Dial opens a connection; it must resolve the host each time. Nil: a plain net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Secure makes a connection that was dialled one at whose other end only a node of the ensemble can be,
	// and closes it when it fails. Nil: connections stay as they are, and say nothing of who is there.
	Secure func(ctx context.Context, conn net.Conn) (net.Conn, error)
	// Logger gets what a person may need to know. Nil: nothing is logged.
	Logger *slog.Logger
	// Jitter gives numbers in [0, 1) that spread reconnects. Nil: the runtime's random source.
	Jitter func() float64

	// MaxFrame is bytes of a frame, call or answer; 0: 128 MiB. It must be above what one command may be, 64
	// MiB, with its lengths and the envelope: an entry that fits no frame would stop the log for ever.
	MaxFrame       int
	MaxQueue       int // bytes waiting for one peer, beyond which frames are dropped; 0: 128 MiB
	MaxStrangers   int // connections in handshake, beyond which the oldest is cut; 0: 64
	MaxConnections int // incoming connections in all, beyond which new ones are closed; 0: 1,024

	HandshakeTimeout time.Duration // to connect and greet; 0: 3 s
	PingEvery        time.Duration // on a connection with nothing else to say; 0: 1 s
	Silence          time.Duration // a connection that is silent for so long is dropped; 0: 5 s
	StreamPatience   time.Duration // a stream that does not move for so long is given up; 0: 30 s
	CallTimeout      time.Duration // for a Call whose context has no deadline; 0: 5 s
	ProbeTimeout     time.Duration // how long a Probe waits (SAFETY A7); 0: 50 ms
	BackoffMin       time.Duration // before the second attempt to connect, doubling; 0: 10 ms
	BackoffMax       time.Duration // 0: 1 s
}

func (o Options) withDefaults() Options {
	if o.Dial == nil {
		o.Dial = new(net.Dialer).DialContext
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	orElse(&o.MaxFrame, 128<<20)
	orElse(&o.MaxQueue, 128<<20)
	orElse(&o.MaxStrangers, 64)
	orElse(&o.MaxConnections, 1024)
	orElse(&o.HandshakeTimeout, 3*time.Second)
	orElse(&o.PingEvery, time.Second)
	orElse(&o.Silence, 5*time.Second)
	orElse(&o.StreamPatience, 30*time.Second)
	orElse(&o.CallTimeout, 5*time.Second)
	orElse(&o.ProbeTimeout, 50*time.Millisecond)
	orElse(&o.BackoffMin, 10*time.Millisecond)
	orElse(&o.BackoffMax, time.Second)
	return o
}

func orElse[T int | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

func (o Options) validate() error {
	if o.MaxFrame < 0 || o.MaxFrame > 1<<30 {
		return fmt.Errorf("peer: MaxFrame %d is not between 1 and 1 GiB", o.MaxFrame)
	}
	if min(o.MaxQueue, o.MaxStrangers, o.MaxConnections) < 0 {
		return errors.New("peer: a limit is negative")
	}
	if min(o.HandshakeTimeout, o.PingEvery, o.Silence, o.StreamPatience, o.CallTimeout,
		o.ProbeTimeout, o.BackoffMin, o.BackoffMax) < 0 {
		return errors.New("peer: a duration is negative")
	}
	if o.Silence <= o.PingEvery {
		return fmt.Errorf("peer: Silence %v must be longer than PingEvery %v", o.Silence, o.PingEvery)
	}
	return o.Identity.validate()
}

func (i Identity) validate() error {
	for _, s := range []string{i.Name, i.Addresses.Client, i.Addresses.Peer, i.Addresses.HTTP} {
		if len(s) > maxText {
			return fmt.Errorf("peer: %.40q... is longer than %d bytes", s, maxText)
		}
	}
	return nil
}
