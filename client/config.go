package client

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"slices"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/certs"
	"github.com/caucus-project/caucus/internal/lease"
)

// Config says how to reach an ensemble. Only Addrs is needed.
type Config struct {
	// Addrs are client addresses of nodes, host:port. One is enough: the others are asked for. They are
	// tried in this order.
	Addrs []string
	// AddrsOnly has no other address than those of Addrs dialed: nodes are not asked where the others are.
	// That is for addresses that lead to nodes by a way of their own, as a tunnel or a proxy does.
	AddrsOnly bool
	// Password is sent with HELLO as that of the user. Empty, and no User: none is sent.
	Password string
	// User is whom to log in as. Empty: "default".
	User string
	// Timeout bounds every call whose context has no deadline. Zero means 5 s.
	Timeout time.Duration
	// DialTimeout bounds the making of one connection, greeting included. Zero means 1 s.
	DialTimeout time.Duration
	// Once has the first answer of any node be the outcome of a call, also one that asks to try again
	// (TRYAGAIN, LOADING), which else is waited out until the call's context ends. Other nodes are still
	// tried while none can be reached.
	Once bool
	// Stale has reads answered from the state of the node that was reached, which may be behind, and
	// without a quorum too. Such a client opens no sessions and hears no events.
	Stale bool
	// TLS has all connections speak TLS by these rules. When they name no server, the host of each address is
	// expected in the certificate of the node there. Nil: no TLS.
	TLS *tls.Config
	// DialContext opens a connection, for tunnels and tests. Nil means TCP. TLS is spoken over it.
	DialContext func(ctx context.Context, addr string) (net.Conn, error)

	clock func() lease.Reading // nil means the clocks of this machine
}

func (c Config) withDefaults() Config {
	c.Addrs = slices.Clone(c.Addrs)
	c.Timeout = cmp.Or(c.Timeout, 5*time.Second)
	c.DialTimeout = cmp.Or(c.DialTimeout, time.Second)
	if c.DialContext == nil {
		c.DialContext = func(ctx context.Context, addr string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		}
	}
	if c.TLS != nil {
		c.DialContext = secured(c.TLS, c.DialContext)
	}
	if c.clock == nil {
		c.clock = machineClocks
	}
	return c
}

type dialer = func(ctx context.Context, addr string) (net.Conn, error)

// secured gives what speaks TLS over what dial opens.
func secured(rules *tls.Config, dial dialer) dialer {
	return func(ctx context.Context, addr string) (net.Conn, error) {
		conn, err := dial(ctx, addr)
		if err != nil {
			return nil, err
		}
		return certs.Client(ctx, conn, addr, rules)
	}
}

func (c Config) validate() error {
	if len(c.Addrs) == 0 {
		return caucus.Errorf(caucus.ErrBad, "client: no address to dial; give at least one in Config.Addrs")
	}
	for _, addr := range c.Addrs {
		if _, _, err := net.SplitHostPort(addr); err != nil {
			return caucus.Errorf(caucus.ErrBad, "client: address %q is not host:port", addr)
		}
	}
	if c.Timeout < 0 || c.DialTimeout < 0 {
		return caucus.Errorf(caucus.ErrBad, "client: a timeout is negative")
	}
	return nil
}

// bounded gives ctx a deadline when it has none, so that every call ends.
func (c Config) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, c.Timeout)
}
