package certs_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/certs"
)

func TestFilesThatAreOfNoUseAreRefused(t *testing.T) {
	s, others := newShop(t), newShop(t)
	good := s.node()
	client := s.make("alice", certs.Wish{Name: "alice"})
	over := s.make("over", certs.Wish{Name: "a", Node: true, Until: time.Now().Add(-time.Minute)})
	s.write("empty", nil)
	with := func(key, ca string) certs.Files { return certs.Files{Cert: good.Cert, Key: key, CA: ca} }
	for name, c := range map[string]struct {
		files certs.Files
		says  string
	}{
		"not there":         {certs.Files{Cert: s.path("none"), Key: good.Key, CA: good.CA}, "no such file"},
		"another key":       {with(client.Key, good.CA), "private key does not match"},
		"no certificate":    {with(good.Key, s.path("empty")), "no certificate in it"},
		"no authority":      {with(good.Key, client.Cert), "not that of an authority"},
		"a client's":        {client, "not that of a node: it has no URI caucus:node:NAME"},
		"another authority": {with(good.Key, others.path("ca.crt")), "do not vouch"},
		"over":              {over, "the certificate counts from"},
	} {
		_, err := certs.Open(certs.Config{Files: c.files})
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v; want %q", name, err, c.says)
		}
	}
}

func TestTimeIsWhatTheNodeIsTold(t *testing.T) {
	s := newShop(t)
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	k := s.keep(certs.Config{Files: s.node(), Now: now})
	l, said := echo(t, certs.Door{Name: "peer", Rules: k.ForPeers})
	if err := greet(t, l, k.ToNodes()); err != nil {
		t.Fatal(err)
	}
	ahead.Store(int64(2 * time.Hour))
	if err := greet(t, l, k.ToNodes()); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("a node that has expired is believed: %v", err)
	}
	rules := s.rules(s.node())
	if err := greet(t, l, rules); err == nil {
		t.Error("a peer that has expired is let in")
	}
	heard(t, said, "expired")
	if err := k.Reload(); err == nil || !strings.Contains(err.Error(), "the certificates stay as they were") {
		t.Errorf("%v", err)
	}
}

func TestReloadLeavesConnectionsAlone(t *testing.T) {
	s := newShop(t)
	said := new(transcript)
	log := slog.New(slog.NewTextHandler(said, nil))
	k := s.keep(certs.Config{Files: s.node(), Clients: certs.Off, Log: log})
	heard(t, said, "the certificate ends soon")
	l, _ := echo(t, certs.Door{Rules: k.ForClients})
	serial := func() string {
		var shown string
		rules := s.rules(certs.Files{})
		rules.VerifyConnection = func(state tls.ConnectionState) error {
			shown = state.PeerCertificates[0].SerialNumber.String()
			return nil
		}
		if err := greet(t, l, rules); err != nil {
			t.Fatal(err)
		}
		return shown
	}
	before := serial()
	s.node()
	if serial() != before {
		t.Error("a file counts before it is read")
	}
	if err := k.Reload(); err != nil {
		t.Fatal(err)
	}
	after := serial()
	if after == before {
		t.Error("the old certificate is shown after Reload")
	}
	s.write("node.crt", []byte("nonsense"))
	if err := k.Reload(); err == nil || k.Refused() != 1 || serial() != after {
		t.Errorf("%v, %d refused; it shows another: %v", err, k.Refused(), serial() != after)
	}
}

func TestWatchSeesWhatChanges(t *testing.T) {
	s := newShop(t)
	said := new(transcript)
	files := s.make("node", certs.Wish{Name: "a", Node: true, Until: time.Now().Add(time.Hour)})
	k := s.keep(certs.Config{Files: files, Log: slog.New(slog.NewTextHandler(said, nil))})
	end := k.NotAfter()
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() { k.Watch(ctx, time.Millisecond); close(over) }()
	defer func() { cancel(); <-over }()
	if err := os.Remove(files.Key); err != nil {
		t.Fatal(err)
	}
	heard(t, said, "level=ERROR", "the certificates stay as they were", "no such file")
	s.make("node", certs.Wish{Name: "a", Node: true, Until: time.Now().Add(2 * time.Hour)})
	heard(t, said, "certificates read anew")
	if !k.NotAfter().After(end) {
		t.Error("the old certificate is kept")
	}
	if n := strings.Count(said.String(), "no such file"); n > 5 {
		t.Errorf("one fault is logged %d times", n)
	}
}

func TestCertificatesSayWhatTheyAreFor(t *testing.T) {
	s := newShop(t)
	made := s.make("n", certs.Wish{Name: "rack/1:a", Node: true, Hosts: []string{"db1", "::1"}})
	list, err := certs.Read(made.Cert)
	if err != nil {
		t.Fatal(err)
	}
	c := list[0]
	if name, ok := certs.NodeOf(c); !ok || name != "rack/1:a" || c.Subject.CommonName != name {
		t.Errorf("%q, %v, %q", name, ok, c.Subject.CommonName)
	}
	if len(c.DNSNames) != 1 || len(c.IPAddresses) != 1 || len(c.ExtKeyUsage) != 2 {
		t.Errorf("%v %v %v", c.DNSNames, c.IPAddresses, c.ExtKeyUsage)
	}
	far := s.make("long", certs.Wish{Name: "x", Until: time.Now().AddDate(50, 0, 0)})
	if list, err = certs.Read(far.Cert); err != nil || list[0].NotAfter.After(time.Now().AddDate(1, 0, 1)) {
		t.Errorf("a certificate outlives its authority: %v, %v", list[0].NotAfter, err)
	}
	if list[0].ExtKeyUsage[0] != x509.ExtKeyUsageClientAuth || len(list[0].ExtKeyUsage) != 1 {
		t.Errorf("a client's is for %v", list[0].ExtKeyUsage)
	}
}
