package respd_test

import (
	"io"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/respd"
)

func impatient(cfg *respd.Config, _ *memory) { cfg.RestTimeout = 200 * time.Millisecond }

// Who stops in the middle of a command is cut, in its lane or not, and that is silence (A4). Who is idle
// between commands is not.
func TestA4_WhoStopsHalfwayIsCutForSilence(t *testing.T) {
	for name, dial := range map[string]func(*stage) *line{"lane": (*stage).dial, "goroutine": (*stage).pipe} {
		t.Run(name, func(t *testing.T) {
			s := open(t, impatient)
			idle := s.dial()
			idle.say("PING\r\n", "+PONG\r\n")
			for _, half := range []string{"PI", "*2\r\n$4\r\nECHO\r\n$10\r\nhel", "PING\r\n*1\r\n"} {
				c := dial(s)
				c.send(half)
				if _, err := io.ReadAll(c.r); err != nil {
					t.Errorf("after %q it is told %v", half, err)
				}
				if s.lost() {
					t.Errorf("who is cut after %q counts as lost", half)
				}
				if name == "goroutine" {
					break // one pipe to a stage
				}
			}
			idle.say("PING\r\n", "+PONG\r\n")
		})
	}
}

// Who waits for an answer, and has begun to say something else meanwhile, is not cut before it has come.
func TestWhoWaitsMayBeHalfway(t *testing.T) {
	s := open(t, impatient)
	waits, stuck := s.dial(), s.dial()
	waits.send(blocking + "PI")
	<-s.m.held
	stuck.send("PI")
	if _, err := io.ReadAll(stuck.r); err != nil {
		t.Error(err)
	}
	waits.send("NG\r\n")
	s.wake()
	waits.expect("*0\r\n+PONG\r\n")
}
