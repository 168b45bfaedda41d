package respd_test

import (
	"io"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/resp"
	"github.com/caucus-project/caucus/internal/respd"
)

// many makes an MGET of the key big, so many times, and says how long the answer is when it has so many
// bytes.
func many(n, size int) (cmd string, answer int64) {
	count, length := strconv.Itoa(n), strconv.Itoa(size)
	cmd = "*" + strconv.Itoa(n+1) + "\r\n$4\r\nMGET\r\n" + strings.Repeat("$3\r\nbig\r\n", n)
	return cmd, int64(len("*"+count+"\r\n") + n*(len("$"+length+"\r\n\r\n")+size))
}

// A reply that is much larger than what it is made of is never held as a whole.
func TestLargeRepliesAreNotHeldAsAWhole(t *testing.T) {
	s := open(t)
	c := s.dial()
	const size = 1 << 20
	c.say("*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n"+bulk(strings.Repeat("x", size)), "+OK\r\n")
	cmd, answer := many(300, size)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	c.send(cmd + "PING\r\n")
	if _, err := io.CopyN(io.Discard, c.r, answer); err != nil {
		t.Fatal(err)
	}
	c.expect("+PONG\r\n")
	runtime.ReadMemStats(&after)
	if built := after.TotalAlloc - before.TotalAlloc; built > 50<<20 {
		t.Errorf("%d MiB were built for %d", built>>20, answer>>20)
	}
}

// While replies that wait for slow readers take all that they may, others are told so, and can ask again.
func TestRepliesThatWaitAreBoundedTogether(t *testing.T) {
	s := open(t, func(cfg *respd.Config, _ *memory) { cfg.Limits.Budget = resp.NewBudget(2 << 20) })
	slow, c := s.dial(), s.dial()
	const size = 64 << 10
	c.say("*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n"+bulk(strings.Repeat("x", size)), "+OK\r\n")
	cmd, _ := many(20_000, size)
	slow.send(cmd)
	ask := func() (first string) {
		c := s.dial()
		defer c.Close()
		c.send(cmd)
		first, err := c.r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return first
	}
	for !strings.HasPrefix(ask(), "-TRYAGAIN the replies that wait to be read") {
	}
	c.say("GET k\r\n", "$-1\r\n")
	slow.Close()
	for !strings.HasPrefix(ask(), "*20000") {
	}
}
