package sockets

import (
	"errors"
	"io"
	"syscall"
)

// ErrAgain is what Read and Write give when nothing can be read or written without waiting.
var ErrAgain = errors.New("sockets: it would have to wait")

// Socket is a connection that is read and written without waiting. Read belongs to one goroutine at a time,
// and so does Write; beside them the connection may be closed or given deadlines, which they report.
type Socket struct {
	raw         syscall.RawConn
	in, out     attempt
	read, write func(fd uintptr) bool // made once, since a closure for every call would be made on the heap
}

// attempt is one system call and what came of it.
type attempt struct {
	p   []byte
	n   int
	err error
}

// New takes a connection of package net. One that is no socket is an error.
func New(conn syscall.Conn) (*Socket, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &Socket{raw: raw}
	s.read = func(fd uintptr) bool {
		s.in.n, s.in.err = retry(syscall.Read, int(fd), s.in.p)
		return true
	}
	s.write = func(fd uintptr) bool {
		s.out.n, s.out.err = retry(syscall.Write, int(fd), s.out.p)
		return true
	}
	return s, nil
}

func retry(call func(fd int, p []byte) (int, error), fd int, p []byte) (int, error) {
	for {
		n, err := call(fd, p)
		if !errors.Is(err, syscall.EINTR) {
			return n, err
		}
	}
}

// Read reads what is there. It fails with ErrAgain when nothing is, with io.EOF at the end, and as the Read
// of a net.Conn does otherwise. When it fills p, more may be there that no Watch tells of again.
func (s *Socket) Read(p []byte) (int, error) {
	n, err := s.try(s.raw.Read, s.read, &s.in, p)
	if n == 0 && err == nil && len(p) > 0 {
		return 0, io.EOF
	}
	return n, err
}

// Write writes as much as there is room for. It fails with ErrAgain when that is not all of p.
func (s *Socket) Write(p []byte) (int, error) {
	n, err := s.try(s.raw.Write, s.write, &s.out, p)
	if n < len(p) && err == nil {
		err = ErrAgain
	}
	return n, err
}

func (s *Socket) try(guarded func(func(uintptr) bool) error, call func(uintptr) bool, a *attempt,
	p []byte) (int, error) {
	a.p, a.n, a.err = p, 0, nil
	err := guarded(call)
	a.p = nil
	switch {
	case err != nil:
		return 0, err // closed, or a deadline has passed
	case errors.Is(a.err, syscall.EAGAIN):
		return 0, ErrAgain
	}
	return max(a.n, 0), a.err
}
