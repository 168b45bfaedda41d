package respd_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/feed"
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
		"-ERR wrong number of arguments for 'exec' command\r\n"+notHere+aborted+":1\r\n")
	c.say("SESSION OPEN\r\n", "-ERR the stage has no SESSION\r\n")
	c.say("MULTI\r\nSET k 1\r\nONCE 1 EXEC\r\nCLIENT ID\r\n",
		"+OK\r\n+QUEUED\r\n-NOSESSION this connection carries "+
			"no session; SESSION OPEN or SESSION RESUME first\r\n:1\r\n")
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
	c.say("PING\r\n", "+PONG\r\n")
	s.door.Close(context.Background())
	c.ends()
	if s.lost() {
		t.Error("closing the door is a loss")
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

// far is a listener whose connections seem to come from another machine.
type far struct{ net.Listener }

type farConn struct{ net.Conn }

func (l far) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return farConn{c}, nil
}

func (farConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 4000} }

func TestStrangersAreDenied(t *testing.T) {
	var password atomic.Value
	password.Store("")
	s := open(t, func(cfg *respd.Config, _ *memory) {
		cfg.Password = func() string { return password.Load().(string) }
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- s.door.Serve(far{l}) }()
	here := s.addr
	s.addr = l.Addr().String()
	c := s.dial()
	c.say("HELLO 3\r\nPING\r\n",
		"-DENIED this node serves only clients on its own machine until a password is set: "+
			"start it with --password-file FILE\r\n")
	c.ends()
	if s.lost() || s.door.Stats().Denied != 1 {
		t.Errorf("%+v", s.door.Stats())
	}
	password.Store("sesame")
	c = s.dial()
	c.say("PING\r\nAUTH sesame\r\nPING\r\n", "-NOAUTH Authentication required.\r\n+OK\r\n+PONG\r\n")
	s.addr = here
	s.dial().say("PING\r\n", "-NOAUTH Authentication required.\r\n")
	s.door.Close(context.Background())
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func withPassword(cfg *respd.Config, _ *memory) { cfg.Password = func() string { return "sesame" } }

func TestPassword(t *testing.T) {
	c := open(t, withPassword).dial()
	const noAuth, wrong = "-NOAUTH Authentication required.\r\n",
		"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
	c.say("GET k\r\nNOPE\r\nCLIENT ID\r\nSUBSCRIBE a\r\n", strings.Repeat(noAuth, 4))
	c.say("AUTH no\r\nAUTH other sesame\r\nAUTH a b c\r\n", wrong+wrong+"-ERR syntax error\r\n")
	c.say("HELLO 3\r\n",
		"-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO "+
			"<proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol "+
			"version at the same time\r\n")
	c.say("HELLO 3 AUTH default no\r\n", wrong)
	c.say("HELLO 3 AUTH default sesame SETNAME me\r\n", "%7\r\n")
	c.expect(hello(3)[len("%7\r\n"):])
	c.say("CLIENT GETNAME\r\n", "$2\r\nme\r\n")
	c.say("RESET\r\nGET k\r\n", "+RESET\r\n"+noAuth)
	c.say("AUTH default sesame\r\nGET k\r\n", "+OK\r\n$-1\r\n")
	c = open(t).dial()
	c.say("AUTH x\r\nAUTH default x\r\nAUTH who x\r\n",
		"-ERR AUTH <password> called without any password configured "+
			"for the default user. Are you sure your configuration is correct?\r\n+OK\r\n"+wrong)
}

// Who has not proved the password gets little time, and little room.
func TestStrangersAreShort(t *testing.T) {
	s := open(t, withPassword, func(cfg *respd.Config, _ *memory) { cfg.AuthTimeout = 20 * time.Millisecond })
	s.dial().ends()
	if s.lost() {
		t.Error("a loss")
	}
	c := open(t, withPassword).dial()
	c.say("*2\r\n$4\r\nAUTH\r\n$20000\r\n", "-ERR Protocol error: unauthenticated bulk length\r\n")
	c.ends()
}

func hello(proto int) string {
	head, mods := "*14\r\n", "*0\r\n"
	if proto == 3 {
		head = "%7\r\n"
	}
	return head + bulk("server") + bulk("redis") + bulk("version") + bulk("7.0.15") + bulk("proto") +
		fmt.Sprintf(":%d\r\n", proto) + bulk("id") + ":1\r\n" + bulk("mode") + bulk("standalone") + bulk("role") +
		bulk("master") + bulk("modules") + mods
}

func TestHello(t *testing.T) {
	c := open(t).dial()
	c.say("HELLO\r\n", hello(2))
	c.say("HELLO 4\r\nHELLO x\r\nHELLO 3 foo\r\nHELLO 3 SETNAME\r\nHELLO 3 SETNAME \"a b\"\r\nGET k\r\n",
		"-NOPROTO unsupported protocol version\r\n-ERR Protocol version is not an integer or out of range\r\n"+
			"-ERR Syntax error in HELLO option 'foo'\r\n-ERR Syntax error in HELLO option 'SETNAME'\r\n"+
			"-ERR Client names cannot contain spaces, newlines or special characters.\r\n$-1\r\n")
	c.say("HELLO 3\r\nGET k\r\n", hello(3)+"_\r\n")
	c.say("HELLO 2\r\nGET k\r\n", hello(2)+"$-1\r\n")
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
		{"CLIENT TRACKING on OPTIN", "-ERR caching on the client's side (CLIENT TRACKING ON) is not supported; " +
			"connect without it"},
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

func TestSubscribeRESP2(t *testing.T) {
	s := open(t)
	c, p := s.dial(), s.dial()
	c.say("SUBSCRIBE a b\r\nPSUBSCRIBE a*\r\n", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"+
		"*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n*3\r\n$10\r\npsubscribe\r\n$2\r\na*\r\n:3\r\n")
	c.say("GET k\r\nHELLO 3\r\nPING\r\nPING x\r\n",
		"-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE "+
			"/ PING / QUIT / RESET are allowed in this context\r\n-ERR Can't execute 'hello': only (P|S)SUBSCRIBE / "+
			"(P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n"+
			"*2\r\n$4\r\npong\r\n$1\r\nx\r\n")
	p.say("PUBLISH a 1\r\n", ":2\r\n")
	c.expect("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n1\r\n" +
		"*4\r\n$8\r\npmessage\r\n$2\r\na*\r\n$1\r\na\r\n$1\r\n1\r\n")
	c.say("PUNSUBSCRIBE\r\nUNSUBSCRIBE b nope\r\n", "*3\r\n$12\r\npunsubscribe\r\n$2\r\na*\r\n:2\r\n"+
		"*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:1\r\n*3\r\n$11\r\nunsubscribe\r\n$4\r\nnope\r\n:1\r\n")
	p.say("PUBLISH a 2\r\nPUBLISH b 3\r\n", ":1\r\n:0\r\n")
	c.expect("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n2\r\n")
	c.say("UNSUBSCRIBE\r\nUNSUBSCRIBE\r\nGET k\r\n", "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n"+
		"*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n$-1\r\n")
	c.say("SUBSCRIBE a\r\nRESET\r\nGET k\r\n", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n+RESET\r\n$-1\r\n")
	p.say("PUBLISH a 2\r\n", ":0\r\n")
}

func TestSubscribeRESP3(t *testing.T) {
	s := open(t)
	c := s.dial()
	c.say("HELLO 3\r\nSUBSCRIBE a\r\nGET k\r\n", hello(3)+">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n_\r\n")
	s.dial().say("PUBLISH a 1\r\n", ":1\r\n")
	c.expect(">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n1\r\n")
	c.say("UNSUBSCRIBE a\r\nPUNSUBSCRIBE\r\n", ">3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n"+
		">3\r\n$12\r\npunsubscribe\r\n_\r\n:0\r\n")
}

// The messages of one member are for its own session only.
func TestPrivateChannels(t *testing.T) {
	s := open(t)
	c := s.dial()
	const no = "' may hold messages for members, which only their own sessions may read\r\n"
	c.say("SUBSCRIBE a caucus:m:g:me\r\nPSUBSCRIBE caucus:m:*\r\n",
		"-NOPERM 'caucus:m:g:me"+no+"-NOPERM 'caucus:m:*"+no)
	c.say("PSUBSCRIBE *\r\n", "*3\r\n$10\r\npsubscribe\r\n$1\r\n*\r\n:1\r\n")
	s.m.Publish("caucus:m:g:me", "secret")
	s.m.Publish("caucus:g:g", "open")
	c.expect("*4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$10\r\ncaucus:g:g\r\n$4\r\nopen\r\n")
}

func TestSlowSubscribersAreCut(t *testing.T) {
	s := open(t, func(cfg *respd.Config, m *memory) {
		m.Hub = feed.New(feed.Limits{Soft: 1 << 20, Hard: 1 << 20}, time.Now)
	})
	c := s.dial()
	c.say("SUBSCRIBE a\r\n", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n")
	payload := strings.Repeat("x", 100<<10)
	for s.m.Publish("a", payload) > 0 {
	}
	if s.lost() || s.door.Stats().Cut != 1 {
		t.Errorf("cut, and called a loss: %+v", s.door.Stats())
	}
}

// Replies and pushes share a connection and never mix within one.
func TestPushesBetweenReplies(t *testing.T) {
	s := open(t)
	c := s.dial()
	c.say("HELLO 3\r\nSUBSCRIBE a\r\n", hello(3)+">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n")
	const n = 2000
	go func() {
		for range n {
			s.m.Publish("a", "payload")
		}
	}()
	go func() {
		for range n / 10 {
			io.WriteString(c.Conn, strings.Repeat("ECHO hello\r\n", 10))
		}
	}()
	pushes, replies := 0, 0
	r := resp.NewReplyReader(c.r, resp.Limits{})
	for pushes < n || replies < n {
		reply, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case reply.Str == "hello":
			replies++
		case len(reply.Items) == 3 && reply.Items[2].Str == "payload":
			pushes++
		default:
			t.Fatalf("%+v", reply)
		}
	}
}

// pipes is a listener of connections without any buffer, so that a test sees what is read and written when.
type pipes struct {
	conns chan net.Conn
	over  chan struct{}
	once  *sync.Once
}

type pipe struct{ net.Conn }

func (pipe) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return pipe{c}, nil
	case <-p.over:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error {
	p.once.Do(func() { close(p.over) })
	return nil
}

func (pipes) Addr() net.Addr { return pipe{}.RemoteAddr() }

// SAFETY A3: a request counts as evidence that the client has received the promise before it, so it must not
// be looked at before that promise was written.
func TestNothingIsReadBeforeTheReplyIsWritten(t *testing.T) {
	s := open(t)
	l := pipes{make(chan net.Conn, 1), make(chan struct{}), new(sync.Once)}
	served := make(chan error)
	go func() { served <- s.door.Serve(l) }()
	here, there := net.Pipe()
	l.conns <- there
	c := &line{t, here, bufio.NewReader(here)}
	c.send("ECHO 1\r\n")
	if err := here.SetWriteDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(here, "ECHO 2\r\n"); err == nil {
		t.Error("the second request was read while nobody had read the reply to the first")
	}
	c.expect(bulk("1"))
	here.Close()
	s.door.Close(context.Background())
	if err := <-served; err != nil {
		t.Error(err)
	}
}
