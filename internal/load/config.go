package load

import (
	"cmp"
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"
)

// Config says what load to make. The zero value of every field but Addresses, and one of Duration and
// Commands, is usable.
type Config struct {
	// Addresses of the nodes, host:port. Connections are spread over them in turn.
	Addresses []string
	// Shape says what is sent: SET and GET.
	Shape Shape
	// Conns is the number of connections: 1.
	Conns int
	// Depth is how many commands a connection sends before it waits for their replies: 1.
	Depth int
	// Reads says how many of a hundred commands are GET; the others are SET: 0. Of no other shape.
	Reads int
	// Keys is the number of different keys, of which each command draws one: 10,000.
	Keys int
	// KeySize and ValueSize are bytes: 16 and 64. A key has at least the digits of its number.
	KeySize, ValueSize int
	// Prefix begins every key, when there is room for it, and every group's name: "key:".
	Prefix string
	// Duration bounds the run, Commands the number of commands in all; whichever ends first. A pipeline
	// that was begun is finished.
	Duration time.Duration
	Commands uint64
	// Warmup is run in the same way before anything is counted, of Duration: none.
	Warmup time.Duration
	// Patience is how long a reply may take before its connection is given up and made anew: 10 s.
	Patience time.Duration
	// User and Password are proved on every connection, unless both are empty. No user: "default".
	User, Password string
	// Seed draws the keys and the mix, so that a run can be repeated.
	Seed uint64
	// Watch, when not nil, is called Every so often with what the run has come to so far. It may keep
	// that.
	Watch func(*Report)
	Every time.Duration
	// Dial opens a connection. Nil: a plain net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Shape is a kind of load.
type Shape int

// The shapes. A connection of Churn joins a group of its own and leaves it, in turn; one of Heartbeats
// has a session and keeps it alive.
const (
	Store Shape = iota
	Counters
	Churn
	Heartbeats
)

func (c Config) withDefaults() Config {
	orElse(&c.Conns, 1)
	orElse(&c.Depth, 1)
	orElse(&c.Keys, 10_000)
	orElse(&c.KeySize, 16)
	orElse(&c.ValueSize, 64)
	orElse(&c.Patience, 10*time.Second)
	orElse(&c.Every, time.Second)
	orElse(&c.Prefix, "key:")
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	return c
}

func orElse[T comparable](field *T, value T) { *field = cmp.Or(*field, value) }

func (c Config) validate() error {
	switch {
	case len(c.Addresses) == 0:
		return errors.New("load: no address: name at least one node as host:port")
	case c.Duration == 0 && c.Commands == 0:
		return errors.New("load: neither a duration nor a number of commands; the run would never end")
	case min(c.Conns, c.Depth, c.Keys, c.KeySize, c.ValueSize) < 0,
		min(c.Duration, c.Warmup, c.Patience, c.Every) < 0:
		return errors.New("load: a number is negative")
	case c.Reads < 0 || c.Reads > 100:
		return errors.New("load: Reads is a percentage, 0 to 100")
	}
	return nil
}

// Key gives the key of a number: the prefix, zeros, the number, so many bytes in all. One for which there
// is no room has no prefix.
func (c Config) Key(n int) string {
	c = c.withDefaults()
	number := strconv.Itoa(n)
	if missing := c.KeySize - len(number) - len(c.Prefix); missing >= 0 {
		return c.Prefix + strings.Repeat("0", missing) + number
	}
	return number
}
