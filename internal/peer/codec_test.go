package peer

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/caucus-project/caucus/internal/tool"
	"pgregory.net/rapid"
)

var anyHello = rapid.Custom(func(t *rapid.T) hello {
	text := rapid.StringN(0, 60, maxText)
	sixteen := func(name string) (b [16]byte) {
		copy(b[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, name))
		return b
	}
	h := hello{
		purpose:  Purpose(rapid.IntRange(1, 4).Draw(t, "purpose")),
		password: rapid.Bool().Draw(t, "password"),
		to:       rapid.Uint64().Draw(t, "to"),
		toName:   text.Draw(t, "to name"),
		from: Identity{
			Cluster: sixteen("cluster"), Boot: sixteen("boot"), ID: rapid.Uint64().Draw(t, "id"),
			Boots: rapid.Uint64().Draw(t, "boots"), Name: text.Draw(t, "name"),
			Addresses: Addresses{text.Draw(t, "client"), text.Draw(t, "peer"), text.Draw(t, "http")},
		},
		status: rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "status"),
	}
	copy(h.nonce[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "nonce"))
	return h
})

func TestHelloRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := anyHello.Draw(t, "hello")
		b, err := h.encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := decodeHello(b)
		if err != nil || !reflect.DeepEqual(back, h) {
			t.Fatalf("%+v came back as %+v, %v", h, back, err)
		}
		cut := rapid.IntRange(0, len(b)-1).Draw(t, "cut")
		if _, err := decodeHello(b[:cut]); err == nil {
			t.Fatalf("%d bytes of %d were enough", cut, len(b))
		}
	})
}

func TestTooLongToSay(t *testing.T) {
	long := hello{purpose: ForCall, from: Identity{Name: strings.Repeat("x", maxText+1)}}
	if _, err := long.encode(); err == nil {
		t.Error("a name over the limit was encoded")
	}
	longing := hello{purpose: ForCall, toName: strings.Repeat("x", maxText+1)}
	if _, err := longing.encode(); err == nil {
		t.Error("another's name over the limit was encoded")
	}
	wordy := hello{purpose: ForCall, status: make([]byte, maxStatus+1)}
	if _, err := wordy.encode(); err == nil {
		t.Error("a status over the limit was encoded")
	}
}

func FuzzHello(f *testing.F) {
	good, err := hello{purpose: ForFrames, from: Identity{ID: 7, Name: "n7"}, status: []byte("s")}.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(appendLetter(nil, letter{Version, letterHello, good}))
	f.Add(appendLetter(nil, letter{9, letterRefusal, []byte{1, 'n', 'o'}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := decodeHello(b); err == nil {
			again, err := h.encode()
			if err != nil || !bytes.Equal(again, b) {
				t.Fatalf("%x was read as %+v, which is %x, %v", b, h, again, err)
			}
		}
		if l, err := readLetter(bytes.NewReader(b)); err == nil {
			if again := appendLetter(nil, l); !bytes.HasPrefix(b, again) {
				t.Fatalf("%x was read as %x", b, again)
			}
		}
		for _, key := range [][]byte{nil, []byte("key")} {
			s := side{
				key: key, served: true,
				greet: func() []byte { return nil }, admit: func(Greeting) error { return nil },
				name: func(uint64) string { return "" }, meant: func(Greeting, uint64, string) {},
			}
			rw := struct {
				io.Reader
				io.Writer
			}{bytes.NewReader(b), io.Discard}
			if _, err := s.accept(rw); err == nil && key != nil {
				t.Fatal("got in without the password")
			}
			if _, err := s.dial(rw, ForCall, 0); err == nil && key != nil {
				t.Fatal("believed one without the password")
			}
		}
	})
}

// A proof does not do for the other role, another nonce or another hello.
func TestProofIsBound(t *testing.T) {
	key, err := passwordKey("s")
	if err != nil {
		t.Fatal(err)
	}
	base := proof(key, labelDialler, []byte("hello"), []byte("nonce"))
	for name, other := range map[string][]byte{
		"role":     proof(key, labelAcceptor, []byte("hello"), []byte("nonce")),
		"hello":    proof(key, labelDialler, []byte("hallo"), []byte("nonce")),
		"nonce":    proof(key, labelDialler, []byte("hello"), []byte("nonsense")),
		"boundary": proof(key, labelDialler, []byte("hellon"), []byte("once")),
		"key":      proof(key[1:], labelDialler, []byte("hello"), []byte("nonce")),
	} {
		if bytes.Equal(base, other) {
			t.Errorf("the proof does not depend on the %s", name)
		}
	}
}

func TestFramesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		frames := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Frame {
			size := rapid.OneOf(rapid.IntRange(0, 100), rapid.IntRange(16<<10-1, 16<<10+1),
				rapid.IntRange(64<<10-12, 64<<10+1), rapid.IntRange(1<<20-9, 1<<20+9)).Draw(t, "size")
			fill := rapid.Byte().Draw(t, "fill")
			return Frame{rapid.Uint8Range(1, 255).Draw(t, "type"), bytes.Repeat([]byte{fill}, size)}
		}), 1, 8).Draw(t, "frames")
		var wire bytes.Buffer
		var p parcel
		for rest := frames; len(rest) > 0; {
			n, size := p.fill(rest)
			before := wire.Len()
			if _, err := p.parts.WriteTo(&wire); err != nil || wire.Len()-before != size || n == 0 {
				t.Fatalf("%d frames, %d bytes said, %d written, %v", n, size, wire.Len()-before, err)
			}
			wire.Write(appendFrame(nil, Frame{Type: typePing}))
			rest = rest[n:]
		}
		var source io.Reader = &wire
		if rapid.Bool().Draw(t, "halting") {
			source = iotest.HalfReader(source)
		}
		r := newFrameReader(source, 2<<20)
		var back []Frame
		for len(back) < len(frames) {
			got, err := r.next()
			if err != nil {
				t.Fatal(err)
			}
			back = append(back, got...)
		}
		for i, f := range frames {
			if back[i].Type != f.Type || !bytes.Equal(back[i].Payload, f.Payload) {
				t.Fatalf("frame %d of %d changed", i, len(frames))
			}
		}
	})
}

func TestFlippedBitIsNoticed(t *testing.T) {
	whole := appendFrame(nil, Frame{Type: 3, Payload: []byte("a payload")})
	for bit := range len(whole) * 8 {
		b := bytes.Clone(whole)
		b[bit/8] ^= 1 << (bit % 8)
		if got, err := newFrameReader(bytes.NewReader(b), 1<<20).next(); err == nil {
			t.Errorf("bit %d flipped gave %+v", bit, got)
		}
	}
}

// A length alone must not make us allocate.
func TestAnnouncedLengthCostsNothing(t *testing.T) {
	const limit = 64 << 20
	head := appendHead(nil, Frame{Type: 1, Payload: make([]byte, limit)})
	got := testing.AllocsPerRun(1, func() {
		b, err := readGrowing(bytes.NewReader(head), limit, nil)
		if !errors.Is(err, io.ErrUnexpectedEOF) || cap(b) != 0 {
			t.Fatalf("%d bytes, %v", cap(b), err)
		}
	})
	if got > 3 {
		t.Errorf("%v allocations", got)
	}
	if _, err := newFrameReader(bytes.NewReader(head), limit-1).next(); !errors.Is(err, ErrGarbled) {
		t.Errorf("a frame over the limit: %v", err)
	}
}

// FuzzFrames proves of any bytes: in batches they are the frames that they are one by one, which are no
// longer than what came; and so is a stream.
func FuzzFrames(f *testing.F) {
	f.Add(appendFrame(appendFrame(nil, Frame{1, []byte("one")}), Frame{2, nil}))
	f.Add(appendFrame(nil, Frame{}))
	f.Add([]byte{255, 255, 255, 255, 0, 0, 0, 0, 1})
	f.Add(appendFrame(nil, Frame{1, make([]byte, 70<<10)})[:1<<10]) // more is announced than comes
	f.Fuzz(func(t *testing.T, b []byte) {
		const limit = 1 << 20
		r := newFrameReader(bytes.NewReader(b), limit)
		var all []Frame
		var err error
		tool.AtMost(t, 3<<20+8*len(b), func() {
			for err == nil {
				var frames []Frame
				if frames, err = r.next(); err == nil {
					all = append(all, frames...)
				}
			}
		})
		if want, end := oneByOne(b, limit); len(all) > len(want) || len(all) < len(want) && end == io.EOF ||
			!slices.EqualFunc(all, want[:len(all)], equal) {
			t.Fatalf("%x was read as %+v, and one by one as %+v, %v", b, all, want, end)
		}
		body := &streamReader{r: bufio.NewReader(bytes.NewReader(b))}
		if all, err := io.ReadAll(body); len(all) > len(b) || err == nil && len(b) < frameHead {
			t.Fatalf("%d bytes of a stream in %d, %v", len(all), len(b), err)
		}
	})
}

func equal(a, b Frame) bool { return a.Type == b.Type && bytes.Equal(a.Payload, b.Payload) }

// oneByOne reads frames as calls do, and leaves out pings.
func oneByOne(b []byte, limit int) (frames []Frame, end error) {
	for r := bufio.NewReader(bytes.NewReader(b)); ; {
		frame, err := readFrame(r, limit, nil)
		if err != nil {
			return frames, err
		}
		if frame.Type != typePing {
			frames = append(frames, frame)
		}
	}
}
