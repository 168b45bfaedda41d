package here

import "net"

// Is says whether an address is on this machine for certain: loopback, or a Unix socket.
func Is(a net.Addr) bool {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	case *net.UnixAddr:
		return true
	}
	return false
}
