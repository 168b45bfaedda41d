package certs

import (
	"context"
	"crypto/tls"
	"net"
)

// Client does a client's part of the handshake with the host of addr, until ctx ends. It closes conn when
// it fails.
func Client(ctx context.Context, conn net.Conn, addr string, rules *tls.Config) (net.Conn, error) {
	if rules.ServerName == "" {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			host = addr
		}
		rules = rules.Clone()
		rules.ServerName = host
	}
	secure := tls.Client(conn, rules)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // it is of no use any more
		return nil, err
	}
	return Conn{secure}, nil
}

// ClientRules gives the rules of a client. Ca names a file with the authorities that it trusts, "" for
// those of the system; cert and key what it shows of itself, both "" for nothing; host whom it expects,
// "" for the host that it dials.
func ClientRules(ca, cert, key, host string) (*tls.Config, error) {
	rules := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	var err error
	if ca != "" {
		if rules.RootCAs, err = Pool(ca); err != nil {
			return nil, err
		}
	}
	if cert != "" || key != "" {
		own, err := Pair(cert, key)
		if err != nil {
			return nil, err
		}
		rules.Certificates = []tls.Certificate{own}
	}
	return rules, nil
}
