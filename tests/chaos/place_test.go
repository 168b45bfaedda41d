//go:build linux

package chaos

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// place is a network namespace. It has no name: it is gone when this process and all that it started
// in there are gone, however they end.
type place struct {
	name string
	addr string // of its own, on the switch of the field
	ns   *os.File
	tun  *os.File // the device of its slow links
}

// newPlace makes a network namespace in which there is only a loopback.
func newPlace(name, addr string) (*place, error) {
	p := &place{name: name, addr: addr}
	made := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			p.ns, err = os.Open("/proc/thread-self/ns/net")
		}
		made <- err
	}()
	if err := <-made; err != nil {
		return nil, fmt.Errorf("a network namespace: %w", err)
	}
	return p, p.run("ip", "link", "set", "lo", "up")
}

// enter calls f in a thread that is in the place. What f starts or opens is there too.
func (p *place) enter(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err := unix.Setns(int(p.ns.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("setns: %w", err)
			return
		}
		done <- f()
	}()
	return <-done
}

// run runs a program in the place, to its end.
func (p *place) run(program string, args ...string) error { return p.feed("", program, args...) }

// feed runs a program in the place that reads a text.
func (p *place) feed(text, program string, args ...string) error {
	return p.enter(func() error {
		c := exec.Command(program, args...)
		c.Stdin = strings.NewReader(text)
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("%s %s: %w\n%s%s", program, strings.Join(args, " "), err, text, out)
		}
		return nil
	})
}

// dial opens a connection from the place to host:port, where host is an address and no name.
func (p *place) dial(ctx context.Context, addr string) (conn net.Conn, err error) {
	err = p.enter(func() (err error) {
		conn, err = new(net.Dialer).DialContext(ctx, "tcp", addr)
		return err
	})
	return conn, err
}

// path is a name under which other programs find the namespace while this process lives.
func (p *place) path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), p.ns.Fd()) }

// plug connects the place to the switch of the field, which is a bridge in another place.
func (p *place) plug(hub *place) error {
	cable := "to-" + p.name
	err := hub.run("ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", p.path())
	if err != nil {
		return err
	}
	if err := hub.run("ip", "link", "set", cable, "master", "hub", "up"); err != nil {
		return err
	}
	if err := p.run("ip", "addr", "add", p.addr+"/16", "dev", "eth0"); err != nil {
		return err
	}
	return p.run("ip", "link", "set", "eth0", "up")
}

// newHub makes the place in which the switch is.
func newHub() (*place, error) {
	p, err := newPlace("hub", "")
	if err != nil {
		return nil, err
	}
	return p, p.run("ip", "link", "add", "hub", "up", "type", "bridge")
}
