package respd

import "time"

// Whoever stops in the middle of a command holds what came of it, and nobody can tell him from one who is
// dead. Idle between commands a client may be for as long as it likes.

// beforeReading takes note of whether what is waited for is the rest of a command.
func (c *client) beforeReading() {
	if c.in.Buffered() > 0 {
		c.halfway.Store(c.s.cfg.Now().UnixNano())
	}
}

// wentOn takes note that something came, or that it does not matter.
func (c *client) wentOn() {
	if c.halfway.Load() != 0 {
		c.halfway.Store(0)
	}
}

// stuck says whether the rest of a command has not come for too long. Who is waiting for an answer need not
// send it before.
func (c *client) stuck(now time.Time) bool {
	since := c.halfway.Load()
	return since != 0 && !c.waits.Load() && now.Sub(time.Unix(0, since)) > c.s.cfg.RestTimeout
}

// cutStuck cuts those who are stuck, until the door is closed. Their sessions have not lost anybody: silence
// counts for them (SAFETY A4).
func (s *Server) cutStuck() {
	for s.sleep(s.cfg.RestTimeout / 8) {
		for _, c := range s.connected() {
			if c.stuck(s.cfg.Now()) {
				s.grumble.Warn("client cut: it stopped in the middle of a command", "id", c.id,
					"from", c.conn.RemoteAddr())
				c.hangUp()
			}
		}
	}
}
