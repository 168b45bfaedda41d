package peer_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/peer"
)

func TestHandshake(t *testing.T) {
	alien := identity(1)
	alien.Cluster = cluster(9)
	stranger := peer.Identity{Name: "newcomer"}
	tests := []struct {
		name       string
		dialler    peer.Identity
		ask, want  string // passwords of dialler and acceptor
		afar       bool
		acceptor   func(peer.Greeting) error
		code       peer.Code // 0: it works
		text       string
		alsoDenied bool
	}{
		{name: "open", dialler: identity(1)},
		{name: "password", dialler: identity(1), ask: "s", want: "s"},
		{name: "password from afar", dialler: identity(1), ask: "s", want: "s", afar: true},
		{name: "stranger", dialler: stranger},
		{name: "stranger with password", dialler: stranger, ask: "s", want: "s"},
		{
			name: "wrong password", dialler: identity(1), ask: "s", want: "t",
			code: peer.RefusedPassword, text: "password",
		},
		{name: "no password", dialler: identity(1), want: "t", code: peer.RefusedPassword, text: "password"},
		{name: "needless password", dialler: identity(1), ask: "s", code: peer.RefusedPassword, text: "password"},
		{
			name: "wrong password of an alien", dialler: alien, ask: "s", want: "t",
			code: peer.RefusedPassword, text: "password",
		},
		{
			name: "afar", dialler: identity(1), afar: true,
			code: peer.RefusedDenied, text: "DENIED", alsoDenied: true,
		},
		{name: "other cluster", dialler: alien, code: peer.RefusedCluster, text: "cluster 0900"},
		{name: "other cluster is told ours", dialler: alien, code: peer.RefusedCluster, text: "cluster 0100"},
		{
			name: "owner says no", dialler: identity(1), code: peer.RefusedOwner, text: "boot count 3 after 7",
			acceptor: func(peer.Greeting) error { return errors.New("boot count 3 after 7") },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := start(t, 2, func(o *peer.Options, h *owner) {
				o.Password, h.greeted = tt.want, tt.acceptor
				if tt.afar {
					o.Listener = afar{o.Listener}
				}
				h.call = func(g peer.Greeting, kind uint8, p []byte) ([]byte, error) {
					return append(p, g.From.Name...), nil
				}
			})
			a := start(t, 1, func(o *peer.Options, h *owner) { o.Identity, o.Password = tt.dialler, tt.ask })
			g, answer, err := a.Ask(deadline(t), b.addr, 7, []byte("hi "))
			if tt.code == 0 {
				if err != nil || string(answer) != "hi "+tt.dialler.Name || g.From != identity(2) {
					t.Fatalf("got %q from %v, %v", answer, g.From, err)
				}
				return
			}
			var r *peer.Refusal
			if !errors.As(err, &r) || r.Code != tt.code || !strings.Contains(r.Text, tt.text) {
				t.Fatalf("got %v, want code %d with %q", err, tt.code, tt.text)
			}
			if tt.code == peer.RefusedPassword && r.Text != "password" {
				t.Fatalf("says too much: %q", r.Text)
			}
			if errors.Is(err, caucus.ErrDenied) != tt.alsoDenied {
				t.Fatalf("ErrDenied in %v", err)
			}
		})
	}
}

func TestBothSidesSeeIdentityAndStatus(t *testing.T) {
	seen := make(chan peer.Greeting, 10)
	see := func(g peer.Greeting) error { seen <- g; return nil }
	b := start(t, 2, func(o *peer.Options, h *owner) {
		o.Password = "s"
		o.Identity.Addresses = peer.Addresses{Client: "c:1", Peer: "p:2", HTTP: "h:3"}
		o.Identity.Boots = 42
		h.greeted, h.status = see, func() []byte { return []byte("I lead term 7") }
	})
	a := start(t, 1, func(o *peer.Options, h *owner) {
		o.Password, h.greeted = "s", see
		h.status = func() []byte { return []byte("I follow") }
	})
	a.SetPeer(2, b.addr)
	a.await(t, 2, peer.To, true)
	atB, atA := <-seen, <-seen
	if atB.Way != peer.From || atB.From != a.Identity() || string(atB.Status) != "I follow" ||
		atB.Purpose != peer.ForFrames {
		t.Errorf("the acceptor saw %+v", atB)
	}
	if atA.Way != peer.To || atA.From != b.Identity() || string(atA.Status) != "I lead term 7" {
		t.Errorf("the dialler saw %+v", atA)
	}
}

// answered sends raw bytes to a node and gives all that comes back.
func answered(t *testing.T, addr string, raw []byte) []byte {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(raw); err != nil {
		t.Fatal(err)
	}
	// This fails when the node has hung up already, and then there is nothing to end.
	_ = conn.(*net.TCPConn).CloseWrite()
	back, err := io.ReadAll(conn)
	if err != nil && len(back) == 0 {
		return nil // a reset is an answer without words
	}
	return back
}

func TestOtherVersionIsToldWhy(t *testing.T) {
	n := start(t, 1, nil)
	raw := append([]byte("caucus-p"), 9, 1, 0, 0, 0, 0, 0, 0, 0, 0)
	back := answered(t, n.addr, raw)
	if !bytes.HasPrefix(back, []byte("caucus-p")) || !bytes.Contains(back, []byte("speaks version 1")) {
		t.Fatalf("got %q", back)
	}
}

func TestForeignTongueGetsNoAnswer(t *testing.T) {
	n := start(t, 1, nil)
	for _, raw := range []string{
		"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n", "\x16\x03\x01",
		"caucus-p\x01\x01\xff\xff\xff\xff\x00\x00\x00\x00",
	} {
		if back := answered(t, n.addr, []byte(raw)); len(back) > 0 {
			t.Errorf("%q got %q", raw, back)
		}
	}
	if got := n.Stats().Refused; got != 4 {
		t.Errorf("%d refused, want 4", got)
	}
}

func TestOldestStrangerMakesRoom(t *testing.T) {
	n := start(t, 1, func(o *peer.Options, h *owner) {
		o.MaxStrangers, o.HandshakeTimeout = 2, 10*patience
		h.call = func(peer.Greeting, uint8, []byte) ([]byte, error) { return []byte("yes"), nil }
	})
	first, err := net.Dial("tcp", n.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	for range 2 {
		conn, err := net.Dial("tcp", n.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	// The read ends because the node cut the oldest, not because of any time-out.
	if _, err := first.Read(make([]byte, 1)); err == nil {
		t.Fatal("the oldest stranger got an answer")
	}
	a := start(t, 2, nil)
	if got, err := a.Call(deadline(t), n.addr, 1, nil); err != nil || string(got) != "yes" {
		t.Fatalf("a real peer got %q, %v", got, err)
	}
}

func TestWrongNodeAtAddress(t *testing.T) {
	b := start(t, 2, nil)
	a := start(t, 1, nil)
	a.SetPeer(3, b.addr)
	if got := a.Probe(deadline(t), 3); got.Outcome != peer.Turned {
		t.Fatalf("got %v (%v)", got.Outcome, got.Err)
	}
}

func TestStrangerMayOnlyCall(t *testing.T) {
	b := start(t, 2, nil)
	a := start(t, 1, func(o *peer.Options, h *owner) { o.Identity = peer.Identity{Name: "new"} })
	a.SetPeer(2, b.addr)
	if got := a.Probe(deadline(t), 2); got.Outcome != peer.Turned {
		t.Fatalf("probe: %v (%v)", got.Outcome, got.Err)
	}
	if a.Send(2, peer.Frame{Type: 1}) {
		t.Fatal("sent")
	}
	if err := a.SetIdentity(identity(1)); err != nil {
		t.Fatal(err)
	}
	a.await(t, 2, peer.To, true)
}

// A node of another cluster that means this address is turned away, and the owner learns of it: it may have
// the address of somebody whom that cluster knows (SAFETY A12).
func TestA12_WhoWasMeantIsTold(t *testing.T) {
	type call struct {
		by   peer.Identity
		id   uint64
		name string
	}
	for what, me := range map[string]peer.Identity{
		"without a cluster": {Name: "n2"},
		"of another":        {Name: "n2", ID: 2, Cluster: cluster(9), Boot: [16]byte{9}},
	} {
		for _, password := range []string{"", "s"} {
			calls := make(chan call, 100)
			b := start(t, 2, func(o *peer.Options, h *owner) {
				o.Identity, o.Password = me, password
				h.meant = func(by peer.Greeting, id uint64, name string) { calls <- call{by.From, id, name} }
			})
			a := start(t, 1, func(o *peer.Options, _ *owner) { o.Password = password })
			a.SetPeer(2, b.addr)
			if got, want := <-calls, (call{identity(1), 2, "n2"}); got != want {
				t.Errorf("%s, password %q: told of %+v, want %+v", what, password, got, want)
			}
		}
	}
}

// Who has not proven the password, is of the same cluster, or of none, is no sign of another ensemble.
func TestA12_OnlyProvenStrangersCount(t *testing.T) {
	for what, dialler := range map[string]peer.Options{
		"wrong password": {Identity: peer.Identity{Name: "x", ID: 1, Cluster: cluster(9)}, Password: "wrong"},
		"same cluster":   {Identity: identity(1), Password: "s"},
		"no cluster":     {Identity: peer.Identity{Name: "x"}, Password: "s"},
	} {
		b := start(t, 2, func(o *peer.Options, h *owner) {
			o.Password = "s"
			h.meant = func(by peer.Greeting, _ uint64, _ string) { t.Errorf("%s: told of %v", what, by.From) }
		})
		a := start(t, 1, func(o *peer.Options, _ *owner) {
			o.Identity, o.Password = dialler.Identity, dialler.Password
		})
		a.SetPeer(3, b.addr)
		a.Probe(deadline(t), 3)
	}
}
