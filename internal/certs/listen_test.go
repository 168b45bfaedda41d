package certs_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/certs"
	"github.com/caucus-project/caucus/internal/grumble"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// shop is an authority with a directory of its own.
type shop struct {
	t         *testing.T
	dir       string
	authority *certs.Authority
}

func newShop(t *testing.T) *shop {
	t.Helper()
	a, cert, _, err := certs.NewAuthority("test", time.Now(), time.Now().AddDate(1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{t, t.TempDir(), a}
	s.write("ca.crt", cert)
	return s
}

func (s *shop) path(name string) string { return filepath.Join(s.dir, name) }

func (s *shop) write(name string, text []byte) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), text, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// make makes a certificate under the name of a file.
func (s *shop) make(file string, w certs.Wish) certs.Files {
	s.t.Helper()
	w.From = time.Now()
	if w.Until.IsZero() {
		w.Until = w.From.Add(time.Hour)
	}
	cert, key, err := s.authority.Make(w)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write(file+".crt", cert)
	s.write(file+".key", key)
	return certs.Files{Cert: s.path(file + ".crt"), Key: s.path(file + ".key"), CA: s.path("ca.crt")}
}

func (s *shop) node() certs.Files {
	s.t.Helper()
	return s.make("node", certs.Wish{Name: "a", Node: true, Hosts: []string{"127.0.0.1"}})
}

// keep opens a keeper of a node's certificate.
func (s *shop) keep(cfg certs.Config) *certs.Keeper {
	s.t.Helper()
	if cfg.Min == 0 {
		cfg.Min = tls.VersionTLS13
	}
	k, err := certs.Open(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	return k
}

// rules gives those of a client with the files' certificate, or none.
func (s *shop) rules(f certs.Files) *tls.Config {
	s.t.Helper()
	rules, err := certs.ClientRules(s.path("ca.crt"), f.Cert, f.Key, "")
	if err != nil {
		s.t.Fatal(err)
	}
	return rules
}

// transcript is a log that can be read meanwhile.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (t *transcript) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(b)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// echo listens, and echoes what comes until the test ends.
func echo(t *testing.T, d certs.Door) (*certs.Listener, *transcript) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	said := new(transcript)
	d.Voice = grumble.New(slog.New(slog.NewTextHandler(said, nil)))
	s := certs.Listen(l, d)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := s.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn)
			})
		}
	})
	t.Cleanup(func() { s.Close(); serving.Wait() })
	return s, said
}

// greet says a word and hears it, or what went wrong.
func greet(t *testing.T, l net.Listener, rules *tls.Config) error {
	t.Helper()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	secure, err := certs.Client(ctx, conn, l.Addr().String(), rules)
	if err != nil {
		return err
	}
	defer secure.Close()
	if err := secure.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := secure.Write([]byte("hello")); err != nil {
		return err
	}
	_, err = io.ReadFull(secure, make([]byte, 5))
	return err
}

func heard(t *testing.T, said *transcript, words ...string) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		missing := ""
		for _, w := range words {
			if !strings.Contains(said.String(), w) {
				missing = w
			}
		}
		if missing == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the log does not say %q:\n%s", missing, said)
		}
	}
}

func TestWhoIsLetInAtWhichDoor(t *testing.T) {
	s, others := newShop(t), newShop(t)
	node := s.node()
	client := s.make("alice", certs.Wish{Name: "alice"})
	far := others.make("b", certs.Wish{Name: "b", Node: true, Hosts: []string{"127.0.0.1"}})
	k := s.keep(certs.Config{Files: node, Clients: certs.Require})
	optional := s.keep(certs.Config{Files: node, Clients: certs.Optional})
	off := s.keep(certs.Config{Files: node, Clients: certs.Off})
	doors := map[string]func() *tls.Config{"peer": k.ForPeers, "require": k.ForClients, "http": k.ForHTTP,
		"optional": optional.ForClients, "off": off.ForClients}
	shown := map[string]*tls.Config{"node": s.rules(node), "client": s.rules(client),
		"none": s.rules(certs.Files{}), "other": s.rules(far), "between": k.ToNodes()}
	let := map[string]string{"peer": "node between", "require": "node client between",
		"http": "node client none between", "optional": "node client none between",
		"off": "node client none other between"}
	for door, rules := range doors {
		l, _ := echo(t, certs.Door{Name: door, Rules: rules})
		for who, with := range shown {
			want := strings.Contains(" "+let[door]+" ", " "+who+" ")
			if err := greet(t, l, with); (err == nil) != want {
				t.Errorf("%s at door %s: %v; let in: %v", who, door, err, want)
			}
		}
	}
}

func TestWhoIsBelieved(t *testing.T) {
	s, others := newShop(t), newShop(t)
	k := s.keep(certs.Config{Files: s.node()})
	impostor := s.make("alice", certs.Wish{Name: "alice", Hosts: []string{"127.0.0.1"}})
	far := others.keep(certs.Config{Files: others.node()})
	pair, err := certs.Pair(impostor.Cert, impostor.Key)
	if err != nil {
		t.Fatal(err)
	}
	posing, _ := echo(t, certs.Door{Rules: func() *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{pair}}
	}})
	foreign, _ := echo(t, certs.Door{Rules: func() *tls.Config {
		rules := far.ForPeers()
		rules.ClientAuth = tls.NoClientCert
		rules.VerifyConnection = nil
		return rules
	}})
	for who, l := range map[string]net.Listener{"a client's": posing, "another authority's": foreign} {
		if err := greet(t, l, k.ToNodes()); err == nil {
			t.Errorf("%s certificate is believed to be a node's", who)
		}
	}
	if err := greet(t, foreign, s.rules(certs.Files{})); err == nil {
		t.Error("a client believes the certificate of another authority")
	}
	named := s.make("named", certs.Wish{Name: "n", Node: true, Hosts: []string{"db1"}})
	at, _ := echo(t, certs.Door{Rules: s.keep(certs.Config{Files: named}).ForClients})
	rules := s.rules(certs.Files{})
	if err := greet(t, at, rules); err == nil {
		t.Error("a client believes the certificate of another host")
	}
	rules.ServerName = "db1"
	if err := greet(t, at, rules); err != nil {
		t.Errorf("the name that is expected is not believed: %v", err)
	}
	if err := greet(t, at, k.ToNodes()); err != nil {
		t.Errorf("a node goes by the host of another: %v", err)
	}
}

func TestOldVersionsAreRefused(t *testing.T) {
	s := newShop(t)
	old := s.rules(certs.Files{})
	old.MaxVersion = tls.VersionTLS12
	k := s.keep(certs.Config{Files: s.node(), Clients: certs.Off})
	l, said := echo(t, certs.Door{Name: "resp", Rules: k.ForClients})
	if err := greet(t, l, old); err == nil {
		t.Error("TLS 1.2 is spoken")
	}
	heard(t, said, "door=resp", "unsupported versions")
	lenient := s.keep(certs.Config{Files: s.node(), Clients: certs.Off, Min: tls.VersionTLS12})
	l, _ = echo(t, certs.Door{Rules: lenient.ForClients})
	if err := greet(t, l, old); err != nil {
		t.Errorf("TLS 1.2 is refused where it may be spoken: %v", err)
	}
	l, _ = echo(t, certs.Door{Rules: lenient.ForPeers})
	both := s.rules(s.node())
	both.MaxVersion = tls.VersionTLS12
	if err := greet(t, l, both); err == nil {
		t.Error("a peer speaks TLS 1.2")
	}
}

func TestPlainTextIsTurnedAwayWithAWord(t *testing.T) {
	s := newShop(t)
	k := s.keep(certs.Config{Files: s.node(), Clients: certs.Off})
	l, said := echo(t, certs.Door{Name: "resp", Rules: k.ForClients, Plain: "-ERR speak TLS\r\n"})
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n")); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(conn); err != nil || string(answer) != "-ERR speak TLS\r\n" {
		t.Errorf("%q, %v", answer, err)
	}
	heard(t, said, "level=WARN", "it does not speak TLS", conn.LocalAddr().String())
	if l.Failed() != 1 {
		t.Errorf("%d handshakes failed", l.Failed())
	}
}

// stall begins a handshake and leaves it.
func stall(t *testing.T, l net.Listener) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := conn.Write([]byte{22, 3, 1, 2, 0, 1}); err != nil { // the head of a record of 512 bytes
		t.Fatal(err)
	}
	return conn
}

// ends waits until the other side has closed, which it must.
func ends(t *testing.T, conn net.Conn) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("it is not cut")
	}
}

func TestWhoStallsIsCutAndHoldsNobodyUp(t *testing.T) {
	s := newShop(t)
	k := s.keep(certs.Config{Files: s.node(), Clients: certs.Off})
	l, _ := echo(t, certs.Door{Rules: k.ForClients, Patience: 50 * time.Millisecond})
	first := stall(t, l)
	if err := greet(t, l, s.rules(certs.Files{})); err != nil {
		t.Error(err)
	}
	ends(t, first)

	l, _ = echo(t, certs.Door{Rules: k.ForClients, Patience: time.Hour, Most: 3})
	var all []net.Conn
	for range 3 {
		all = append(all, stall(t, l))
	}
	if err := greet(t, l, s.rules(certs.Files{})); err != nil {
		t.Errorf("strangers who stall hold up who means well: %v", err)
	}
	ends(t, all[0])
	// The others are cut when the door closes, and nothing is left of them (goleak).
}

func TestALookWhetherThePortIsOpenIsNoFailure(t *testing.T) {
	s := newShop(t)
	k := s.keep(certs.Config{Files: s.node()})
	l, said := echo(t, certs.Door{Rules: k.ForClients})
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	ends(t, conn)
	conn.Close()
	if l.Failed() != 0 || said.String() != "" {
		t.Errorf("%d failed; %s", l.Failed(), said)
	}
}

// Close does not wait for who does not read: a lock may be held meanwhile.
func TestCloseWaitsForNobody(t *testing.T) {
	s := newShop(t)
	k := s.keep(certs.Config{Files: s.node(), Clients: certs.Off})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	secure := certs.Listen(l, certs.Door{Rules: k.ForClients, Voice: grumble.New(nil)})
	defer secure.Close()
	raw, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	there, err := certs.Client(t.Context(), raw, l.Addr().String(), s.rules(certs.Files{}))
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	here, err := secure.Accept()
	if err != nil {
		t.Fatal(err)
	}
	below := here.(certs.Conn).NetConn()
	for n := 1; n > 0; { // until there is no room for any goodbye
		if err := below.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		n, _ = below.Write(make([]byte, 1<<16))
	}
	closed := make(chan struct{})
	go func() { here.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(4 * time.Second): // crypto/tls waits five
		t.Fatal("Close waits for a reader")
	}
}
