package node

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/certs"
	"github.com/caucus-project/caucus/internal/grumble"
	"github.com/caucus-project/caucus/internal/metrics"
)

// TLS says where a node's certificates are. Once they are stated all doors speak TLS and nothing else,
// and no peer is let in, or believed, without a node's certificate of the same authority: one with a URI
// caucus:node:NAME among its names, as caucus cert node makes them. Files that change are read anew
// within seconds, or by Node.ReloadCertificates; connections stay.
type TLS struct {
	// Cert, Key and CA are files of PEM: the node's certificate, its key, and the authorities that the
	// ensemble trusts. All three or none.
	Cert, Key, CA string
	// Clients says what clients must show: "require" (also when empty) a certificate of the authority,
	// "optional" such a certificate or none, "off" none. Who has shown one may come from another machine
	// without a password.
	Clients string
	// Min is the oldest version that clients may speak, tls.VersionTLS13 (also when 0) or tls.VersionTLS12.
	// Nodes speak 1.3 with each other.
	Min uint16
}

func (t TLS) on() bool { return t != TLS{} }

// requiresClients says whether they must.
func (t TLS) requiresClients() bool {
	return t.on() && (t.Clients == "" || t.Clients == string(certs.Require))
}

func (t TLS) validate() error {
	switch clients := certs.Clients(t.Clients); {
	case !t.on():
		return nil
	case t.Cert == "" || t.Key == "" || t.CA == "":
		return errors.New("node: TLS needs the node's certificate, its key and the certificates of the " +
			"authority: state Cert, Key and CA (--tls-cert, --tls-key, --tls-ca)")
	case clients != "" && clients != certs.Require && clients != certs.Optional && clients != certs.Off:
		return fmt.Errorf("node: TLS.Clients (--tls-clients) is require, optional or off, not %q", t.Clients)
	case t.Min != 0 && t.Min != tls.VersionTLS12 && t.Min != tls.VersionTLS13:
		return fmt.Errorf("node: TLS.Min (--tls-min) is %s; it can be TLS 1.2 or TLS 1.3", tls.VersionName(t.Min))
	}
	return nil
}

// lookEvery is how often the files of certificates are looked at.
const lookEvery = 3 * time.Second

// openTLS reads the certificates, if there are any.
func (n *Node) openTLS() (err error) {
	t := n.cfg.TLS
	if !t.on() {
		return nil
	}
	n.certs, err = certs.Open(certs.Config{
		Files:   certs.Files{Cert: t.Cert, Key: t.Key, CA: t.CA},
		Clients: certs.Clients(cmp.Or(t.Clients, string(certs.Require))),
		Min:     cmp.Or(t.Min, tls.VersionTLS13), Now: n.cfg.now, Log: n.log,
	})
	if err != nil {
		return fmt.Errorf("TLS: %w", err)
	}
	n.running.Go(func() { n.certs.Watch(n.ctx, lookEvery) })
	return nil
}

// ReloadCertificates reads the files of TLS anew. When they are of no use it says why, and goes on with
// those that it has. Connections that stand are not touched.
func (n *Node) ReloadCertificates() error {
	if n.certs == nil {
		return errors.New("this node was started without TLS")
	}
	return n.certs.Reload()
}

// secureDoors has all doors speak TLS, if this node does.
func (n *Node) secureDoors() {
	if n.certs == nil {
		return
	}
	n.secure = map[string]*certs.Listener{}
	wrap := func(l *net.Listener, name string, d certs.Door) {
		if *l != nil {
			d.Name, d.Voice = name, grumble.New(n.log)
			n.secure[name] = certs.Listen(*l, d)
			*l = n.secure[name]
		}
	}
	wrap(&n.ls.client, "resp", certs.Door{Rules: n.certs.ForClients,
		Plain: "-ERR this door speaks TLS and nothing else " +
			"(caucus --tls-ca FILE, redis-cli --tls)\r\n"})
	wrap(&n.ls.http, "http", certs.Door{Rules: n.certs.ForHTTP,
		Plain: "HTTP/1.0 400 Bad Request\r\n\r\nthis door speaks HTTPS and nothing else\n"})
	wrap(&n.ls.peer, "peer", certs.Door{Rules: n.certs.ForPeers, Patience: 3 * time.Second})
}

// securePeer gives what peers are dialled with.
func (n *Node) securePeer() func(context.Context, net.Conn) (net.Conn, error) {
	if n.certs == nil {
		return nil
	}
	return func(ctx context.Context, conn net.Conn) (net.Conn, error) {
		return certs.Client(ctx, conn, conn.RemoteAddr().String(), n.certs.ToNodes())
	}
}

// dialDoors reaches a client door of another node, as that node's peer.
func (n *Node) dialDoors(ctx context.Context, addrs []string) (*client.Client, error) {
	cfg := client.Config{Addrs: addrs, Password: n.cfg.Password}
	if cfg.Password != "" {
		cfg.User = peerUser
	}
	if n.certs != nil {
		cfg.TLS = n.certs.ToNodes()
	}
	return client.Dial(ctx, cfg)
}

// tlsReadings gives what is known of the certificates, nil without TLS.
func (n *Node) tlsReadings() *metrics.TLS {
	if n.certs == nil {
		return nil
	}
	r := &metrics.TLS{NotAfter: n.certs.NotAfter(), Refused: n.certs.Refused(), Failed: map[string]uint64{}}
	for door, l := range n.secure {
		r.Failed[door] = l.Failed()
	}
	return r
}
