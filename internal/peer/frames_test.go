package peer_test

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/peer"
)

func numbered(n uint64, size int) peer.Frame {
	p := make([]byte, max(8, size))
	binary.LittleEndian.PutUint64(p, n)
	for i := 8; i < len(p); i++ {
		p[i] = byte(n) + byte(i)
	}
	return peer.Frame{Type: 1 + uint8(n%200), Payload: p}
}

// inOrder fails on a frame that is not the next one, or not what numbered made.
type inOrder struct {
	t    testing.TB
	next uint64
	want uint64
	done chan struct{}
}

func (c *inOrder) take(_ uint64, frames []peer.Frame) {
	for _, f := range frames {
		n := binary.LittleEndian.Uint64(f.Payload)
		want := numbered(n, len(f.Payload))
		if n != c.next || f.Type != want.Type || string(f.Payload) != string(want.Payload) {
			c.t.Errorf("frame %d (type %d) where %d was due, or its bytes changed", n, f.Type, c.next)
		}
		if c.next++; c.next == c.want {
			close(c.done)
		}
	}
}

func TestFramesArriveInOrder(t *testing.T) {
	check := &inOrder{t: t, want: 3000, done: make(chan struct{})}
	b := start(t, 2, func(o *peer.Options, h *owner) { h.frames = check.take })
	a := start(t, 1, nil)
	a.SetPeer(2, b.addr)
	a.await(t, 2, peer.To, true)
	random := rand.New(rand.NewPCG(1, 2))
	for n := uint64(0); n < check.want; {
		size := 1 << random.IntN(12)
		if n%500 == 0 {
			size = 1<<16 + random.IntN(3<<20)
		}
		frames := []peer.Frame{numbered(n, size), numbered(n+1, 0)}
		if !a.Send(2, frames...) {
			t.Fatal("dropped")
		}
		n += 2
	}
	select {
	case <-check.done:
	case <-time.After(patience):
		t.Fatalf("%+v", b.Stats())
	}
	if s := a.Stats(); s.Dropped != 0 || s.FramesSent != 3000 {
		t.Errorf("%+v", s)
	}
}

func TestQueueIsBounded(t *testing.T) {
	release, blocked := make(chan struct{}), make(chan struct{}, 100000)
	b := start(t, 2, func(o *peer.Options, h *owner) {
		h.frames = func(uint64, []peer.Frame) { blocked <- struct{}{}; <-release }
	})
	defer close(release)
	const limit = 1 << 20
	a := start(t, 1, func(o *peer.Options, h *owner) { o.MaxQueue, o.MaxFrame = limit, 1<<16 })
	a.SetPeer(2, b.addr)
	a.await(t, 2, peer.To, true)
	payload := make([]byte, 1<<16)
	sent := 0
	for a.Offer(2, peer.Frame{Type: 1, Payload: payload}) {
	}
	if q := a.Stats().Peers[0].QueueBytes; q < limit/2-2*len(payload) || q > limit/2 {
		t.Errorf("what was only offered takes %d bytes", q)
	}
	dropped := a.Stats().Dropped
	for a.Send(2, peer.Frame{Type: 1, Payload: payload}) {
		if sent++; sent > 10000 {
			t.Fatal("never full")
		}
		if q := a.Stats().Peers[0].QueueBytes; q > limit {
			t.Fatalf("%d bytes queued", q)
		}
	}
	if s := a.Stats(); s.Dropped != dropped+1 || s.Peers[0].Dropped != dropped+1 {
		t.Errorf("%+v", s)
	}
	if a.Send(2, peer.Frame{Type: 1, Payload: make([]byte, 1<<16+1)}) {
		t.Error("took a frame over the limit")
	}
	if a.Send(2, peer.Frame{Type: 0}) {
		t.Error("took a frame of our own type")
	}
	if a.Send(9, peer.Frame{Type: 1}) {
		t.Error("took a frame for nobody")
	}
}

// wordy tells of every write on the connections it accepted.
type wordy struct {
	net.Listener
	wrote chan struct{}
}

func (w wordy) Accept() (net.Conn, error) {
	conn, err := w.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return wordyConn{conn, w.wrote}, nil
}

type wordyConn struct {
	net.Conn
	wrote chan struct{}
}

func (c wordyConn) Write(p []byte) (int, error) {
	select {
	case c.wrote <- struct{}{}:
	default:
	}
	return c.Conn.Write(p)
}

// A slow receiver must not look dead: its node goes on pinging while its handler is busy.
func TestSlowHandlerIsNotCutOff(t *testing.T) {
	release, got, wrote := make(chan struct{}), make(chan struct{}, 10), make(chan struct{})
	b := start(t, 2, func(o *peer.Options, h *owner) {
		o.Listener, o.PingEvery = wordy{o.Listener, wrote}, time.Millisecond
		h.frames = func(uint64, []peer.Frame) { got <- struct{}{}; <-release }
	})
	a := start(t, 1, nil)
	a.SetPeer(2, b.addr)
	a.await(t, 2, peer.To, true)
	a.Send(2, peer.Frame{Type: 1, Payload: []byte("x")})
	<-got
	for range 10 {
		select {
		case <-wrote:
		case <-time.After(patience):
			t.Fatal("no pings from a node whose handler is busy")
		}
	}
	close(release)
}

// blackHole loses what its node says, once it is told to swallow.
type blackHole struct {
	net.Listener
	mu      sync.Mutex
	swallow bool
}

func (h *blackHole) Accept() (net.Conn, error) {
	conn, err := h.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &holeConn{Conn: conn, hole: h}, nil
}

type holeConn struct {
	net.Conn
	hole *blackHole
}

func (c *holeConn) Write(p []byte) (int, error) {
	c.hole.mu.Lock()
	swallow := c.hole.swallow
	c.hole.mu.Unlock()
	if swallow {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func TestSilenceIsNoticed(t *testing.T) {
	hole := &blackHole{}
	b := start(t, 2, func(o *peer.Options, h *owner) {
		hole.Listener = o.Listener
		o.Listener = hole
		o.PingEvery, o.Silence = 5*time.Millisecond, patience
	})
	a := start(t, 1, func(o *peer.Options, h *owner) {
		o.PingEvery, o.Silence = 5*time.Millisecond, 50*time.Millisecond
	})
	a.SetPeer(2, b.addr)
	a.await(t, 2, peer.To, true)
	hole.mu.Lock()
	hole.swallow = true
	hole.mu.Unlock()
	if why := a.await(t, 2, peer.To, false); why.Cause != peer.Silent {
		t.Errorf("%v: %v", why.Cause, why.Err)
	}
}

func TestReconnectAfterListenerRestart(t *testing.T) {
	var mu sync.Mutex
	var got []string
	arrived := make(chan struct{}, 100)
	take := func(_ uint64, frames []peer.Frame) {
		mu.Lock()
		defer mu.Unlock()
		for _, f := range frames {
			got = append(got, string(f.Payload))
			arrived <- struct{}{}
		}
	}
	b := start(t, 2, func(o *peer.Options, h *owner) { h.frames = take })
	a := start(t, 1, nil)
	a.SetPeer(2, b.addr)
	a.await(t, 2, peer.To, true)
	a.Send(2, peer.Frame{Type: 1, Payload: []byte("before")})
	<-arrived
	b.Close()
	if why := a.await(t, 2, peer.To, false); why.Cause != peer.Broken {
		t.Errorf("%v: %v", why.Cause, why.Err)
	}
	if a.Send(2, peer.Frame{Type: 1, Payload: []byte("lost")}) {
		t.Error("sent into the void")
	}
	start(t, 2, func(o *peer.Options, h *owner) {
		o.Listener.Close()
		o.Listener = listen(t, b.addr)
		h.frames = take
	})
	a.await(t, 2, peer.To, true)
	a.Send(2, peer.Frame{Type: 1, Payload: []byte("after")})
	<-arrived
	mu.Lock()
	defer mu.Unlock()
	if len(got) != 2 || got[0] != "before" || got[1] != "after" {
		t.Errorf("got %q", got)
	}
}

func TestPeerMoves(t *testing.T) {
	old := listen(t, "127.0.0.1:0")
	gone := old.Addr().String()
	old.Close()
	b := start(t, 2, nil)
	a := start(t, 1, func(o *peer.Options, h *owner) {
		o.BackoffMin, o.BackoffMax = time.Millisecond, time.Hour
	})
	a.SetPeer(2, gone)
	a.SetPeer(2, b.addr)
	a.await(t, 2, peer.To, true)
	b.await(t, 1, peer.From, true)
	a.RemovePeer(2)
	if why := a.await(t, 2, peer.To, false); why.Cause != peer.Removed {
		t.Errorf("%v: %v", why.Cause, why.Err)
	}
	b.await(t, 1, peer.From, false)
}

func TestRemovedPeerIsHeardNoMore(t *testing.T) {
	b := start(t, 2, nil)
	a := start(t, 1, nil)
	a.SetPeer(2, b.addr)
	b.await(t, 1, peer.From, true)
	b.RemovePeer(1)
	if why := b.await(t, 1, peer.From, false); why.Cause != peer.Removed {
		t.Errorf("%v: %v", why.Cause, why.Err)
	}
}

// The same process connecting anew is no news; another process of the same node is.
func TestNewConnectionReplacesOld(t *testing.T) {
	b := start(t, 2, nil)
	dial := func(boot byte) *node {
		n := start(t, 1, func(o *peer.Options, h *owner) { o.Identity.Boot[5] = boot })
		n.SetPeer(2, b.addr)
		n.await(t, 2, peer.To, true)
		return n
	}
	one := dial(0)
	b.await(t, 1, peer.From, true)
	one.SetPeer(2, "127.0.0.1:1") // so that it does not fight for its place
	dial(1)
	if why := b.await(t, 1, peer.From, false); why.Cause != peer.Replaced {
		t.Errorf("%v: %v", why.Cause, why.Err)
	}
	b.await(t, 1, peer.From, true)
}

// beVictim is what the test binary does as a process to be killed.
func beVictim(addr string) {
	o := &owner{changes: make(chan change, 1000)}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	tr, err := peer.Open(peer.Options{Identity: identity(2), Listener: ln}, o)
	if err != nil {
		panic(err)
	}
	tr.SetPeer(1, addr)
	if _, err := tr.Call(context.Background(), addr, 1, []byte(ln.Addr().String())); err != nil {
		panic(err)
	}
	select {}
}

func TestKilledProcessIsMissedAtOnce(t *testing.T) {
	where := make(chan string, 1)
	// Only a broken connection can tell, within this time: pings would take hours.
	a := start(t, 1, func(o *peer.Options, h *owner) {
		o.PingEvery, o.Silence = time.Hour, 2*time.Hour
		h.call = func(_ peer.Greeting, _ uint8, p []byte) ([]byte, error) { where <- string(p); return nil, nil }
	})
	victim := exec.Command(os.Args[0])
	victim.Env = append(os.Environ(), "PEER_TEST_VICTIM="+a.addr)
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	defer victim.Wait()
	defer victim.Process.Kill()
	a.SetPeer(2, <-where)
	for to, from := false, false; !to || !from; {
		c := <-a.hears.changes
		to, from = to || c.Way == peer.To, from || c.Way == peer.From
	}
	if got := a.Probe(deadline(t), 2); got.Outcome != peer.Greeted {
		t.Errorf("alive: %v (%v)", got.Outcome, got.Err)
	}
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		c := <-a.hears.changes
		if c.Why == nil || c.Why.Cause != peer.Broken {
			t.Errorf("%+v", c)
		}
	}
	if got := a.Probe(deadline(t), 2); got.Outcome != peer.Refused {
		t.Errorf("dead: %v (%v)", got.Outcome, got.Err)
	}
}

func TestProbe(t *testing.T) {
	b := start(t, 2, func(o *peer.Options, h *owner) {
		h.status = func() []byte { return []byte("I lead term 7") }
	})
	mute := listen(t, "127.0.0.1:0") // the kernel accepts, nobody greets
	defer mute.Close()
	rude := listen(t, "127.0.0.1:0")
	defer rude.Close()
	var hangUp sync.WaitGroup
	defer hangUp.Wait()
	defer rude.Close()
	hangUp.Go(func() {
		for {
			conn, err := rude.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	})
	closed := listen(t, "127.0.0.1:0")
	closed.Close()

	a := start(t, 1, nil)
	hasty := start(t, 1, func(o *peer.Options, h *owner) { o.ProbeTimeout = 50 * time.Millisecond })
	for i, addr := range []string{b.addr, closed.Addr().String(), rude.Addr().String()} {
		a.SetPeer(uint64(2+i), addr)
	}
	hasty.SetPeer(9, mute.Addr().String())
	got := a.Probe(deadline(t), 2)
	if got.Outcome != peer.Greeted || string(got.Greeting.Status) != "I lead term 7" {
		t.Errorf("leader: %+v", got)
	}
	if got := a.Probe(deadline(t), 3); got.Outcome != peer.Refused {
		t.Errorf("closed port: %v (%v)", got.Outcome, got.Err)
	}
	if got := a.Probe(deadline(t), 4); got.Outcome != peer.Refused {
		t.Errorf("reset: %v (%v)", got.Outcome, got.Err)
	}
	if got := hasty.Probe(deadline(t), 9); got.Outcome != peer.NoAnswer {
		t.Errorf("mute: %v (%v)", got.Outcome, got.Err)
	}
	if got := a.Probe(deadline(t), 77); got.Outcome != peer.NoAnswer || got.Err != peer.ErrUnknown {
		t.Errorf("unknown: %v (%v)", got.Outcome, got.Err)
	}
}

func TestCloseWhileBusy(t *testing.T) {
	b := start(t, 2, nil)
	a := start(t, 1, nil)
	a.SetPeer(2, b.addr)
	a.SetPeer(3, "127.0.0.1:1")
	a.await(t, 2, peer.To, true)
	var sending sync.WaitGroup
	stop := make(chan struct{})
	sending.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				a.Send(2, peer.Frame{Type: 1, Payload: make([]byte, 100)})
			}
		}
	})
	a.Close()
	a.Close()
	close(stop)
	sending.Wait()
	a.SetPeer(4, b.addr)
	if a.Send(2, peer.Frame{Type: 1}) {
		t.Error("sent after Close")
	}
	if _, err := a.Call(deadline(t), b.addr, 1, nil); err == nil {
		t.Error("called after Close")
	}
	b.await(t, 1, peer.From, false)
}
