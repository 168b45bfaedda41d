package sockets

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Watch tells when there may be something to read from any of many sockets.
//
// Its own epoll instance is one file of Go's poller, so that its goroutine sleeps as every other does, and
// is woken once for all sockets of which something has come meanwhile.
type Watch struct {
	epoll  *os.File
	raw    syscall.RawConn
	bell   int // an eventfd, which wakes Run for what is due later
	closed atomic.Bool
	events [256]unix.EpollEvent // of Run's goroutine
	due    []func()             // too

	mu     sync.Mutex
	told   map[uint64]func() // by the number under which a socket is watched
	last   uint64
	later  []func() // behind all of which something has come
	rests  bool     // before that is next looked at
	asleep bool     // Run sees what is later only when the bell rings
	over   bool     // Run has ended
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
	bell, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sockets: eventfd: %w", err), unix.Close(fd))
	}
	w := &Watch{epoll: os.NewFile(uintptr(fd), "epoll"), bell: bell, told: map[uint64]func(){}, asleep: true}
	// Edge-triggered, it need not be read. It has the number 0, which no socket has.
	err = unix.EpollCtl(fd, unix.EPOLL_CTL_ADD, bell, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET})
	if err == nil {
		w.raw, err = w.epoll.SyscallConn()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sockets: epoll: %w", err), w.Close())
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

// laterShare is how much of the time of Run goes to what is due later, at most, as one of so many parts.
const laterShare = 16

// Later has f called on the goroutine of Run, after all of which something has come have been told. What is
// due later is done one by one, and has a sixteenth of that goroutine's time at most: so whoever has more to
// do than is fair does it in turns, and leaves nearly all of a processor to others.
func (w *Watch) Later(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		go f()
		return
	}
	w.later = append(w.later, f)
	w.ring()
}

// ring wakes Run, if that is asleep and has something to do. The lock is held.
func (w *Watch) ring() {
	if w.asleep && !w.rests && len(w.later) > 0 && w.bell >= 0 {
		w.asleep = false
		// It fails only when it has rung more often than can be counted.
		_, _ = unix.Write(w.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
}

// Run tells of sockets until the Watch is closed. After all that came at once, and after all that was due
// later, it calls round.
func (w *Watch) Run(round func()) error {
	defer w.end()
	var failed error
	err := w.raw.Read(func(epoll uintptr) (over bool) {
		for {
			n, err := unix.EpollWait(int(epoll), w.events[:], 0)
			if err != nil && !errors.Is(err, unix.EINTR) {
				failed = fmt.Errorf("sockets: epoll: %w", err)
				return true
			}
			now, later := w.find(w.events[:max(0, n)])
			if n == 0 && later == nil {
				return false
			}
			for _, ready := range now {
				ready()
			}
			round()
			if later != nil {
				w.late(later)
				round()
			}
		}
	})
	if w.closed.Load() {
		return nil
	}
	return errors.Join(err, failed)
}

// late calls what was due later, and lets what is due next rest.
func (w *Watch) late(f func()) {
	begun := time.Now()
	f()
	time.AfterFunc((laterShare-1)*time.Since(begun), func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.rests = false
		w.ring()
	})
}

// end is the end of Run. What is due later has a goroutine of its own from now on.
func (w *Watch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	for _, f := range w.later {
		go f()
	}
	w.later = nil
}

// find gives who is to be told of some events, and what was due later and is now, or nil. Without either, Run
// goes to sleep.
func (w *Watch) find(events []unix.EpollEvent) (now []func(), later func()) {
	w.due = w.due[:0]
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range events {
		e := &events[i]
		if ready := w.told[uint64(uint32(e.Pad))<<32|uint64(uint32(e.Fd))]; ready != nil {
			w.due = append(w.due, ready)
		}
	}
	if !w.rests && len(w.later) > 0 {
		later = w.later[0]
		w.later, w.rests = slices.Delete(w.later, 0, 1), true
	}
	w.asleep = len(events) == 0 && later == nil
	return w.due, later
}

// Close ends Run, and waits for it. The sockets stay as they are.
func (w *Watch) Close() error {
	w.closed.Store(true)
	w.mu.Lock()
	if w.over = true; w.bell >= 0 {
		_ = unix.Close(w.bell) // an eventfd has nothing that could be lost
		w.bell = -1
	}
	w.mu.Unlock() // before Run is waited for, which takes it
	return w.epoll.Close()
}
