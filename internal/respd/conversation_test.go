package respd_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/resp"
	"github.com/caucus-project/caucus/internal/respd"
)

func TestInlineAndPipelines(t *testing.T) {
	s := open(t)
	c := s.dial()
	c.say("PING\r\n", "+PONG\r\n")
	c.say("set k \"a b\"\nget k\n", "+OK\r\n$3\r\na b\r\n")
	c.say("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1\r\n$4\r\nPING\r\n\r\nECHO x\r\nCLIENT ID\r\nGET k\r\n",
		"$3\r\na b\r\n+PONG\r\n$1\r\nx\r\n:1\r\n$3\r\na b\r\n")
	c.say("NOPE a\r\nGET\r\nPING\r\n", "-ERR unknown command 'NOPE', with args beginning with: 'a' \r\n"+
		"-ERR wrong number of arguments for 'get' command\r\n+PONG\r\n")
	if s.door.Stats().Commands != 11 {
		t.Errorf("%+v", s.door.Stats())
	}
}

func TestAPipelineIsOneBatch(t *testing.T) {
	s := open(t)
	s.dial().say(strings.Repeat("SET k v\r\n", 50), strings.Repeat("+OK\r\n", 50))
	if s.m.most < 25 { // the kernel may cut it, but hardly in three
		t.Errorf("at most %d commands came at once", s.m.most)
	}
}

// A door's own command has no place in a transaction, and spoils it.
func TestTransactionsAtTheDoor(t *testing.T) {
	c := open(t).dial()
	const notHere, aborted = "-ERR Command not allowed inside a transaction\r\n",
		"-EXECABORT Transaction discarded because of previous errors.\r\n"
	c.say("MULTI\r\nSET k 1\r\nCLIENT ID\r\nEXEC\r\nCLIENT ID\r\n",
		"+OK\r\n+QUEUED\r\n"+notHere+aborted+":1\r\n")
	c.say("MULTI\r\nSUBSCRIBE a\r\nDISCARD\r\n", "+OK\r\n"+notHere+"+OK\r\n")
	c.say("MULTI\r\nEXEC a\r\nCLIENT ID\r\nEXEC\r\nCLIENT ID\r\n", "+OK\r\n"+
		"-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command\r\n"+
		":1\r\n-ERR EXEC without MULTI\r\n:1\r\n")
	c.say("SESSION OPEN\r\n", "-ERR the stage has no SESSION\r\n")
	c.say("MULTI\r\nSET k 1\r\nONCE 1 EXEC\r\nCLIENT ID\r\n",
		"+OK\r\n+QUEUED\r\n-NOSESSION this connection carries "+
			"no session; SESSION OPEN or GROUP JOIN gives it one\r\n:1\r\n")
	c.say("MULTI\r\nRESET\r\nCLIENT ID\r\nMULTI\r\nQUIT\r\n", "+OK\r\n+RESET\r\n:1\r\n+OK\r\n+OK\r\n")
	c.ends()
}

func TestWhatIsOverASettingSpoilsATransaction(t *testing.T) {
	c := open(t, func(cfg *respd.Config, _ *memory) { cfg.Limits = resp.Limits{Bulk: 10} }).dial()
	c.say("SET k 01234567890\r\nPING\r\n",
		"-ERR argument too long: 11 bytes, and at most 10 are taken\r\n+PONG\r\n")
	c.say("MULTI\r\nSET k 01234567890\r\nEXEC\r\n",
		"+OK\r\n-ERR argument too long: 11 bytes, and at most 10 are "+
			"taken\r\n-EXECABORT Transaction discarded because of previous errors.\r\n")
}

// A page in a browser can post to a port of its own machine. It must not get a command carried out.
func TestHTTPIsTurnedAway(t *testing.T) {
	s := open(t)
	const no = "-ERR Protocol error: this door speaks RESP, not HTTP\r\n"
	for _, c := range []struct{ sent, want string }{
		{"POST / HTTP/1.1\r\nSET k evil\r\n", no},
		{"get / HTTP/1.1\r\nhost: x\r\n\r\nSET k evil\r\n",
			"-ERR wrong number of arguments for 'get' command\r\n" + no},
		{"\x16\x03\x01\x00\x50\x01\r\nSET k evil\r\n", no},
		{"SET k good\r\n*1\r\n$4\r\nPOST\r\nSET k evil\r\n", "+OK\r\n" + no},
	} {
		l := s.dial()
		l.say(c.sent, c.want)
		l.ends()
	}
	s.dial().say("GET k\r\n", "$4\r\ngood\r\n")
}

func TestBrokenFrames(t *testing.T) {
	s := open(t)
	for _, c := range []struct{ sent, want string }{
		{"*1\r\nPING\r\n", "-ERR Protocol error: expected '$', got 'P'\r\n"},
		{"PING\r\n*-x\r\n", "+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n"},
		{"*1\r\n$99999999999\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
		{"*99999999\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
		{"set k \"x\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"},
		{strings.Repeat("x", 70<<10), "-ERR Protocol error: too big inline request\r\n"},
	} {
		l := s.dial()
		l.say(c.sent, c.want)
		l.ends()
		if s.lost() {
			t.Errorf("%.20q: closed by the door, and called a loss", c.sent)
		}
	}
}

// SAFETY A4: only what the client's side closed counts as a loss.
func TestWhoClosed(t *testing.T) {
	s := open(t)
	c := s.dial()
	c.say("PING\r\n", "+PONG\r\n")
	c.Close()
	if !s.lost() {
		t.Error("end of file is no loss")
	}
	c = s.dial()
	c.say("PING\r\n", "+PONG\r\n")
	c.Conn.(*net.TCPConn).SetLinger(0)
	c.Close()
	if !s.lost() {
		t.Error("a reset is no loss")
	}
	c = s.dial()
	c.send("*2\r\n$3\r\nGET\r\n$100\r\nhalf")
	c.Close()
	if !s.lost() {
		t.Error("end of file within a command is no loss")
	}
	c = s.dial()
	c.say("QUIT\r\nPING\r\n", "+OK\r\n")
	c.ends()
	if !s.lost() {
		t.Error("QUIT is no loss")
	}
	c, other := s.dial(), s.dial()
	c.say("CLIENT ID\r\n", ":5\r\n")
	other.say("CLIENT KILL ID 5\r\n", ":1\r\n")
	c.ends()
	if s.lost() {
		t.Error("CLIENT KILL is a loss")
	}
	other.say("CLIENT KILL ID 6 SKIPME no\r\n", ":1\r\n")
	other.ends()
	if s.lost() {
		t.Error("killing oneself is a loss")
	}
	c = s.dial()
	c.send("*1\r\n!what\r\n")
	c.expect("-ERR Protocol error: expected '$', got '!'\r\n")
	c.ends()
	if s.lost() {
		t.Error("that the door lets go of who speaks no RESP is a loss")
	}
	c = s.dial()
	c.say("PING\r\n", "+PONG\r\n")
	s.door.Dismiss() // as while the disk hangs
	c.ends()
	if s.lost() {
		t.Error("that everybody is dismissed is a loss")
	}
	c = s.dial()
	c.say("PING\r\n", "+PONG\r\n")
	s.door.Close(context.Background())
	c.ends()
	if s.lost() {
		t.Error("closing the door is a loss")
	}
}

// Who closes once he has his answer is seen to do so, however soon that is (SAFETY A4).
func TestWhoClosesWithTheAnswerIsSeen(t *testing.T) {
	s := open(t)
	for range 100 {
		c := s.pipe()
		c.say("CLIENT GETNAME\r\n", "$-1\r\n")
		if c.Close(); !s.lost() {
			t.Fatal("no loss")
		}
	}
}

// The door lets every connection answer what it is at, and waits for it.
func TestCloseAnswersWhatIsInFlight(t *testing.T) {
	s := open(t, func(_ *respd.Config, m *memory) { m.hold = make(chan struct{}) })
	c := s.dial()
	c.send("SET k 1\r\n")
	<-s.m.held
	done := make(chan struct{})
	go func() {
		s.door.Close(context.Background())
		close(done)
	}()
	select {
	case <-done:
		t.Error("Close did not wait")
	default:
	}
	close(s.m.hold)
	c.expect("+OK\r\n")
	c.ends()
	<-done
	if _, err := net.Dial("tcp", s.addr); err == nil {
		t.Error("the door still accepts")
	}
}

func TestCloseByForce(t *testing.T) {
	s := open(t, func(cfg *respd.Config, _ *memory) { cfg.WriteTimeout = time.Hour })
	c := s.dial()
	big := strings.Repeat("x", 1<<20)
	c.send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n" + bulk(big))
	c.expect("+OK\r\n")
	c.send(strings.Repeat("GET k\r\n", 1000)) // nobody reads the gigabyte
	for s.door.Stats().Commands < 100 {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.door.Close(ctx)
	if s.lost() {
		t.Error("a loss")
	}
}

func TestSlowReadersAreCut(t *testing.T) {
	s := open(t, func(cfg *respd.Config, _ *memory) { cfg.WriteTimeout = 50 * time.Millisecond })
	c := s.dial()
	big := strings.Repeat("x", 1<<20)
	c.send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n" + bulk(big))
	c.expect("+OK\r\n")
	c.send(strings.Repeat("GET k\r\n", 1000))
	if s.lost() || s.door.Stats().Cut != 1 {
		t.Errorf("cut, and called a loss: %+v", s.door.Stats())
	}
}

func TestTooManyClients(t *testing.T) {
	s := open(t, func(cfg *respd.Config, _ *memory) { cfg.MaxClients = 2 })
	a, b := s.dial(), s.dial()
	a.say("PING\r\n", "+PONG\r\n")
	b.say("PING\r\n", "+PONG\r\n")
	c := s.dial()
	c.say("PING\r\n", "-ERR max number of clients reached\r\n")
	c.ends()
	a.Close()
	s.lost()
	for {
		d := s.dial() // the place is free a moment after the conversation has ended
		d.send("PING\r\n")
		if got, _ := d.r.ReadString('\n'); got == "+PONG\r\n" {
			break
		}
	}
	if st := s.door.Stats(); st.Rejected == 0 || st.Clients != 2 || st.Accepted != 3 {
		t.Errorf("%+v", st)
	}
}

func TestANodeThatStopsTakesNobody(t *testing.T) {
	s := open(t)
	s.m.refuse.Store(true)
	c := s.dial()
	c.expect("-TRYAGAIN stopping\r\n")
	c.ends()
}

func TestClientCommands(t *testing.T) {
	s := open(t)
	c := s.dial()
	for _, x := range []struct{ sent, want string }{
		{"CLIENT GETNAME", "$-1"}, {"CLIENT SETNAME me", "+OK"}, {"CLIENT GETNAME", "$2\r\nme"},
		{"CLIENT SETNAME \"\"", "+OK"}, {"CLIENT GETNAME", "$-1"},
		{"CLIENT SETNAME \"a b\"", "-ERR Client names cannot contain spaces, newlines or special characters."},
		{"CLIENT SETINFO LIB-NAME go", "+OK"}, {"CLIENT SETINFO lib-ver 1", "+OK"},
		{"CLIENT SETINFO x 1", "-ERR Unrecognized option 'x'"},
		{"CLIENT SETINFO LIB-VER \"a b\"", "-ERR lib-ver cannot contain spaces, newlines or special characters."},
		{"CLIENT NO-EVICT on", "+OK"}, {"CLIENT NO-TOUCH off", "+OK"}, {"CLIENT NO-TOUCH x", "-ERR syntax error"},
		{"CLIENT TRACKING off", "+OK"},
		{"CLIENT TRACKING on OPTIN", "-ERR CLIENT TRACKING needs RESP3 here: say HELLO 3 first"},
		{"CLIENT KILL 1.2.3.4:5", "-ERR No such client"}, {"CLIENT KILL ID 99", ":0"},
		{"CLIENT KILL ID x", "-ERR client-id should be greater than 0"}, {"CLIENT KILL ID 1", ":0"},
		{"CLIENT KILL TYPE x", "-ERR Unknown client type 'x'"}, {"CLIENT KILL A B C", "-ERR syntax error"},
		{"CLIENT KILL A B", "-ERR syntax error"}, {"CLIENT KILL SKIPME x", "-ERR syntax error"},
		{"CLIENT KILL TYPE pubsub USER default LADDR x ADDR y", ":0"},
		{"CLIENT LIST x", "-ERR syntax error"}, {"CLIENT LIST TYPE x", "-ERR Unknown client type 'x'"},
		{"CLIENT LIST ID x", "-ERR Invalid client ID"}, {"CLIENT LIST TYPE pubsub", "$0\r\n"},
		{"CLIENT NOPE", "-ERR unknown subcommand 'NOPE'. Try CLIENT HELP."},
	} {
		c.say(x.sent+"\r\n", x.want+"\r\n")
	}
	other := s.dial()
	other.say("SUBSCRIBE a\r\n", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n")
	c.say("HELLO 3\r\n", hello(3))
	for _, sent := range []string{"CLIENT INFO", "CLIENT LIST", "CLIENT LIST ID 1", "CLIENT LIST TYPE normal"} {
		c.send(sent + "\r\n")
		head, err := c.r.ReadString('\n')
		if err != nil || head[0] != '=' {
			t.Fatalf("%s: %q %v", sent, head, err)
		}
		var n int
		fmt.Sscanf(head, "=%d", &n)
		text := make([]byte, n+2)
		if _, err := io.ReadFull(c.r, text); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(strings.TrimPrefix(string(text), "txt:")), "\n")
		if !strings.HasPrefix(lines[0], "id=1 addr=127.0.0.1:") ||
			!strings.Contains(lines[0], " lib-name=go lib-ver=1") {
			t.Errorf("%s: %q", sent, lines)
		}
		if sent == "CLIENT LIST" && (len(lines) != 2 || !strings.Contains(lines[1], " flags=P db=0 sub=1 ")) {
			t.Errorf("%s: %q", sent, lines)
		}
	}
}

// SAFETY A3: a request counts as evidence that the client has received the promise before it, so it must not
// be looked at before that promise was written.
func TestNothingIsReadBeforeTheReplyIsWritten(t *testing.T) {
	c := open(t).pipe()
	c.send("ECHO 1\r\n")
	if err := c.SetWriteDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c.Conn, "ECHO 2\r\n"); err == nil {
		t.Error("the second request was read while nobody had read the reply to the first")
	}
	c.expect(bulk("1"))
}
