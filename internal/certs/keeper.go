package certs

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Clients says what a door of clients asks of them.
type Clients string

// What can be asked. An optional certificate that is shown is verified all the same.
const (
	Require  Clients = "require"
	Optional Clients = "optional"
	Off      Clients = "off"
)

// Config is what a Keeper is made of.
type Config struct {
	Files
	Clients Clients
	Min     uint16           // the oldest version that clients may speak; nodes speak TLS 1.3
	Now     func() time.Time // nil: time.Now
	Log     *slog.Logger     // nil: nothing is logged
}

// Keeper has a node's certificates, as the files had them when they were last good. A connection that
// stands is never touched by what is read later (SAFETY A7). Its methods may be called from any
// goroutine.
type Keeper struct {
	cfg     Config
	now     func() time.Time
	log     *slog.Logger
	current atomic.Pointer[set]
	refused atomic.Uint64 // states of the files that could not be used

	mu   sync.Mutex // held while the files are read
	seen [3]stamp   // of the files as they were last read, good or not
}

// Open reads the files. It fails when they are of no use.
func Open(cfg Config) (*Keeper, error) {
	k := &Keeper{cfg: cfg, now: cfg.Now, log: cfg.Log}
	if k.now == nil {
		k.now = time.Now
	}
	if k.log == nil {
		k.log = slog.New(slog.DiscardHandler)
	}
	s, err := cfg.read(k.now())
	if err != nil {
		return nil, err
	}
	k.seen = s.stamps
	k.current.Store(s)
	k.sayEnd()
	return k, nil
}

// Reload reads the files anew. When they are of no use the certificates stay as they were.
func (k *Keeper) Reload() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen = k.cfg.stamps()
	s, err := k.cfg.read(k.now())
	if err != nil {
		k.refused.Add(1)
		return fmt.Errorf("the certificates stay as they were: %w", err)
	}
	k.current.Store(s)
	k.log.Info("certificates read anew", "subject", s.leaf().Subject.String(),
		"until", s.ends.NotAfter.UTC().Format(time.RFC3339))
	k.sayEnd()
	return nil
}

// nearEnd is how long before its end a certificate is worth a warning, every day.
const nearEnd = 14 * 24 * time.Hour

func (k *Keeper) sayEnd() {
	s := k.current.Load()
	if s.ends.NotAfter.Sub(k.now()) >= nearEnd {
		return
	}
	which, file := "the certificate", k.cfg.Cert
	if !s.ends.Equal(s.leaf()) {
		which, file = "an authority of the certificate", k.cfg.CA
		if slices.ContainsFunc(s.own.Certificate, func(raw []byte) bool { return bytes.Equal(raw, s.ends.Raw) }) {
			file = k.cfg.Cert
		}
	}
	k.log.Warn(which+" ends soon: put a new one in its place, which is read without a restart", "file", file,
		"subject", s.ends.Subject.String(), "until", s.ends.NotAfter.UTC().Format(time.RFC3339))
}

// Watch looks every so often whether a file has changed, and reads all anew then, until ctx ends.
func (k *Keeper) Watch(ctx context.Context, every time.Duration) {
	tick, day := time.NewTicker(every), time.NewTicker(24*time.Hour)
	defer tick.Stop()
	defer day.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-day.C:
			k.sayEnd()
		case <-tick.C:
			if !k.changed() {
				continue
			}
			if err := k.Reload(); err != nil {
				k.log.Error("certificates that have changed are refused", "error", err)
			}
		}
	}
}

func (k *Keeper) changed() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.cfg.stamps() != k.seen
}

// NotAfter gives until when the node's certificate is believed: to its own end, or to that of an authority
// by which it is, whichever comes first.
func (k *Keeper) NotAfter() time.Time { return k.current.Load().ends.NotAfter }

// Refused counts the reloads that failed.
func (k *Keeper) Refused() uint64 { return k.refused.Load() }

// Hosts gives the names of hosts in the node's certificate.
func (k *Keeper) Hosts() []string { return k.current.Load().leaf().DNSNames }

// rules gives what all connections have in common. Sessions are not resumed: each connection is verified
// by the certificates of its own time.
func (k *Keeper) rules(s *set) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{s.own}, MinVersion: tls.VersionTLS13, Time: k.now,
		SessionTicketsDisabled: true, DynamicRecordSizingDisabled: true}
}

// ForClients gives the rules of the RESP door, by the newest certificates.
func (k *Keeper) ForClients() *tls.Config {
	s := k.current.Load()
	rules := k.rules(s)
	rules.MinVersion, rules.ClientCAs = k.cfg.Min, s.trusted
	switch k.cfg.Clients {
	case Require:
		rules.ClientAuth = tls.RequireAndVerifyClientCert
	case Optional:
		rules.ClientAuth = tls.VerifyClientCertIfGiven
	}
	return rules
}

// ForHTTP gives those of the HTTP door, which looks at each request whether a certificate is required for
// it.
func (k *Keeper) ForHTTP() *tls.Config {
	rules := k.ForClients()
	if k.cfg.Clients == Require {
		rules.ClientAuth = tls.VerifyClientCertIfGiven
	}
	return rules
}

// ForPeers gives those of the peer door: nodes of the ensemble's authority are let in, and nobody else.
func (k *Keeper) ForPeers() *tls.Config {
	s := k.current.Load()
	rules := k.rules(s)
	rules.ClientCAs, rules.ClientAuth = s.trusted, tls.RequireAndVerifyClientCert
	rules.VerifyConnection = func(state tls.ConnectionState) error {
		return needNode(state.PeerCertificates[0])
	}
	return rules
}

// ToNodes gives the rules of a node that calls another, at whichever door. It is known by its mark, since
// its address may be any.
func (k *Keeper) ToNodes() *tls.Config {
	s := k.current.Load()
	rules := k.rules(s)
	rules.InsecureSkipVerify = true // of crypto/tls, which would go by the host; what follows verifies all else
	rules.VerifyConnection = func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return errors.New("the node has shown no certificate")
		}
		_, err := verifyParsed(state.PeerCertificates, s.trusted, x509.ExtKeyUsageServerAuth, k.now())
		if err != nil {
			return err
		}
		return needNode(state.PeerCertificates[0])
	}
	return rules
}
