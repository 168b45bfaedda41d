package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/certs"
)

// tlsFlags say how a verb that is a client speaks TLS. Any of them has it do so.
type tlsFlags struct {
	TLS     bool   `name:"tls" env:"CAUCUS_TLS" help:"Speak TLS; without --tls-ca, trust whom the system trusts."`
	TLSCA   string `name:"tls-ca" env:"CAUCUS_TLS_CA" help:"File with the authorities that vouch for the nodes (PEM)." placeholder:"FILE"`
	TLSCert string `name:"tls-cert" env:"CAUCUS_TLS_CERT" help:"File with the certificate to show." placeholder:"FILE"`
	TLSKey  string `name:"tls-key" env:"CAUCUS_TLS_KEY" help:"File with the key of --tls-cert." placeholder:"FILE"`
	TLSName string `name:"tls-name" env:"CAUCUS_TLS_NAME" help:"Name to expect in the nodes' certificates, instead of the host that is dialed." placeholder:"HOST"`
}

// rules are what the flags say, nil when TLS is not to be spoken.
func (f *tlsFlags) rules() (*tls.Config, error) {
	if *f == (tlsFlags{}) {
		return nil, nil
	}
	if (f.TLSCert == "") != (f.TLSKey == "") {
		return nil, errors.New("--tls-cert and --tls-key belong together: state both or none")
	}
	return certs.ClientRules(f.TLSCA, f.TLSCert, f.TLSKey, f.TLSName)
}

// dialPlain opens a connection for who speaks RESP by himself, with TLS if the flags say so.
func (f *tlsFlags) dialPlain(ctx context.Context, network, addr string) (net.Conn, error) {
	rules, err := f.rules()
	if err != nil {
		return nil, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil || rules == nil {
		return conn, err
	}
	return certs.Client(ctx, conn, addr, rules)
}

// secure adds TLS to what a client is told.
func (f *tlsFlags) secure(cfg *client.Config) (err error) {
	cfg.TLS, err = f.rules()
	return err
}
