//go:build linux

package chaos

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// wire is a slow link from one place to another. Its packets leave the kernel through a device of ours, wait
// here, and enter it again where they are to go: so connections that exist become slow as well. The other
// direction is another wire.
type wire struct {
	from, to *place
	pace

	queue chan packet
	rng   *rand.Rand
	free  time.Time // when what was taken before has left
}

// pace is how a wire treats packets.
type pace struct {
	delay, jitter  time.Duration // each takes delay, and up to jitter more; they keep their order
	bytesPerSecond int
	loss           float64 // how many of them get lost, 0 to 1
}

func (p pace) String() string {
	return fmt.Sprintf("%d+%d ms %d kB/s %.0f%% lost", p.delay.Milliseconds(), p.jitter.Milliseconds(),
		p.bytesPerSecond/1000, p.loss*100)
}

type packet struct {
	bytes []byte
	due   time.Time
}

// relay is the wires that there are.
type relay struct {
	mu      sync.Mutex
	places  map[netip.Addr]*place
	wires   []*wire
	running sync.WaitGroup
}

// attach gives a place its device.
func (r *relay) attach(p *place) error {
	err := p.enter(func() (err error) {
		p.tun, err = device("slow0")
		return errors.Join(err, os.WriteFile("/proc/sys/net/ipv4/conf/all/rp_filter", []byte("0"), 0))
	})
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.places[netip.MustParseAddr(p.addr)] = p
	r.mu.Unlock()
	r.running.Go(func() { r.read(p) })
	return p.run("ip", "link", "set", "slow0", "up")
}

// close takes all devices away, and waits until nothing is on a wire any more.
func (r *relay) close() {
	r.mu.Lock()
	for _, p := range r.places {
		p.tun.Close()
	}
	for _, w := range r.wires {
		close(w.queue)
	}
	r.wires = nil
	r.mu.Unlock()
	r.running.Wait()
}

// device makes a network device whose packets are read and written as those of a file.
func device(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	request, err := unix.NewIfreq(name)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("a network device: %w", err), unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), name), nil
}

// read takes what leaves a place through its device, until that is closed.
func (r *relay) read(p *place) {
	buffer := make([]byte, 1<<16)
	for {
		n, err := p.tun.Read(buffer)
		if err != nil {
			return
		}
		if n >= 20 && buffer[0]>>4 == 4 { // an IPv4 packet
			r.pass(p, netip.AddrFrom4([4]byte(buffer[16:20])), slices.Clone(buffer[:n]))
		}
	}
}

// pass puts a packet on the newest wire of its way. What finds none is late, since the wire is gone, and
// lost, as packets may be.
func (r *relay) pass(from *place, to netip.Addr, bytes []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range slices.Backward(r.wires) {
		if w.from == from && w.to == r.places[to] {
			w.take(bytes)
			return
		}
	}
}

// take puts a packet on the wire, unless it gets lost or too many are waiting.
func (w *wire) take(bytes []byte) {
	now := time.Now()
	if w.free.Before(now) {
		w.free = now
	}
	w.free = w.free.Add(time.Duration(len(bytes)) * time.Second / time.Duration(w.bytesPerSecond))
	late := w.delay + time.Duration(w.rng.Float64()*float64(w.jitter))
	if w.rng.Float64() < w.loss {
		return
	}
	select {
	case w.queue <- packet{bytes, w.free.Add(late)}:
	default:
	}
}

// carry lets out what is on the wire when it is due, until the wire is taken away.
func (w *wire) carry() {
	for p := range w.queue {
		time.Sleep(time.Until(p.due))
		_, _ = w.to.tun.Write(p.bytes) // the place may be gone
	}
}

// slow makes links slow, and gives what makes them as they were.
func (r *relay) slow(seed uint64, list ...*wire) (mend func() error, err error) {
	for i, w := range list {
		w.queue, w.rng = make(chan packet, 1000), rand.New(rand.NewPCG(seed, uint64(i)))
		r.running.Go(w.carry)
		r.mu.Lock()
		r.wires = append(r.wires, w)
		r.mu.Unlock()
		err = errors.Join(err, w.from.run("ip", "route", "replace", w.to.addr+"/32", "dev", "slow0",
			"src", w.from.addr))
	}
	return func() error { return r.quicken(list) }, err
}

// quicken takes wires away. Where no other is left packets go their normal way again.
func (r *relay) quicken(list []*wire) (err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range list {
		if i := slices.Index(r.wires, w); i >= 0 { // else all was closed
			r.wires = slices.Delete(r.wires, i, i+1)
			close(w.queue)
		}
	}
	for _, w := range list {
		same := func(o *wire) bool { return o.from == w.from && o.to == w.to }
		if !slices.ContainsFunc(r.wires, same) {
			err = errors.Join(err, w.from.run("ip", "route", "del", w.to.addr+"/32", "dev", "slow0"))
		}
	}
	return err
}
