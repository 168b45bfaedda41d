package client

import "github.com/caucus-project/caucus/internal/lease"

// WithClock makes beliefs depend on the given clocks instead of the machine's.
func (c Config) WithClock(clock func() lease.Reading) Config {
	c.clock = clock
	return c
}

// Nudge makes the session send a heartbeat now.
func (s *Session) Nudge() { s.nudge() }
