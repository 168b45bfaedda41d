package peer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/peer"
)

func pair(t *testing.T, stream func(uint64, uint8, []byte, io.Reader) error) (a, b *node) {
	b = start(t, 2, func(o *peer.Options, h *owner) { h.stream = stream })
	a = start(t, 1, nil)
	a.SetPeer(2, b.addr)
	return a, b
}

func TestStreamArrives(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<16+3)
	var got [32]byte
	a, _ := pair(t, func(from uint64, kind uint8, header []byte, r io.Reader) error {
		if from != 1 || kind != 5 || string(header) != "index 77" {
			t.Errorf("from %d kind %d header %q", from, kind, header)
		}
		all, err := io.ReadAll(r)
		got = sha256.Sum256(all)
		return err
	})
	s, err := a.OpenStream(deadline(t), 2, 5, []byte("index 77"))
	if err != nil {
		t.Fatal(err)
	}
	for rest := body; len(rest) > 0; {
		n := min(len(rest), 70001)
		if _, err := s.Write(rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	if err := s.Finish(); err != nil {
		t.Fatal(err)
	}
	if got != sha256.Sum256(body) {
		t.Fatal("what arrived is not what was sent")
	}
}

func TestStreamReadJustToItsEnd(t *testing.T) {
	a, _ := pair(t, func(_ uint64, _ uint8, _ []byte, r io.Reader) error {
		_, err := io.ReadFull(r, make([]byte, 5))
		return err
	})
	for body, want := range map[string]string{"12345": "", "123456": "did not read", "1234": "unexpected EOF"} {
		s, err := a.OpenStream(deadline(t), 2, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(s, body); err != nil {
			t.Fatal(err)
		}
		err = s.Finish()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", body, err, want)
		}
	}
}

// The receiver gives up early, while the sender has far more than any buffer holds.
func TestStreamRefused(t *testing.T) {
	a, _ := pair(t, func(_ uint64, _ uint8, _ []byte, r io.Reader) error {
		if _, err := io.ReadFull(r, make([]byte, 1000)); err != nil {
			return err
		}
		return caucus.Errorf(caucus.ErrNoSpace, "the disk is full")
	})
	s, err := a.OpenStream(deadline(t), 2, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	piece := make([]byte, 1<<20)
	for range 1000 {
		if _, err = s.Write(piece); err != nil {
			break
		}
	}
	if !errors.Is(err, caucus.ErrNoSpace) {
		t.Fatalf("got %v", err)
	}
}

func TestStreamCut(t *testing.T) {
	cut := map[string]func(s *peer.Stream, a *node, cancel func()){
		"closed":    func(s *peer.Stream, _ *node, _ func()) { s.Close() },
		"cancelled": func(_ *peer.Stream, _ *node, cancel func()) { cancel() },
		"shut down": func(_ *peer.Stream, a *node, _ func()) { a.Close() },
	}
	for name, end := range cut {
		t.Run(name, func(t *testing.T) {
			begun, result := make(chan struct{}), make(chan error, 1)
			a, _ := pair(t, func(_ uint64, _ uint8, _ []byte, r io.Reader) error {
				_, err := io.ReadFull(r, make([]byte, 1))
				close(begun)
				if err == nil {
					_, err = io.ReadAll(r)
				}
				result <- err
				return err
			})
			ctx, cancel := context.WithCancel(deadline(t))
			defer cancel()
			s, err := a.OpenStream(ctx, 2, 1, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if _, err := s.Write(make([]byte, 1<<20)); err != nil {
				t.Fatal(err)
			}
			<-begun
			end(s, a, cancel)
			if err := <-result; !errors.Is(err, peer.ErrAborted) {
				t.Errorf("the receiver got %v", err)
			}
			if err := s.Finish(); err == nil {
				t.Error("finished after the end")
			}
		})
	}
}

func TestStreamReceiverGoesAway(t *testing.T) {
	begun := make(chan struct{})
	a, b := pair(t, func(_ uint64, _ uint8, _ []byte, r io.Reader) error {
		close(begun)
		_, err := io.ReadAll(r)
		return err
	})
	s, err := a.OpenStream(deadline(t), 2, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	<-begun
	b.Close()
	if err := s.Finish(); err == nil {
		t.Fatal("nobody was there to finish")
	}
}

func TestStreamThatDoesNotMoveIsGivenUp(t *testing.T) {
	release := make(chan struct{})
	b := start(t, 2, func(o *peer.Options, h *owner) {
		h.stream = func(uint64, uint8, []byte, io.Reader) error { <-release; return nil }
	})
	defer close(release)
	a := start(t, 1, func(o *peer.Options, h *owner) { o.StreamPatience = 50 * time.Millisecond })
	a.SetPeer(2, b.addr)
	s, err := a.OpenStream(deadline(t), 2, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	piece := make([]byte, 1<<20)
	for range 1000 {
		if _, err = s.Write(piece); err != nil {
			break
		}
	}
	if !errors.Is(err, peer.ErrAborted) {
		t.Fatalf("got %v", err)
	}
}

func TestStreamToNobody(t *testing.T) {
	a := start(t, 1, nil)
	if _, err := a.OpenStream(deadline(t), 2, 1, nil); !errors.Is(err, peer.ErrUnknown) {
		t.Errorf("got %v", err)
	}
}

func TestCall(t *testing.T) {
	b := start(t, 2, func(o *peer.Options, h *owner) {
		o.MaxFrame = 1 << 20
		h.call = func(_ peer.Greeting, kind uint8, p []byte) ([]byte, error) {
			switch kind {
			case 1:
				return append([]byte("you said "), p...), nil
			case 2:
				return nil, caucus.Errorf(caucus.ErrTryAgain, "no leader")
			case 3:
				return make([]byte, 1<<20+1), nil
			}
			return nil, nil
		}
	})
	a := start(t, 1, nil)
	if got, err := a.Call(deadline(t), b.addr, 1, []byte("this")); err != nil || string(got) != "you said this" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := a.Call(deadline(t), b.addr, 2, nil); !errors.Is(err, caucus.ErrTryAgain) {
		t.Errorf("got %v", err)
	}
	if _, err := a.Call(deadline(t), b.addr, 3, nil); !errors.Is(err, caucus.ErrBad) {
		t.Errorf("got %v", err)
	}
	if got, err := a.Call(deadline(t), b.addr, 4, nil); err != nil || len(got) != 0 {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := a.Call(deadline(t), b.addr, 1, make([]byte, 1<<20+1)); err == nil {
		t.Error("a question over the limit was answered")
	}
}

func TestCallEndsWithItsContext(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	b := start(t, 2, func(o *peer.Options, h *owner) {
		h.call = func(peer.Greeting, uint8, []byte) ([]byte, error) { close(asked); <-release; return nil, nil }
	})
	defer close(release)
	a := start(t, 1, nil)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-asked; cancel() }()
	if _, err := a.Call(ctx, b.addr, 1, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
