package peer_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/caucus-project/caucus/internal/peer"
)

// patience is how long a test waits for what must happen; no test waits for it when all is well.
const patience = 20 * time.Second

func TestMain(m *testing.M) {
	if addr := os.Getenv("PEER_TEST_VICTIM"); addr != "" {
		beVictim(addr)
	}
	goleak.VerifyTestMain(m)
}

type change struct {
	ID  uint64
	Way peer.Way
	Why *peer.Loss // nil: up
}

// owner is a Handler that passes on what it hears. Its functions may be set before the node starts.
type owner struct {
	status  func() []byte
	greeted func(peer.Greeting) error
	refused func(id uint64, why *peer.Refusal)
	meant   func(by peer.Greeting, id uint64, name string)
	frames  func(from uint64, frames []peer.Frame)
	stream  func(from uint64, kind uint8, header []byte, body io.Reader) error
	call    func(from peer.Greeting, kind uint8, payload []byte) ([]byte, error)
	changes chan change
}

func (o *owner) Greet() []byte {
	if o.status == nil {
		return nil
	}
	return o.status()
}

func (o *owner) Greeted(g peer.Greeting) error {
	if o.greeted == nil {
		return nil
	}
	return o.greeted(g)
}

func (o *owner) Refused(id uint64, why *peer.Refusal) {
	if o.refused != nil {
		o.refused(id, why)
	}
}

func (o *owner) Meant(by peer.Greeting, id uint64, name string) {
	if o.meant != nil {
		o.meant(by, id, name)
	}
}

func (o *owner) Name(id uint64) string { return identity(id).Name }

func (o *owner) Frames(from uint64, frames []peer.Frame) {
	if o.frames != nil {
		o.frames(from, frames)
	}
}

func (o *owner) Up(id uint64, way peer.Way) { o.changes <- change{ID: id, Way: way} }

func (o *owner) Down(id uint64, why peer.Loss) {
	o.changes <- change{ID: id, Way: why.Way, Why: &why}
}

func (o *owner) Stream(from uint64, kind uint8, header []byte, body io.Reader) error {
	if o.stream == nil {
		return errors.New("ERR no streams here")
	}
	return o.stream(from, kind, header, body)
}

func (o *owner) Call(_ context.Context, from peer.Greeting, kind uint8, payload []byte) ([]byte, error) {
	if o.call == nil {
		return nil, errors.New("ERR no calls here")
	}
	return o.call(from, kind, payload)
}

// await waits for an Up (cause nil) or a Down of the peer in that way, and passes over all else.
func (n *node) await(t testing.TB, id uint64, way peer.Way, up bool) *peer.Loss {
	t.Helper()
	limit := time.After(patience)
	for {
		select {
		case c := <-n.hears.changes:
			if c.ID == id && c.Way == way && (c.Why == nil) == up {
				return c.Why
			}
		case <-limit:
			t.Fatalf("peer %d did not go up=%v (%v)", id, up, way)
		}
	}
}

type node struct {
	*peer.Transport
	hears *owner
	addr  string
}

func cluster(b byte) (id [16]byte) {
	id[0] = b
	return id
}

func identity(id uint64) peer.Identity {
	return peer.Identity{
		Cluster: cluster(1), ID: id, Name: "n" + string(rune('0'+id)), Boot: [16]byte{byte(id)},
	}
}

func listen(t testing.TB, addr string) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	// A port that was used before may be a dialler's for a moment.
	for begun := time.Now(); err != nil && time.Since(begun) < patience; {
		time.Sleep(time.Millisecond)
		ln, err = net.Listen("tcp", addr)
	}
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// start runs a node on a free port of loopback until the test ends.
func start(t testing.TB, id uint64, set func(*peer.Options, *owner)) *node {
	t.Helper()
	o := &owner{changes: make(chan change, 1000)}
	opts := peer.Options{Identity: identity(id), Listener: listen(t, "127.0.0.1:0"), ProbeTimeout: patience}
	if set != nil {
		set(&opts, o)
	}
	tr, err := peer.Open(opts, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tr.Close() })
	n := &node{Transport: tr, hears: o}
	if opts.Listener != nil {
		n.addr = opts.Listener.Addr().String()
	}
	return n
}

func deadline(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// afar makes every accepted connection look as if it came from another machine.
type afar struct{ net.Listener }

func (a afar) Accept() (net.Conn, error) {
	conn, err := a.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return afarConn{conn}, nil
}

type afarConn struct{ net.Conn }

func (afarConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 9} }
