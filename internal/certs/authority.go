package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"time"
)

// Authority makes certificates. Whoever has its key decides who belongs to the ensemble.
type Authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// Wish says for whom a certificate is made.
type Wish struct {
	Name  string   // the common name of the subject
	Node  bool     // it is a node's, and gets the mark
	Hosts []string // names and addresses of hosts at which clients find the node
	From  time.Time
	Until time.Time // not after the authority's own end
}

// backdate lets a certificate count on machines whose clocks are behind.
const backdate = time.Hour

// NewAuthority makes an authority, and gives its certificate and key as PEM.
func NewAuthority(name string, from, until time.Time) (_ *Authority, cert, key []byte, err error) {
	shape := &x509.Certificate{Subject: pkix.Name{CommonName: name},
		NotBefore: from.Add(-backdate), NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, nil, err
	}
	raw, cert, key, err := (&Authority{shape, private}).sign(shape, private)
	if err != nil {
		return nil, nil, nil, err
	}
	signed, err := x509.ParseCertificate(raw)
	return &Authority{signed, private}, cert, key, err
}

// Certificate gives the authority's own.
func (a *Authority) Certificate() *x509.Certificate { return a.cert }

// ReadAuthority reads what NewAuthority has made.
func ReadAuthority(certFile, keyFile string) (*Authority, error) {
	pair, err := Pair(certFile, keyFile)
	if err != nil {
		return nil, err
	}
	key, ok := pair.PrivateKey.(crypto.Signer)
	if !ok || !pair.Leaf.IsCA {
		return nil, fmt.Errorf("%s is not the certificate of an authority", certFile)
	}
	return &Authority{pair.Leaf, key}, nil
}

// Make makes a certificate and its key, as PEM. A node's serves for both ends of a connection.
func (a *Authority) Make(w Wish) (cert, key []byte, err error) {
	shape := &x509.Certificate{Subject: pkix.Name{CommonName: w.Name}, NotBefore: w.From.Add(-backdate),
		NotAfter: w.Until, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if shape.NotAfter.After(a.cert.NotAfter) {
		shape.NotAfter = a.cert.NotAfter
	}
	if w.Node {
		shape.URIs = []*url.URL{mark(w.Name)}
		shape.ExtKeyUsage = append(shape.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	for _, host := range w.Hosts {
		if ip := net.ParseIP(host); ip != nil {
			shape.IPAddresses = append(shape.IPAddresses, ip)
		} else {
			shape.DNSNames = append(shape.DNSNames, host)
		}
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	_, cert, key, err = a.sign(shape, private)
	return cert, key, err
}

// sign gives the certificate, and both it and its key as PEM.
func (a *Authority) sign(shape *x509.Certificate, private *ecdsa.PrivateKey) (
	raw, cert, key []byte, err error) {
	if shape.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return nil, nil, nil, err
	}
	if raw, err = x509.CreateCertificate(rand.Reader, shape, a.cert, private.Public(), a.key); err != nil {
		return nil, nil, nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, nil, err
	}
	return raw, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), nil
}
