package respd_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/respd"
)

// What takes long is remembered, with as much of it as Redis keeps; what does not is not.
func TestSlowCommandsAreRemembered(t *testing.T) {
	hold := make(chan struct{})
	var micros atomic.Int64
	s := open(t, func(cfg *respd.Config, m *memory) {
		m.hold = hold
		cfg.Now = func() time.Time { return time.UnixMicro(micros.Load()) }
	})
	c := s.dial()
	takes := func(took int64, line, reply string) {
		t.Helper()
		c.send(line + "\r\n")
		<-s.m.held
		micros.Add(took)
		hold <- struct{}{}
		c.expect(reply)
	}
	c.say("CLIENT SETNAME me\r\nSLOWLOG LEN\r\n", "+OK\r\n:0\r\n")
	takes(10_000, "GET k", "$-1\r\n")
	takes(20_000, "SET k "+strings.Repeat("x", 200), "+OK\r\n")
	takes(970_000, "SET k v"+strings.Repeat(" x", 38), "+OK\r\n")
	c.say("SLOWLOG LEN\r\n", ":2\r\n")
	end := fmt.Sprintf("%s%s", bulk(c.LocalAddr().String()), bulk("me"))
	newest := "*6\r\n:2\r\n:1\r\n:970000\r\n*32\r\n" + bulk("SET") + bulk("k") + bulk("v") +
		strings.Repeat(bulk("x"), 28) + bulk("... (10 more arguments)") + end
	oldest := "*6\r\n:1\r\n:0\r\n:20000\r\n*3\r\n" + bulk("SET") + bulk("k") +
		bulk(strings.Repeat("x", 128)+"... (72 more bytes)") + end
	c.say("SLOWLOG GET\r\n", "*2\r\n"+newest+oldest)
	c.say("SLOWLOG GET 1\r\n", "*1\r\n"+newest)
	c.say("SLOWLOG RESET\r\nSLOWLOG GET -1\r\n", "+OK\r\n*0\r\n")
}
