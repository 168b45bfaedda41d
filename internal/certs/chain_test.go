package certs_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/certs"
)

// A certificate is believed no longer than what vouches for it: one between it and the authority, or the
// authority, of which the last to end counts.
func TestAnAuthorityThatEndsIsNoticed(t *testing.T) {
	now := time.Now()
	day := func(n int) time.Time { return now.AddDate(0, 0, n).Truncate(time.Second) }
	root, between, leaf := testKey(t), testKey(t), testKey(t)
	short := vouch(t, link{"root", root, day(5)}, link{"root", root, day(5)})
	long := vouch(t, link{"root", root, day(500)}, link{"root", root, day(500)})
	other := vouch(t, link{"other", between, day(2)}, link{"other", between, day(2)})
	middle := func(n int) []byte {
		return vouch(t, link{"between", between, day(n)}, link{"root", root, day(500)})
	}
	direct := vouch(t, link{"", leaf, day(90)}, link{"root", root, day(500)})
	under := vouch(t, link{"", leaf, day(90)}, link{"between", between, day(500)})
	for name, c := range map[string]struct {
		cert, ca []byte
		want     time.Time
		says     string
	}{
		"itself":                 {direct, long, day(90), ""},
		"the authority":          {direct, short, day(5), `an authority*ca.crt subject="CN=root"`},
		"the last to end counts": {direct, slices.Concat(short, long), day(90), ""},
		"others do not count":    {direct, slices.Concat(other, long), day(90), ""},
		"between": {slices.Concat(under, middle(4)), long, day(4),
			`an authority*node.crt subject="CN=between"`},
		"the authority of one between": {slices.Concat(under, middle(40)), short, day(5),
			`an authority*ca.crt subject="CN=root"`},
	} {
		s, said := newShop(t), new(transcript)
		s.write("node.crt", c.cert)
		s.write("node.key", keyPEM(t, leaf))
		s.write("ca.crt", c.ca)
		files := certs.Files{Cert: s.path("node.crt"), Key: s.path("node.key"), CA: s.path("ca.crt")}
		k := s.keep(certs.Config{Files: files, Log: slog.New(slog.NewTextHandler(said, nil))})
		if !k.NotAfter().Equal(c.want) {
			t.Errorf("%s: believed until %v, want %v", name, k.NotAfter(), c.want)
		}
		if before, behind, _ := strings.Cut(c.says, "*"); !strings.Contains(said.String(), before) ||
			!strings.Contains(said.String(), behind) || (c.says == "") != (said.String() == "") {
			t.Errorf("%s: the log has %q, want %q", name, said, c.says)
		}
	}
}

// link is one of a chain of certificates; that of a node has no name.
type link struct {
	name  string
	key   *ecdsa.PrivateKey
	until time.Time
}

// vouch makes a certificate, as PEM, in the name of another.
func vouch(t *testing.T, of, by link) []byte {
	t.Helper()
	shape := func(l link) *x509.Certificate {
		c := &x509.Certificate{SerialNumber: big.NewInt(l.until.Unix()), Subject: pkix.Name{CommonName: l.name},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: l.until, BasicConstraintsValid: true, IsCA: l.name != ""}
		if !c.IsCA {
			c.URIs = []*url.URL{{Scheme: "caucus", Opaque: "node:a"}}
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
		}
		return c
	}
	raw, err := x509.CreateCertificate(rand.Reader, shape(of), shape(by), of.key.Public(), by.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})
}

func testKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func keyPEM(t *testing.T, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}
