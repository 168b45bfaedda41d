package certs

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"strings"
)

const (
	scheme = "caucus"
	marked = "node:"
)

// mark gives what a certificate of the node of that name bears among its names.
func mark(name string) *url.URL { return &url.URL{Scheme: scheme, Opaque: marked + name} }

// NodeOf gives the name of the node that a certificate was made for. False: it is not that of a node.
func NodeOf(c *x509.Certificate) (name string, ok bool) {
	for _, uri := range c.URIs {
		if name, ok := strings.CutPrefix(uri.Opaque, marked); ok && uri.Scheme == scheme {
			return name, true
		}
	}
	return "", false
}

// needNode refuses a certificate that is not that of a node.
func needNode(c *x509.Certificate) error {
	if _, ok := NodeOf(c); !ok {
		return fmt.Errorf("the certificate of %s is not that of a node: it has no URI %s:%sNAME among its names",
			c.Subject, scheme, marked)
	}
	return nil
}

// Bearer is who has shown a certificate that was verified. The zero value is nobody.
type Bearer struct {
	Verified bool
	Name     string // the common name of the subject
	Node     bool   // it is the certificate of a node
}

// User gives the name of a client, "" for nobody and for nodes.
func (b Bearer) User() string {
	if b.Node {
		return ""
	}
	return b.Name
}

// Of gives who is at the other end of a connection. One that speaks no TLS, or showed no certificate, has
// nobody there.
func Of(conn net.Conn) Bearer {
	secure, ok := conn.(interface{ ConnectionState() tls.ConnectionState })
	if !ok {
		return Bearer{}
	}
	state := secure.ConnectionState()
	if len(state.VerifiedChains) == 0 {
		return Bearer{}
	}
	leaf := state.VerifiedChains[0][0]
	_, node := NodeOf(leaf)
	return Bearer{Verified: true, Name: leaf.Subject.CommonName, Node: node}
}
