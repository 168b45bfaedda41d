package loop

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/resp"
	"golang.org/x/sys/unix"
)

// Audience is many connections that have subscribed to one channel of a server that speaks RESP. One
// goroutine reads from all of them, for the reason that a Switchboard has but one.
type Audience struct {
	head   []byte // with which every message begins
	wires  []wire
	left   [][]byte // of each wire, a message whose end is still to come
	epoll  int
	events []unix.EpollEvent
	in     []byte
}

// Subscribe opens n connections, spread over servers on the loopback, and subscribes each.
func Subscribe(addrs []string, n int, channel string) (*Audience, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	a := &Audience{head: resp.AppendBulk(resp.AppendBulk(resp.AppendArrayHead(nil, 3), []byte("message")),
		[]byte(channel)), left: make([][]byte, n), epoll: epoll, events: make([]unix.EpollEvent, n),
		in: make([]byte, 64<<10)}
	for i := range n {
		if err := a.subscribe(addrs[i%len(addrs)], channel); err != nil {
			a.Close()
			return nil, err
		}
	}
	return a, nil
}

func (a *Audience) subscribe(addr, channel string) error {
	w, err := dialWire(addr)
	if err != nil {
		return err
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(len(a.wires))} // which comes back with it
	a.wires = append(a.wires, w)
	if err := w.send(resp.AppendCommand(nil, caucus.Command{"SUBSCRIBE", channel})); err != nil {
		return err
	}
	want := resp.Append(nil, 2, caucus.Array(caucus.Bulk("subscribe"), caucus.Bulk(channel), caucus.Int(1)))
	for got := 0; got < len(want); {
		if err := w.await(unix.POLLIN); err != nil {
			return err
		}
		n, err := unix.Read(w.fd, a.in[:len(want)-got])
		if err != nil || n == 0 || !bytes.Equal(a.in[:n], want[got:got+n]) {
			return fmt.Errorf("SUBSCRIBE is answered with %.200q, %v", a.in[:max(n, 0)], err)
		}
		got += n
	}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(a.epoll, unix.EPOLL_CTL_ADD, w.fd, &event))
}

// Close closes all connections.
func (a *Audience) Close() {
	for _, w := range a.wires {
		_ = unix.Close(w.fd) // what the kernel says of it tells nobody anything
	}
	_ = unix.Close(a.epoll)
}

// Hear calls heard for every message, until a connection breaks, as it does when its server is stopped.
func (a *Audience) Hear(heard func()) error {
	for {
		n, err := unix.EpollWait(a.epoll, a.events, -1)
		if err != nil && err != unix.EINTR {
			return os.NewSyscallError("epoll_wait", err)
		}
		for _, e := range a.events[:max(n, 0)] {
			if err := a.hear(int(e.Fd), heard); err != nil {
				return fmt.Errorf("subscriber %d of %d: %w", e.Fd+1, len(a.wires), err)
			}
		}
	}
}

// hear reads once what has come over the ith connection.
func (a *Audience) hear(i int, heard func()) error {
	held := copy(a.in, a.left[i])
	n, err := a.wires[i].read(a.in[held:])
	if n == 0 {
		return err
	}
	came := a.in[:held+n]
	for len(came) > 0 {
		size, err := a.message(came)
		if err != nil {
			return err
		}
		if size == 0 {
			break
		}
		heard()
		came = came[size:]
	}
	a.left[i] = append(a.left[i][:0], came...)
	return nil
}

var errStrange = errors.New("what came is no message of the channel")

// message gives the size of the message with which came begins, 0 when it is not whole.
func (a *Audience) message(came []byte) (size int, err error) {
	if short := min(len(came), len(a.head)); !bytes.Equal(came[:short], a.head[:short]) {
		return 0, fmt.Errorf("%w: %.200q", errStrange, came)
	}
	number, _, whole := bytes.Cut(came[min(len(came), len(a.head)):], []byte("\r\n"))
	if !whole {
		return 0, nil
	}
	payload, err := strconv.Atoi(string(bytes.TrimPrefix(number, []byte("$"))))
	if err != nil || payload < 0 || payload > len(a.in)/2 {
		return 0, fmt.Errorf("%w: %.200q", errStrange, came)
	}
	if size = len(a.head) + len(number) + 2 + payload + 2; size > len(came) {
		return 0, nil
	}
	return size, nil
}
