package respd_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/certs"
	"github.com/caucus-project/caucus/internal/grumble"
	"github.com/caucus-project/caucus/internal/here"
	"github.com/caucus-project/caucus/internal/respd"
	"github.com/caucus-project/caucus/internal/waist"
)

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
		cfg.Guard = waist.Password(func() string { return password.Load().(string) })
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- s.door.Serve(far{l}) }()
	near := s.addr
	s.addr = l.Addr().String()
	c := s.dial()
	c.say("HELLO 3\r\nPING\r\n",
		"-DENIED this node serves only clients on its own machine "+here.Advice+"\r\n")
	c.ends()
	if s.lost() || s.door.Stats().Denied != 1 {
		t.Errorf("%+v", s.door.Stats())
	}
	password.Store("sesame")
	c = s.dial()
	c.say("PING\r\nAUTH sesame\r\nPING\r\n", "-NOAUTH Authentication required.\r\n+OK\r\n+PONG\r\n")
	s.addr = near
	s.dial().say("PING\r\n", "-NOAUTH Authentication required.\r\n")
	s.door.Close(context.Background())
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// rules of TLS that ask for a certificate, and those of a client that has one.
func withCertificate(t *testing.T) (door, client *tls.Config) {
	t.Helper()
	now := time.Now()
	a, _, _, err := certs.NewAuthority("test", now, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := a.Make(certs.Wish{Name: "n1", Node: true, From: now, Until: now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.Certificate())
	return &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool,
			ClientAuth: tls.VerifyClientCertIfGiven},
		&tls.Config{Certificates: []tls.Certificate{pair}, InsecureSkipVerify: true}
}

// A stranger by TLS is a stranger, until a certificate says who he is; a password is asked for all the same.
func TestWhoHasShownACertificateIsServed(t *testing.T) {
	var password atomic.Value
	password.Store("")
	s := open(t, func(cfg *respd.Config, _ *memory) {
		cfg.Guard = waist.Password(func() string { return password.Load().(string) })
	})
	door, client := withCertificate(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	secure := certs.Listen(far{l}, certs.Door{Voice: grumble.New(nil),
		Rules: func() *tls.Config { return door }})
	served := make(chan error)
	go func() { served <- s.door.Serve(secure) }()
	ask := func(rules *tls.Config) string {
		conn, err := tls.Dial("tcp", l.Addr().String(), rules)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write([]byte("PING\r\nQUIT\r\n")); err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(conn)
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
	stranger := &tls.Config{InsecureSkipVerify: true}
	denied := "-DENIED this node serves only clients on its own machine " + here.Advice + "\r\n"
	if got := ask(stranger); got != denied {
		t.Errorf("without a certificate: %q", got)
	}
	if got := ask(client); got != "+PONG\r\n+OK\r\n" {
		t.Errorf("with one: %q", got)
	}
	password.Store("sesame")
	if got := ask(client); got != "-NOAUTH Authentication required.\r\n+OK\r\n" {
		t.Errorf("beside a password: %q", got)
	}
	s.door.Close(context.Background())
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func withPassword(cfg *respd.Config, _ *memory) {
	cfg.Guard = waist.Password(func() string { return "sesame" })
}

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
		fmt.Sprintf(":%d\r\n", proto) + bulk("id") + ":1\r\n" + bulk("mode") + bulk("cluster") + bulk("role") +
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
