package httpd

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/certs"
	"github.com/caucus-project/caucus/internal/here"
)

// visitor is what a connection says of who is behind it.
type visitor struct {
	from net.Addr
	cert certs.Bearer
	at   netip.Addr // the address that it arrived at
}

type visitorKey struct{}

func withVisitor(ctx context.Context, conn net.Conn) context.Context {
	v := visitor{from: conn.RemoteAddr()}
	if c, ok := conn.(counted); ok {
		v.cert = certs.Of(c.Conn)
	}
	if at, ok := conn.LocalAddr().(*net.TCPAddr); ok {
		v.at = plain(at.AddrPort().Addr())
	}
	return context.WithValue(ctx, visitorKey{}, v)
}

// plain gives an address without zone, and one of IPv4 as such.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// mayNot says why a request is not served at all, nil when it is. Whether the node lives and is ready
// may be asked without password or certificate and under any name, as those who watch over it do. The
// dashboard's own files need no password either: what it shows does.
func (d *Door) mayNot(r *http.Request, what resource) *caucus.Error {
	v, _ := r.Context().Value(visitorKey{}).(visitor)
	password := d.cfg.Password()
	switch {
	case what == health || what == readiness:
		if here.Denies(v.from, password != "" || d.cfg.Certificates, v.cert.Verified) {
			return denied()
		}
		return nil
	case d.cfg.Certificates && !v.cert.Verified:
		return caucus.Errorf(caucus.ErrDenied, "show a certificate of this node's authority: it was started with "+
			"--tls-clients require")
	case here.Denies(v.from, password != "", v.cert.Verified):
		return denied()
	}
	if err := d.wrongHost(r, v); err != nil || what == page {
		return err
	}
	return unproven(r, password)
}

func denied() *caucus.Error {
	return caucus.Errorf(caucus.ErrDenied, "this node serves only clients on its own machine "+here.Advice)
}

// wrongHost refuses what a web page may have sent to an address that it has no business with: under a
// name of its own that somebody made point here, or across origins.
func (d *Door) wrongHost(r *http.Request, v visitor) *caucus.Error {
	if !d.serves(r, v) {
		return caucus.Errorf(caucus.ErrNoPerm, "Host '%s' is not an address of this node; ask for the one that it "+
			"advertises, or start it with --advertise HOST", r.Host)
	}
	for _, origin := range r.Header["Origin"] {
		_, host, ok := strings.Cut(origin, "://")
		if !ok || !strings.EqualFold(host, r.Host) {
			return caucus.Errorf(caucus.ErrNoPerm, "Origin '%s' is not this node", origin)
		}
	}
	return nil
}

// serves says whether the request is for this node. One without a host comes from no browser: HTTP/1.1
// demands it.
func (d *Door) serves(r *http.Request, v visitor) bool {
	host := hostname(r.Host)
	if host == "localhost" || d.hosts[host] || host == "" && !r.ProtoAtLeast(1, 1) {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && (addr.IsLoopback() || addr == v.at)
}

// hostname gives the host of host, host:port, [host] or [host]:port, as it is compared.
func hostname(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return plain(addr).String()
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// unproven refuses a request that does not bring the password, as HTTP's Basic (of any user) or Bearer.
func unproven(r *http.Request, password string) *caucus.Error {
	if password == "" {
		return nil
	}
	given, ok := credentials(r)
	if !ok {
		return caucus.Errorf(caucus.ErrNoAuth, "this node has a password: send it as Authorization: Bearer, "+
			"or as Basic with any user")
	}
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(password))
	if subtle.ConstantTimeCompare(a[:], b[:]) != 1 {
		return caucus.Errorf(caucus.ErrWrongPass, "that is not the password of this node")
	}
	return nil
}

func credentials(r *http.Request) (password string, ok bool) {
	if _, password, ok = r.BasicAuth(); ok {
		return password, true
	}
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token), ok && strings.EqualFold(scheme, "Bearer")
}
