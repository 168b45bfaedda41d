package httpd

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/certs"
	"github.com/caucus-project/caucus/internal/here"
	"github.com/caucus-project/caucus/internal/waist"
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

// about describes on whose behalf something is asked, in the manner of CLIENT LIST.
func about(ctx context.Context, user string) func() string {
	v, _ := ctx.Value(visitorKey{}).(visitor)
	return func() string {
		return fmt.Sprintf("addr=%v cmd=http user=%.64s", v.from, cmp.Or(user, "default"))
	}
}

// plain gives an address without zone, and one of IPv4 as such.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// loginKey is under what a request's context has who asks.
type loginKey struct{}

func loginOf(r *http.Request) waist.Login {
	who, _ := r.Context().Value(loginKey{}).(waist.Login)
	return who
}

// admit says who asks, or why a request is not served at all. Whether the node lives and is ready may be
// asked without log-in or certificate and under any name, as those who watch over it do. The dashboard's own
// files need no log-in either: what it shows does.
func (d *Door) admit(r *http.Request, what resource) (who waist.Login, err *caucus.Error) {
	v, _ := r.Context().Value(visitorKey{}).(visitor)
	closed := d.cfg.Guard.Closed()
	switch {
	case what == health || what == readiness:
		if here.Denies(v.from, closed || d.cfg.Certificates, v.cert.Verified) {
			return who, denied()
		}
		return who, nil
	case d.cfg.Certificates && !v.cert.Verified:
		return who, caucus.Errorf(caucus.ErrDenied, "show a certificate of this node's authority: it was started "+
			"with --tls-clients require")
	case here.Denies(v.from, closed, v.cert.Verified):
		return who, denied()
	}
	if err := d.wrongHost(r, v); err != nil || what == page {
		return who, err
	}
	if who, err = d.logIn(r, v); err == nil && what == metrics {
		by := waist.Asker{User: who.User, About: about(r.Context(), who.User)}
		err = d.cfg.Guard.Allow(by, caucus.Command{"INFO"})
	}
	return who, err
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

// logIn gives who asks: by HTTP's Basic, or by Bearer with "user:password" or the default user's password
// alone.
func (d *Door) logIn(r *http.Request, v visitor) (waist.Login, *caucus.Error) {
	user, password, given := d.credentials(r)
	if !given {
		who, in := d.cfg.Guard.Greet(v.cert.User(), v.cert.Node)
		if !in {
			return who, caucus.Errorf(caucus.ErrNoAuth, "this node asks who you are: send user and password as "+
				"Authorization: Basic, or the password of the default user as Bearer")
		}
		return who, nil
	}
	who, err := d.cfg.Guard.LogIn(r.Context(), waist.Attempt{User: user, Password: password, By: "HTTP",
		About: about(r.Context(), user)})
	if err != nil && err.Word == caucus.ErrWrongPass.Word {
		d.grumble.Warn("a log-in over HTTP failed", "from", v.from, "user", fmt.Sprintf("%.64q", user))
	}
	return who, err
}

// credentials gives what the request says of who asks. Who names nobody is the default user.
func (d *Door) credentials(r *http.Request) (user, password string, ok bool) {
	if user, password, ok = r.BasicAuth(); ok {
		return cmp.Or(user, "default"), password, true
	}
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if token = strings.TrimSpace(token); !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", "", false
	}
	if name, rest, named := strings.Cut(token, ":"); named && d.cfg.Guard.Knows(name) {
		return name, rest, true
	}
	return "default", token, true
}
