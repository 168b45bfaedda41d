package respd_test

import (
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/respd"
	"github.com/caucus-project/caucus/internal/waist"
)

const (
	forgetK   = ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n"
	forgetAll = ">2\r\n$10\r\ninvalidate\r\n_\r\n"
)

// What changes while answers are under way is told behind them: who is told before keeps the old value.
func TestB22_ChangesAreToldBehindTheAnswers(t *testing.T) {
	hold := make(chan struct{})
	s := open(t, func(_ *respd.Config, m *memory) { m.hold = hold })
	c := s.dial()
	c.say("HELLO 3\r\nCLIENT TRACKING ON\r\n", hello(3)+"+OK\r\n")
	for range 30 {
		c.send("GET k\r\nGET k\r\n")
		<-s.m.held
		if s.m.Publish(waist.TrackChannels+"k", "") != 1 {
			t.Fatal("the key is not tracked when the read is begun")
		}
		hold <- struct{}{}
		c.expect("_\r\n_\r\n" + forgetK)
	}
	if s.m.Publish(waist.TrackChannels+"k", "") != 0 {
		t.Error("it is told of a key twice")
	}
	c.send("GET k\r\n")
	<-s.m.held
	s.m.Publish(waist.TrackAll, "")
	hold <- struct{}{}
	c.expect("_\r\n" + forgetAll)
}

// Nothing is held back while a command waits, however long it does.
func TestB22_ChangesAreToldWhileACommandWaits(t *testing.T) {
	s := open(t)
	c := s.dial()
	c.say("HELLO 3\r\nCLIENT TRACKING ON\r\nGET k\r\n", hello(3)+"+OK\r\n_\r\n")
	c.send("GET k\r\n" + blocking)
	<-s.m.held
	s.m.Publish(waist.TrackChannels+"k", "")
	c.expect("_\r\n" + forgetK)
	s.wake()
	c.expect("*0\r\n")
}

// Who reads keys of too many bytes is told to forget all, as who reads too many keys.
func TestTrackedKeysAreCountedByTheirBytes(t *testing.T) {
	s := open(t)
	c := s.dial()
	c.say("HELLO 3\r\nCLIENT TRACKING ON\r\n", hello(3)+"+OK\r\n")
	for i := range 3 {
		key := strings.Repeat(string(rune('a'+i)), 6<<20)
		want := "_\r\n"
		if i == 2 {
			want += forgetAll
		}
		c.say("*2\r\n$3\r\nGET\r\n"+bulk(key), want)
	}
}

// A transaction's answer is that of its EXEC, however it was sent.
func TestB22_ChangesAreToldBehindATransaction(t *testing.T) {
	s := open(t)
	c := s.dial()
	c.say("HELLO 3\r\nCLIENT TRACKING ON OPTIN\r\nCLIENT CACHING YES\r\n", hello(3)+"+OK\r\n+OK\r\n")
	c.say("MULTI\r\n", "+OK\r\n")
	c.say("GET k\r\n", "+QUEUED\r\n")
	s.m.Publish(waist.TrackChannels+"k", "")
	c.say("ECHO a\r\n", "+QUEUED\r\n")
	c.say("EXEC\r\n", "*2\r\n_\r\n$1\r\na\r\n"+forgetK)
	c.say("GET k\r\n", "_\r\n")
	if s.m.Publish(waist.TrackChannels+"k", "") != 0 {
		t.Error("what is read without CACHING YES is tracked")
	}
	c.say("CLIENT TRACKING OFF\r\nCLIENT TRACKING ON\r\nMULTI\r\n", "+OK\r\n+OK\r\n+OK\r\n")
	c.say("EXEC x\r\n", "-EXECABORT Transaction discarded because of: wrong number of arguments for "+
		"'exec' command\r\n")
	c.say("GET k\r\n", "_\r\n")
	s.m.Publish(waist.TrackChannels+"k", "")
	c.expect(forgetK) // the transaction is over, whatever ended it
	c.say("HELLO 2\r\n", hello(2))
	c.say("CLIENT GETREDIR\r\n", ":-1\r\n")
}
