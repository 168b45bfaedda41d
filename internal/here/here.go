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

// Denies says whether a door serves somebody at all. Whoever comes from another machine must be able to
// prove who he is: there is a password that he will be asked for, or he has shown a certificate that was
// verified.
func Denies(from net.Addr, password, certified bool) bool {
	return !password && !certified && !Is(from)
}

// Advice says, behind what a door serves only, how it is opened.
const Advice = "until it can tell who comes: start it with --password-file FILE, or with --tls-cert, " +
	"--tls-key and --tls-ca, and clients show a certificate of that authority (TLS alone does not say who comes)"
