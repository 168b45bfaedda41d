package node_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caucus-project/caucus/client"
	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/node"
	dto "github.com/prometheus/client_model/go"
	"github.com/redis/go-redis/v9"
)

// securely opens n nodes with certificates of an authority.
func securely(t *testing.T, a *nodetest.Authority, n int, edit func(i int, c *node.Config)) []*node.Node {
	t.Helper()
	return nodetest.InProcess(t, n, func(i int, c *node.Config) {
		c.Settle, c.TLS = -1, a.Node(c.Name)
		if edit != nil {
			edit(i, c)
		}
	})
}

func TestThreeNodesSpeakTLS(t *testing.T) {
	a := nodetest.NewAuthority(t)
	nodes := securely(t, a, 3, nil)
	addr, _, _ := nodes[2].Addresses()
	c, err := client.Dial(t.Context(), client.Config{Addrs: []string{addr}, TLS: a.Rules("alice")})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Set(t.Context(), "k", "v"); err != nil {
		t.Fatal(err)
	}
	s, err := c.Session(t.Context(), client.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m, err := s.Join(t.Context(), "g", client.JoinOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := m.WaitAssignment(t.Context()); err != nil || got.Index != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	redisClient := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{addr},
		TLSConfig: a.Rules("bob")})
	defer redisClient.Close()
	if got, err := redisClient.Get(t.Context(), "k").Result(); err != nil || got != "v" {
		t.Errorf("go-redis: %q, %v", got, err)
	}
}

// Nodes that found together ask each other's client and peer doors.
func TestFoundingByTLS(t *testing.T) {
	a := nodetest.NewAuthority(t)
	var peers []node.Peer
	for i := range 3 {
		peers = append(peers, node.Peer{Name: fmt.Sprint("n", i+1), Addr: nodetest.FreeAddress(t)})
	}
	ctx, cancel := context.WithTimeout(t.Context(), nodetest.Patience)
	defer cancel()
	done := make(chan error, len(peers))
	for _, p := range peers {
		cfg := node.Config{Name: p.Name, Data: t.TempDir(), Listen: p.Addr, PeerListen: "127.0.0.1:0",
			HTTP: "off", Peers: peers, TLS: a.Node(p.Name)}
		go func() {
			n, err := node.Open(ctx, cfg)
			if err == nil {
				t.Cleanup(func() { n.Close() })
			}
			done <- err
		}()
	}
	for range peers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// get asks the HTTP door, and gives the status and the answer.
func get(t *testing.T, n *node.Node, rules *tls.Config, path string) (int, string) {
	t.Helper()
	_, _, addr := n.Addresses()
	way := &http.Transport{TLSClientConfig: rules}
	defer way.CloseIdleConnections()
	answer, err := (&http.Client{Transport: way}).Get("https://" + addr + path)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func TestHTTPAsksForACertificateByRequest(t *testing.T) {
	a := nodetest.NewAuthority(t)
	n := securely(t, a, 1, nil)[0]
	for _, c := range []struct {
		client, path string
		status       int
		says         string
	}{
		{"", "/healthz", 200, "alive"}, {"", "/readyz", 200, "ready"},
		{"", "/v1/groups", 403, "--tls-clients require"}, {"", "/metrics", 403, "DENIED"},
		{"alice", "/v1/groups", 200, ""},
		{"alice", "/metrics", 200, "caucus_tls_certificate_not_after_timestamp_seconds"},
	} {
		status, text := get(t, n, a.Rules(c.client), c.path)
		if status != c.status || !strings.Contains(text, c.says) {
			t.Errorf("%q at %s: %d %.300s; want %d with %q", c.client, c.path, status, text, c.status, c.says)
		}
	}
	if status, text := get(t, n, a.Rules("alice"), "/metrics"); !strings.Contains(text,
		`caucus_tls_handshake_failures_total{door="peer"} 0`) {
		t.Errorf("%d %s", status, text)
	}
}

func TestWhoMayComeToWhichDoorOfANode(t *testing.T) {
	a, others := nodetest.NewAuthority(t), nodetest.NewAuthority(t)
	log := new(nodetest.Transcript)
	n := securely(t, a, 1, func(_ int, c *node.Config) {
		c.Logger = slog.New(slog.NewTextHandler(log, nil))
	})[0]
	clients, peers, _ := n.Addresses()
	shake := func(addr string, rules *tls.Config) error {
		line, err := nodetest.DialTLS(addr, rules)
		if err != nil {
			return err
		}
		defer line.Close()
		_, err = line.Do("PING")
		return err
	}
	foreign := others.Rules("mallory")
	foreign.RootCAs = a.Rules("").RootCAs
	old := a.Rules("alice")
	old.MaxVersion = tls.VersionTLS12
	for who, c := range map[string]struct {
		addr  string
		rules *tls.Config
		says  string
	}{
		"no certificate":            {clients, a.Rules(""), "door=resp from=* why=\"tls: client didn't provide"},
		"another authority's":       {clients, foreign, "door=resp from=* why=\"tls: failed to verify"},
		"TLS 1.2":                   {clients, old, "unsupported versions"},
		"a client at the peer door": {peers, a.Rules("alice"), "the certificate of CN=alice is not that of a node"},
		"nobody at the peer door":   {peers, a.Rules(""), "door=peer from=* why=\"tls: client didn't provide"},
	} {
		if err := shake(c.addr, c.rules); err == nil {
			t.Errorf("%s: let in", who)
		}
		words := strings.Split(c.says, "*")
		nodetest.Eventually(t, who+" in the log", func() bool {
			for line := range strings.Lines(log.String()) {
				if strings.Contains(line, words[0]) && strings.Contains(line, words[len(words)-1]) {
					return true
				}
			}
			return false
		})
	}
	if err := shake(clients, a.Rules("alice")); err != nil {
		t.Error(err)
	}
	reply, err := nodetest.Ask(clients, "PING")
	if err == nil || !strings.Contains(err.Error(), "this door speaks TLS and nothing else") {
		t.Errorf("plain text: %v, %v", reply, err)
	}
}

// A node that cannot show a certificate of the ensemble does not join it, and is told why.
func TestStrangersDoNotJoin(t *testing.T) {
	t.Parallel()
	a, others := nodetest.NewAuthority(t), nodetest.NewAuthority(t)
	n := securely(t, a, 1, nil)[0]
	addr, _, _ := n.Addresses()
	for who, with := range map[string]node.TLS{"another authority": others.Node("n2"), "no TLS": {}} {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, err := node.Open(ctx, node.Config{Name: "n2", Data: t.TempDir(), Listen: "127.0.0.1:0",
			PeerListen: "127.0.0.1:0", HTTP: "off", Join: []string{addr}, TLS: with})
		cancel()
		if err == nil ||
			!strings.Contains(err.Error(), "authority") && !strings.Contains(err.Error(), "speaks TLS") {
			t.Errorf("%s: %v", who, err)
		}
	}
	if got := n.Peers(); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

func TestBadTLSIsRefusedAtOnce(t *testing.T) {
	a := nodetest.NewAuthority(t)
	good := a.Node("n1")
	for says, with := range map[string]node.TLS{
		"state Cert, Key and CA":              {Cert: good.Cert, Key: good.Key},
		"is require, optional or off, not":    {Cert: good.Cert, Key: good.Key, CA: good.CA, Clients: "perhaps"},
		"it can be TLS 1.2 or TLS 1.3":        {Cert: good.Cert, Key: good.Key, CA: good.CA, Min: tls.VersionTLS10},
		"not that of a node: it has no URI":   a.Client("alice"),
		"no such file or directory":           {Cert: "none", Key: good.Key, CA: good.CA},
		"the certificate counts from":         a.Ended("n1"),
		"private key does not match public k": {Cert: good.Cert, Key: a.Node("other").Key, CA: good.CA},
	} {
		n, err := node.Open(t.Context(), node.Config{Data: t.TempDir(), Listen: "127.0.0.1:0", HTTP: "off",
			TLS: with})
		if err == nil {
			n.Close()
		}
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v; want %q", err, says)
		}
	}
}

// traffic writes and subscribes over connections that must not be cut, until it is stopped.
type traffic struct {
	t     *testing.T
	over  atomic.Bool
	lines []*nodetest.Line
	done  chan error
	count atomic.Int64
}

func begin(t *testing.T, nodes []*node.Node, rules *tls.Config) *traffic {
	t.Helper()
	tr := &traffic{t: t, done: make(chan error, len(nodes))}
	for i, n := range nodes {
		addr, _, _ := n.Addresses()
		line, err := nodetest.DialTLS(addr, rules)
		if err != nil {
			t.Fatal(err)
		}
		tr.lines = append(tr.lines, line)
		go func() {
			for !tr.over.Load() {
				reply, err := line.Do("INCR", fmt.Sprint("count", i))
				if err = errors.Join(err, reply.Err()); err != nil {
					tr.done <- err
					return
				}
				tr.count.Add(1)
			}
			tr.done <- nil
		}()
	}
	return tr
}

// moves waits until it has gone on for a while.
func (tr *traffic) moves() {
	tr.t.Helper()
	from := tr.count.Load()
	nodetest.Eventually(tr.t, "traffic flows", func() bool { return tr.count.Load() > from+300 })
}

func (tr *traffic) end() {
	tr.t.Helper()
	tr.over.Store(true)
	for range tr.lines {
		if err := <-tr.done; err != nil {
			tr.t.Errorf("a connection was cut or an answer was missed: %v", err)
		}
	}
	for _, line := range tr.lines {
		line.Close()
	}
}

// TestA7_NewCertificatesCutNobody: neither peers nor clients notice that certificates, and then the
// authority, are others; who connects afterwards sees the new ones.
func TestA7_NewCertificatesCutNobody(t *testing.T) {
	a := nodetest.NewAuthority(t)
	nodes := securely(t, a, 3, nil)
	rules := a.Rules("alice")
	tr := begin(t, nodes, rules)
	tr.moves()
	before := scrapeWith(t, nodes[0], rules)
	next := nodetest.NewAuthority(t)
	a.Trust(next) // first all trust both
	for _, n := range nodes {
		if err := n.ReloadCertificates(); err != nil {
			t.Fatal(err)
		}
	}
	tr.moves()
	for _, n := range nodes { // then certificates of the new one
		a.Replace(n.Name(), next)
		if err := n.ReloadCertificates(); err != nil {
			t.Fatal(err)
		}
	}
	tr.moves()
	after := scrapeWith(t, nodes[0], rulesOf(a, next))
	for _, name := range []string{"caucus_peers_connected_total", "caucus_leader_changes_total", "caucus_term"} {
		if was, is := value(t, before, name), value(t, after, name); was != is {
			t.Errorf("%s was %v and is %v", name, was, is)
		}
	}
	tr.end()
}

// rulesOf gives the rules of a client of the old authority that trusts the new one.
func rulesOf(old, next *nodetest.Authority) *tls.Config {
	rules := old.Rules("alice")
	rules.RootCAs = next.Rules("").RootCAs
	return rules
}

// scrapeWith is scrape over TLS.
func scrapeWith(t *testing.T, n *node.Node, rules *tls.Config) map[string]*dto.MetricFamily {
	t.Helper()
	status, text := get(t, n, rules, "/metrics")
	return families(t, status, strings.NewReader(text))
}

func TestFilesThatChangeAreReadAnew(t *testing.T) {
	t.Parallel()
	a := nodetest.NewAuthority(t)
	log := new(nodetest.Transcript)
	n := securely(t, a, 1, func(_ int, c *node.Config) {
		c.Logger = slog.New(slog.NewTextHandler(log, nil))
	})[0]
	a.Node("n1")
	nodetest.Eventually(t, "the new files are read", func() bool {
		return strings.Contains(log.String(), "certificates read anew")
	})
	good := a.Node("n1")
	if err := os.WriteFile(good.Cert, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	nodetest.Eventually(t, "a bad file is refused", func() bool {
		return strings.Contains(log.String(), "the certificates stay as they were")
	})
	addr, _, _ := n.Addresses()
	line, err := nodetest.DialTLS(addr, a.Rules("alice"))
	if err != nil {
		t.Fatal(err)
	}
	defer line.Close()
	if reply, err := line.Do("PING"); err != nil || reply.Str != "PONG" {
		t.Errorf("%v, %v", reply, err)
	}
}
