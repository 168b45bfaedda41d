package respd_test

import (
	"bufio"
	"context"
	"net"
	"sync"
)

// pipes is a listener of connections without any buffer, so that a test sees what is read and written when.
type pipes struct {
	conns chan net.Conn
	over  chan struct{}
	once  *sync.Once
}

type pipe struct{ net.Conn }

func (pipe) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return pipe{c}, nil
	case <-p.over:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error {
	p.once.Do(func() { close(p.over) })
	return nil
}

func (pipes) Addr() net.Addr { return pipe{}.RemoteAddr() }

// pipe opens a connection without any buffer.
func (s *stage) pipe() *line {
	l := pipes{make(chan net.Conn, 1), make(chan struct{}), new(sync.Once)}
	served := make(chan error, 1)
	go func() { served <- s.door.Serve(l) }()
	here, there := net.Pipe()
	l.conns <- there
	s.t.Cleanup(func() {
		here.Close()
		s.door.Close(context.Background())
		if err := <-served; err != nil {
			s.t.Error(err)
		}
	})
	return &line{s.t, here, bufio.NewReaderSize(here, 16)}
}
