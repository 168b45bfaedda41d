package sockets

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// Watch tells when there may be something to read from any of many sockets.
//
// Its own epoll instance is one file of Go's poller, so that its goroutine sleeps as every other does, and
// is woken once for all sockets of which something has come meanwhile.
type Watch struct {
	epoll  *os.File
	raw    syscall.RawConn
	closed atomic.Bool
	events [256]unix.EpollEvent // of Run's goroutine
	due    []func()             // too

	mu   sync.Mutex
	told map[uint64]func() // by the number under which a socket is watched
	last uint64
}

// Open makes a Watch. Close ends it.
func Open() (*Watch, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("sockets: epoll: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // so that Go's poller takes it
		return nil, errors.Join(err, unix.Close(fd))
	}
	w := &Watch{epoll: os.NewFile(uintptr(fd), "epoll"), told: map[uint64]func(){}}
	if w.raw, err = w.epoll.SyscallConn(); err != nil {
		return nil, errors.Join(err, w.epoll.Close())
	}
	return w, nil
}

// Add has ready called whenever something has come, or the other side has closed: once for all that came
// since the call before, so ready sees to it that everything is read. If there is something already it is
// called soon. It runs on the goroutine of Run and must not wait. A socket that is closed is never told of
// again; who closed it calls forget.
func (w *Watch) Add(s *Socket, ready func()) (forget func(), err error) {
	id := w.number(ready)
	forget = func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.told, id)
	}
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET,
		Fd: int32(uint32(id)), Pad: int32(uint32(id >> 32))}
	var over, refused error
	err = s.raw.Control(func(fd uintptr) {
		over = w.raw.Control(func(epoll uintptr) {
			refused = unix.EpollCtl(int(epoll), unix.EPOLL_CTL_ADD, int(fd), &event)
		})
	})
	if err = errors.Join(err, over, refused); err != nil {
		forget()
		return nil, fmt.Errorf("sockets: %w", err)
	}
	return forget, nil
}

func (w *Watch) number(ready func()) (id uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last++
	w.told[w.last] = ready
	return w.last
}

// Run tells of sockets until the Watch is closed. After all that came at once it calls round.
func (w *Watch) Run(round func()) error {
	var failed error
	err := w.raw.Read(func(epoll uintptr) (over bool) {
		for {
			n, err := unix.EpollWait(int(epoll), w.events[:], 0)
			switch {
			case errors.Is(err, unix.EINTR):
				continue
			case err != nil:
				failed = fmt.Errorf("sockets: epoll: %w", err)
				return true
			case n == 0:
				return false
			}
			for _, ready := range w.find(w.events[:n]) {
				ready()
			}
			round()
		}
	})
	if w.closed.Load() {
		return nil
	}
	return errors.Join(err, failed)
}

// find gives who is to be told of some events.
func (w *Watch) find(events []unix.EpollEvent) []func() {
	w.due = w.due[:0]
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range events {
		e := &events[i]
		if ready := w.told[uint64(uint32(e.Pad))<<32|uint64(uint32(e.Fd))]; ready != nil {
			w.due = append(w.due, ready)
		}
	}
	return w.due
}

// Close ends Run. The sockets stay as they are.
func (w *Watch) Close() error {
	w.closed.Store(true)
	return w.epoll.Close()
}
