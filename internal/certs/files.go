package certs

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// Files are where a node's certificates are, as PEM.
type Files struct {
	Cert string // the node's own, behind it those between it and the authority, if any
	Key  string // of Cert
	CA   string // the authorities whom the ensemble trusts; several while one follows another
}

// set is what was read from the files at one time.
type set struct {
	own     tls.Certificate
	trusted *x509.CertPool
	ends    *x509.Certificate // the first to end of those by which own is believed: it, or one above it
	stamps  [3]stamp
}

func (s *set) leaf() *x509.Certificate { return s.own.Leaf }

// read reads the files and sees to it that what is in them fits together, and is of use at that time.
func (f Files) read(now time.Time) (*set, error) {
	s := &set{stamps: f.stamps()} // before the files are read: what changes meanwhile is read again
	var err error
	if s.trusted, err = Pool(f.CA); err != nil {
		return nil, err
	}
	if s.own, err = Pair(f.Cert, f.Key); err != nil {
		return nil, err
	}
	return s, s.check(f, now)
}

// check refuses a certificate that the other nodes would refuse.
func (s *set) check(f Files, now time.Time) error {
	leaf := s.leaf()
	if err := needNode(leaf); err != nil {
		return fmt.Errorf("%s: %w; caucus cert node makes one that has", f.Cert, err)
	}
	if now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		return fmt.Errorf("%s: the certificate counts from %s to %s, and it is %s", f.Cert,
			leaf.NotBefore.UTC().Format(time.RFC3339), leaf.NotAfter.UTC().Format(time.RFC3339),
			now.UTC().Format(time.RFC3339))
	}
	for use, name := range map[x509.ExtKeyUsage]string{
		x509.ExtKeyUsageServerAuth: "server", x509.ExtKeyUsageClientAuth: "client",
	} {
		ends, err := verify(s.own.Certificate, s.trusted, use, now)
		if err != nil {
			return fmt.Errorf("%s: the authorities in %s do not vouch for it as that of a %s, and nodes are both "+
				"to each other: %w", f.Cert, f.CA, name, err)
		}
		if s.ends == nil || ends.NotAfter.Before(s.ends.NotAfter) {
			s.ends = ends
		}
	}
	return nil
}

// verify looks whether a chain of certificates leads to an authority that is trusted, and gives which of
// them all, with the authority, is the first to end.
func verify(chain [][]byte, trusted *x509.CertPool, use x509.ExtKeyUsage, now time.Time) (
	*x509.Certificate, error) {
	certs := make([]*x509.Certificate, len(chain))
	for i, raw := range chain {
		c, err := x509.ParseCertificate(raw)
		if err != nil {
			return nil, err
		}
		certs[i] = c
	}
	ways, err := verifyParsed(certs, trusted, use, now)
	if err != nil {
		return nil, err
	}
	return firstToEnd(ways), nil
}

// firstToEnd gives it for the way, of several from a certificate to an authority, that lasts longest.
func firstToEnd(ways [][]*x509.Certificate) *x509.Certificate {
	earlier := func(a, b *x509.Certificate) int { return a.NotAfter.Compare(b.NotAfter) }
	firsts := make([]*x509.Certificate, len(ways))
	for i, way := range ways {
		firsts[i] = slices.MinFunc(way, earlier)
	}
	return slices.MaxFunc(firsts, earlier)
}

// verifyParsed gives every way from the first of the chain to an authority.
func verifyParsed(chain []*x509.Certificate, trusted *x509.CertPool, use x509.ExtKeyUsage,
	now time.Time) ([][]*x509.Certificate, error) {
	if len(chain) == 0 {
		return nil, errors.New("there is no certificate")
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	return chain[0].Verify(x509.VerifyOptions{Roots: trusted, Intermediates: between, CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{use}})
}

// Pair reads a certificate and its key.
func Pair(cert, key string) (tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return pair, fmt.Errorf("the certificate %s and its key %s: %w", cert, key, err)
	}
	return pair, nil
}

// Pool reads the certificates of authorities.
func Pool(file string) (*x509.CertPool, error) {
	list, err := Read(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	for _, c := range list {
		if !c.IsCA {
			return nil, fmt.Errorf("%s: the certificate of %s is not that of an authority", file, c.Subject)
		}
		pool.AddCert(c)
	}
	return pool, nil
}

// Read reads all certificates of a file, of which there must be one at least.
func Read(file string) (list []*x509.Certificate, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		list = append(list, c)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: there is no certificate in it (PEM, BEGIN CERTIFICATE)", file)
	}
	return list, nil
}

// stamp tells one state of a file from another.
type stamp struct {
	at   time.Time
	size int64
}

// stamps gives those of all files. A file that is missing has the zero stamp.
func (f Files) stamps() (all [3]stamp) {
	for i, name := range []string{f.Cert, f.Key, f.CA} {
		if info, err := os.Stat(name); err == nil {
			all[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return all
}
