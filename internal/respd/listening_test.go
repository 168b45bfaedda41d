package respd_test

import (
	"io"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/resp"
	"github.com/caucus-project/caucus/internal/respd"
)

func limited(bytes int64) func(*respd.Config, *memory) {
	return func(cfg *respd.Config, _ *memory) {
		cfg.Limits.Budget, cfg.MaxSubscriptions = resp.NewBudget(bytes), 3
	}
}

// A connection listens to so many channels and patterns, and to no more; what it has it keeps.
func TestSubscriptionsAreBounded(t *testing.T) {
	s := open(t, limited(1<<20))
	c := s.dial()
	c.send("SUBSCRIBE a b\r\n")
	c.expect("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n")
	c.send("PSUBSCRIBE x y\r\n")
	c.expect("-ERR this connection would listen to 4 channels and patterns; it may to 3 (max-subscriptions)\r\n")
	c.send("SUBSCRIBE a b\r\n")
	c.expect("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:2\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n")
	c.send("UNSUBSCRIBE a\r\nPSUBSCRIBE x y\r\n")
	c.expect("*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n" +
		"*3\r\n$10\r\npsubscribe\r\n$1\r\nx\r\n:2\r\n*3\r\n$10\r\npsubscribe\r\n$1\r\ny\r\n:3\r\n")
}

// What channels are called counts against what all connections may hold.
func TestNamesOfChannelsCount(t *testing.T) {
	s := open(t, limited(100_000))
	long := strings.Repeat("x", 60_000)
	one, two := s.dial(), s.dial()
	one.send("*2\r\n$9\r\nSUBSCRIBE\r\n$60000\r\n" + long + "\r\n")
	one.expect("*3\r\n$9\r\nsubscribe\r\n$60000\r\n" + long + "\r\n:1\r\n")
	two.send("*2\r\n$9\r\nSUBSCRIBE\r\n$60000\r\n" + long + "\r\n")
	two.expect("-OOM all connections together listen to too much, or too much is under way on them " +
		"(max-client-memory)\r\n")
	one.send("*2\r\n$11\r\nUNSUBSCRIBE\r\n$60000\r\n" + long + "\r\n")
	one.expect("*3\r\n$11\r\nunsubscribe\r\n$60000\r\n" + long + "\r\n:0\r\n")
	two.send("*2\r\n$9\r\nSUBSCRIBE\r\n$60000\r\n" + long + "\r\n")
	two.expect("*3\r\n$9\r\nsubscribe\r\n$60000\r\n" + long + "\r\n:1\r\n")
}

// Who sends half a command that finds no room is told so and cut; who is answered more than there is room for
// is cut. Others go on.
func TestConnectionsShareWhatTheyHold(t *testing.T) {
	s := open(t, limited(256<<10))
	half, reader, polite := s.dial(), s.dial(), s.dial()
	half.send("*2\r\n$4\r\nECHO\r\n$4000000\r\n")
	go func() { _, _ = io.WriteString(half.Conn, strings.Repeat("x", 2<<20)) }()
	answer, err := half.r.ReadString('\n')
	if err != nil || !strings.HasPrefix(answer, "-OOM too much is under way") {
		t.Errorf("half a command is answered %q, %v", answer, err)
	}
	s.m.mu.Lock()
	s.m.keys["big"] = strings.Repeat("y", 200_000)
	s.m.mu.Unlock()
	reader.send("GET big\r\nGET big\r\n")
	if got, err := io.ReadAll(reader.r); err == nil && len(got) > 0 {
		t.Errorf("there were %d bytes for who is answered too much", len(got))
	}
	polite.send("PING\r\n")
	polite.expect("+PONG\r\n")
	if got := s.door.Stats().Cut; got != 1 {
		t.Errorf("%d were cut for their answers", got)
	}
}

// What is gathered for an EXEC counts as well, until the transaction is over.
func TestTransactionsShareWhatTheyHold(t *testing.T) {
	s := open(t, limited(512<<10))
	c, other := s.dial(), s.dial()
	set := "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$50000\r\n" + strings.Repeat("x", 50_000) + "\r\n"
	c.say("MULTI\r\n", "+OK\r\n")
	for range 11 {
		c.say(set, "+QUEUED\r\n")
	}
	c.send(set)
	if answer, err := c.r.ReadString('\n'); err != nil || !strings.HasPrefix(answer, "-OOM the transactions") {
		t.Fatalf("%q, %v", answer, err)
	}
	other.say("PING\r\n", "+PONG\r\n")
	c.send("EXEC\r\n")
	if answer, err := c.r.ReadString('\n'); err != nil || !strings.HasPrefix(answer, "-EXECABORT") {
		t.Errorf("EXEC is answered %q, %v", answer, err)
	}
	c.say("MULTI\r\n"+set, "+OK\r\n+QUEUED\r\n")
}

// A pipeline within a transaction counts once, also when something in it does not go the plain way and
// all of it is looked at anew.
func TestAPipelineInATransactionCountsOnce(t *testing.T) {
	budget := resp.NewBudget(1 << 20)
	s := open(t, func(cfg *respd.Config, _ *memory) { cfg.Limits.Budget = budget })
	c := s.dial()
	c.say("MULTI\r\n", "+OK\r\n")
	const size, times = 2000, 50
	set := "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2000\r\n" + strings.Repeat("x", size) + "\r\n"
	for range times {
		c.say(set+"CLIENT ID\r\n", "+QUEUED\r\n-ERR Command not allowed inside a transaction\r\n")
	}
	if held, most := budget.Held(), int64(times*(size+20)-resp.FreeBytes); held == 0 || held > most {
		t.Errorf("%d bytes are held, of at most %d", held, most)
	}
	c.send("DISCARD\r\n")
	c.expect("+OK\r\n")
	if held := budget.Held(); held != 0 {
		t.Errorf("%d bytes are held for nothing", held)
	}
}

// A pattern is short, so that to match it takes no time, and counts with what is made of it.
func TestPatternsAreShortAndCount(t *testing.T) {
	s := open(t, limited(80_000))
	long, longer := strings.Repeat("?", 1024), strings.Repeat("?", 1025)
	c := s.dial()
	c.send("PSUBSCRIBE " + longer + "\r\n")
	c.expect("-ERR a pattern has 1024 bytes at most, and this one has 1025; ask for more, and choose among it " +
		"yourself\r\n")
	for range 2 {
		c.send("PSUBSCRIBE " + long + "\r\n")
		c.expect("*3\r\n$10\r\npsubscribe\r\n$1024\r\n" + long + "\r\n:1\r\n")
		c.send("PSUBSCRIBE *" + long[1:] + " " + "a" + long[1:] + "\r\n")
		c.expect("-OOM all connections together listen to too much, or too much is under way on them " +
			"(max-client-memory)\r\n")
		c.send("PUNSUBSCRIBE " + long + "\r\n")
		c.expect("*3\r\n$12\r\npunsubscribe\r\n$1024\r\n" + long + "\r\n:0\r\n")
	}
}
