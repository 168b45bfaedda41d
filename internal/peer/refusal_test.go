package peer_test

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/caucus-project/caucus/internal/peer"
)

// A node that is turned away for good by a peer that it dials is told so, with and without a password.
func TestB19TurnedAwayForGood(t *testing.T) {
	for _, password := range []string{"", "s"} {
		for _, code := range []peer.Code{peer.RefusedRemoved, peer.RefusedCopy} {
			heard := make(chan *peer.Refusal, 100)
			b := start(t, 2, func(o *peer.Options, h *owner) {
				o.Password = password
				h.greeted = func(peer.Greeting) error { return &peer.Refusal{Code: code, Text: "be gone", Mine: true} }
			})
			a := start(t, 1, func(o *peer.Options, h *owner) {
				o.Password = password
				h.refused = func(_ uint64, why *peer.Refusal) { heard <- why }
			})
			a.SetPeer(2, b.addr)
			select {
			case why := <-heard:
				if why.Code != code || why.Mine || why.Text != "be gone" {
					t.Errorf("password %q: it heard %+v", password, why)
				}
			case <-deadline(t).Done():
				t.Fatal("it was not told")
			}
		}
	}
}

// A newcomer is in the table of nodes, and dialled, a moment before it has its id. Nobody need be told of
// that; that somebody else has its address is another thing.
func TestANodeThatIsNotReadyIsNoAlarm(t *testing.T) {
	for name, want := range map[string]peer.Code{"n2": peer.RefusedUnready, "n9": peer.RefusedMistaken} {
		var log bytes.Buffer // read when nobody writes to it any more
		heard := make(chan peer.Code, 1000)
		b := start(t, 2, func(o *peer.Options, h *owner) { o.Identity = peer.Identity{Name: name} })
		a := start(t, 1, func(o *peer.Options, h *owner) {
			o.Logger = slog.New(slog.NewTextHandler(&log, nil))
			h.refused = func(_ uint64, why *peer.Refusal) { heard <- why.Code }
		})
		a.SetPeer(2, b.addr)
		if got := <-heard; got != want {
			t.Errorf("%s refuses with %d, want %d", name, got, want)
		}
		if err := b.SetIdentity(identity(2)); err != nil {
			t.Fatal(err)
		}
		a.await(t, 2, peer.To, true)
		a.Close()
		if alarm := strings.Contains(log.String(), "cannot reach"); alarm != (want == peer.RefusedMistaken) {
			t.Errorf("%s: %s", name, log.String())
		}
	}
}

// relay passes on what the two ends of a handshake say, and lets change what the acceptor says.
func relay(t *testing.T, to string, change func([]byte) []byte) string {
	t.Helper()
	ln := listen(t, "127.0.0.1:0")
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				in.Close()
				return
			}
			go func() { _, _ = io.Copy(out, in); out.Close() }() // an end that is gone ends the other
			go func() {
				defer in.Close()
				b := make([]byte, 4096)
				for {
					n, err := out.Read(b)
					if err != nil {
						return
					}
					if _, err := in.Write(change(b[:n])); err != nil {
						return
					}
				}
			}()
		}
	}()
	return ln.Addr().String()
}

// Without the password nobody can stop a node by a word: a refusal for good whose proof is missing, or is
// for another text, is taken for that of one with another password.
func TestB19RefusalForGoodIsProven(t *testing.T) {
	b := start(t, 2, func(o *peer.Options, h *owner) {
		o.Password = "s"
		h.greeted = func(peer.Greeting) error {
			return &peer.Refusal{Code: peer.RefusedRemoved, Text: "be gone", Mine: true}
		}
	})
	addr := relay(t, b.addr, func(said []byte) []byte {
		if i := strings.Index(string(said), "be gone"); i >= 0 {
			return said[:i+len("be gone")] // and not the proof
		}
		return said
	})
	a := start(t, 1, func(o *peer.Options, _ *owner) { o.Password = "s" })
	_, _, err := a.Ask(deadline(t), addr, 1, nil)
	if err == nil || strings.Contains(err.Error(), "be gone") {
		t.Fatalf("it believed: %v", err)
	}
	_, _, err = a.Ask(deadline(t), b.addr, 1, nil)
	if err == nil || !strings.Contains(err.Error(), "be gone") {
		t.Fatalf("it did not believe the true one: %v", err)
	}
}
