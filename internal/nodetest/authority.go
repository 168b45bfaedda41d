package nodetest

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/certs"
	"github.com/caucus-project/caucus/node"
)

// Authority makes certificates for a test. Its methods end the test when they fail.
type Authority struct {
	CA string // the file of its own certificate

	t   testing.TB
	dir string
	its *certs.Authority
}

// NewAuthority makes one that counts for a day.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{t: t, dir: t.TempDir()}
	its, cert, _, err := certs.NewAuthority("test", time.Now(), time.Now().AddDate(0, 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	a.its, a.CA = its, filepath.Join(a.dir, "ca.crt")
	a.write(a.CA, cert)
	return a
}

func (a *Authority) write(path string, text []byte) {
	a.t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		a.t.Fatal(err)
	}
}

// Node makes the certificate of a node on loopback.
func (a *Authority) Node(name string) node.TLS {
	a.t.Helper()
	return a.Make("node-"+name, certs.Wish{Name: name, Node: true, Hosts: []string{"127.0.0.1", "localhost"}})
}

// Client makes the certificate of a client.
func (a *Authority) Client(name string) node.TLS {
	a.t.Helper()
	return a.Make("client-"+name, certs.Wish{Name: name})
}

// Make makes a certificate under the name of a file. It counts for an hour, unless the wish says otherwise.
func (a *Authority) Make(file string, w certs.Wish) node.TLS {
	a.t.Helper()
	if w.From.IsZero() {
		w.From = time.Now()
	}
	if w.Until.IsZero() {
		w.Until = w.From.Add(time.Hour)
	}
	cert, key, err := a.its.Make(w)
	if err != nil {
		a.t.Fatal(err)
	}
	path := filepath.Join(a.dir, file)
	a.write(path+".key", key)
	a.write(path+".crt", cert)
	return node.TLS{Cert: path + ".crt", Key: path + ".key", CA: a.CA}
}

// Ended is Node with a certificate that counts no more.
func (a *Authority) Ended(name string) node.TLS {
	a.t.Helper()
	return a.Make("ended-"+name, certs.Wish{Name: name, Node: true, Until: time.Now().Add(-time.Minute)})
}

// Trust adds another authority to those that stand in the file CA.
func (a *Authority) Trust(other *Authority) {
	a.t.Helper()
	var all []byte
	for _, file := range []string{a.CA, other.CA} {
		text, err := os.ReadFile(file)
		if err != nil {
			a.t.Fatal(err)
		}
		all = append(all, text...)
	}
	a.write(a.CA, all)
}

// Replace puts a certificate of another authority in the place of a node's.
func (a *Authority) Replace(name string, other *Authority) {
	a.t.Helper()
	its := a.its
	a.its = other.its
	a.Node(name)
	a.its = its
}

// Rules gives what a client says TLS by that shows a certificate of that name, or none when the name is
// empty.
func (a *Authority) Rules(client string) *tls.Config {
	a.t.Helper()
	shown := node.TLS{}
	if client != "" {
		shown = a.Client(client)
	}
	rules, err := certs.ClientRules(a.CA, shown.Cert, shown.Key, "127.0.0.1")
	if err != nil {
		a.t.Fatal(err)
	}
	return rules
}

// Secured has all nodes of a cluster speak TLS with one certificate, and the test's questions by rules.
func Secured(cert, key, ca string, rules *tls.Config) Option {
	return func(c *Cluster) {
		c.flags = append(c.flags, "--tls-cert", cert, "--tls-key", key, "--tls-ca", ca)
		c.rules = rules
	}
}
