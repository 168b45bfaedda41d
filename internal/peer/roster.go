package peer

import (
	"net"
	"sync"
)

// roster knows all open connections, so that Close can end them. Its lock is the innermost one.
type roster struct {
	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]struct{}
}

// add is false once closeAll was called.
func (r *roster) add(conn net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.conns[conn] = struct{}{}
	}
	return !r.closed
}

func (r *roster) remove(conn net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, conn)
}

func (r *roster) closeAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for conn := range r.conns {
		// Nobody is left who could use the error.
		_ = conn.Close()
	}
}
