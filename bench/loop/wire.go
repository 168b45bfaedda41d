package loop

import (
	"fmt"
	"io"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// wire is a connection that the runtime of Go knows nothing of, so that what comes over it wakes nobody
// but the one who waits at all of them.
type wire struct {
	fd         int
	sent       time.Time // when the flight under way was, zero for none
	came       int       // bytes of its answer
	operations uint64    // answered in this run
}

// dialWire connects to an address of the loopback.
func dialWire(addr string) (wire, error) {
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return wire{}, err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return wire{}, os.NewSyscallError("socket", err)
	}
	err = unix.Connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()})
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		_ = unix.Close(fd) // that it could not be made is the news
		return wire{}, fmt.Errorf("connecting to %s: %w", addr, err)
	}
	return wire{fd: fd}, nil
}

// send sends a flight. All of it fits into the socket, which is empty when the one before is answered;
// where it does not, everybody waits.
func (w *wire) send(flight []byte) error {
	for len(flight) > 0 {
		n, err := unix.Write(w.fd, flight)
		if err == unix.EAGAIN {
			err = w.await(unix.POLLOUT)
		}
		if err != nil {
			return os.NewSyscallError("write", err)
		}
		flight = flight[max(n, 0):]
	}
	return nil
}

// read reads once what has come, 0 bytes if nothing has. That the other side has closed is an error.
func (w *wire) read(into []byte) (int, error) {
	n, err := unix.Read(w.fd, into)
	switch {
	case err == unix.EAGAIN:
		return 0, nil
	case err != nil:
		return 0, os.NewSyscallError("read", err)
	case n == 0:
		return 0, io.ErrUnexpectedEOF
	}
	return n, nil
}

// await waits until something can be sent, or has come.
func (w *wire) await(what int16) error {
	until := time.Now().Add(patience)
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(w.fd), Events: what}}, int(look/time.Millisecond))
		switch {
		case err != nil && err != unix.EINTR:
			return err
		case n > 0:
			return nil
		case time.Now().After(until):
			return fmt.Errorf("the other side has done nothing for %v", patience)
		}
	}
}
