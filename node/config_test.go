package node_test

import (
	"cmp"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/here"
	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/node"
)

// opened opens a node on free ports, tells where it is, and closes it.
func opened(t *testing.T, cfg node.Config) (client, peer string, err error) {
	t.Helper()
	cfg.Data = t.TempDir()
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	cfg.HTTP = "off"
	n, err := node.Open(t.Context(), cfg)
	if err != nil {
		return "", "", err
	}
	client, peer, _ = n.Addresses()
	return client, peer, n.Close()
}

func TestAdvertisedAddresses(t *testing.T) {
	for _, c := range []struct{ advertise, client, peer string }{
		{"cellar.example", "cellar.example:", "cellar.example:"},
		{"cellar.example:7000", "cellar.example:7000", "cellar.example:7001"},
		{"2001:db8::1", "[2001:db8::1]:", "[2001:db8::1]:"},
		{"[2001:db8::1]:7000", "[2001:db8::1]:7000", "[2001:db8::1]:7001"},
	} {
		client, peer, err := opened(t, node.Config{Advertise: c.advertise})
		if err != nil || !strings.HasPrefix(client, c.client) || !strings.HasPrefix(peer, c.peer) {
			t.Errorf("%q: %s and %s, %v", c.advertise, client, peer, err)
		}
	}
}

// An address such as 0.0.0.0 leads whoever hears of it to himself.
func TestAllAddressesAreNotAdvertised(t *testing.T) {
	client, peer, err := opened(t, node.Config{Listen: "0.0.0.0:0"})
	if err != nil || !strings.HasPrefix(client, "127.0.0.1:") || !strings.HasPrefix(peer, "127.0.0.1:") {
		t.Errorf("nobody else is let in: %s and %s, %v", client, peer, err)
	}
	open := node.Config{Listen: "0.0.0.0:0", Password: "sesame"}
	if _, _, err = opened(t, open); err == nil || !strings.Contains(err.Error(), "--advertise HOST") {
		t.Errorf("got %v", err)
	}
	open.Advertise = "cellar.example"
	if _, _, err = opened(t, open); err != nil {
		t.Error(err)
	}
}

// A node that listens for others, and could not tell who comes, says once at its start whom it will refuse
// and what to do about it.
func TestWhoServesNoOthersSaysSo(t *testing.T) {
	t.Parallel()
	start := func(cfg node.Config) (*node.Node, *nodetest.Transcript) {
		t.Helper()
		log := new(nodetest.Transcript)
		cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
		return open(t, cfg), log
	}
	warned := func(log *nodetest.Transcript) int { return strings.Count(log.String(), here.Advice) }
	a, cfg := nodetest.NewAuthority(t), node.Config{Listen: "0.0.0.0:0", HTTP: "off", Data: t.TempDir()}
	n, log := start(cfg)
	nodetest.Eventually(t, "it says so", func() bool { return warned(log) == 1 })
	lineOf(t, n, "ACL SETUSER default on >sesame")
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if warned(log) != 1 {
		t.Errorf("it says it again: %s", log)
	}

	const local = "127.0.0.1:0"
	open := a.Node("n1")
	open.Clients = "off"
	others := func(change func(*node.Config)) node.Config {
		cfg := node.Config{Listen: "0.0.0.0:0", HTTP: "off", Advertise: "n1"}
		change(&cfg)
		return cfg
	}
	for name, c := range map[string]struct {
		cfg  node.Config
		want int
	}{
		"there is a user":            {cfg, 0},
		"it listens here only":       {others(func(c *node.Config) { c.Listen = local }), 0},
		"HTTP is open":               {others(func(c *node.Config) { c.HTTP, c.Listen = c.Listen, local }), 1},
		"a password":                 {others(func(c *node.Config) { c.Password = "sesame" }), 0},
		"clients show a certificate": {others(func(c *node.Config) { c.TLS = a.Node("n1") }), 0},
		"TLS alone":                  {others(func(c *node.Config) { c.TLS = open }), 1},
	} {
		c.cfg.Data = cmp.Or(c.cfg.Data, t.TempDir())
		n, log := start(c.cfg)
		if c.want > 0 {
			nodetest.Eventually(t, name+": it says so", func() bool { return warned(log) == c.want })
		} else if _, err := n.Propose(t.Context(), "DBSIZE"); err != nil { // the node has asked the same before
			t.Error(err)
		}
		if err := n.Close(); err != nil || warned(log) != c.want {
			t.Errorf("%s: %v, %s", name, err, log)
		}
	}
}

func TestConfigurationsThatCannotWork(t *testing.T) {
	for want, cfg := range map[string]node.Config{
		"multiple of the heartbeat":       {Heartbeat: time.Second},
		"1s, must be a multiple":          {Heartbeat: -time.Second, Election: time.Second},
		"not for -1s":                     {BlocTimeout: -time.Second},
		`"nonsense", is not host`:         {Join: []string{"127.0.0.1:1", "nonsense"}},
		`Listen (--listen) "here" is not`: {Listen: "here"},
		"not from 1 to 65534":             {Advertise: "cellar.example:http"},
	} {
		if _, _, err := opened(t, cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("wanted %q, got %v", want, err)
		}
	}
}

// Started once without Join, a node is an ensemble of its own. It must not go on so when it is later told to
// join another, as if it had.
func TestJoiningFromADirectoryOfAnotherEnsemble(t *testing.T) {
	first, err := node.Open(t.Context(), node.Config{Data: t.TempDir(), Listen: "127.0.0.1:0", HTTP: "off"})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	addr, _, _ := first.Addresses()
	cfg := node.Config{Data: t.TempDir(), Name: "stray", Listen: "127.0.0.1:0", HTTP: "off"}
	stray, err := node.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := stray.Close(); err != nil {
		t.Fatal(err)
	}
	cfg.Join = []string{addr}
	stray, err = node.Open(t.Context(), cfg)
	if err == nil { // it may find out only later
		<-stray.Done()
		err = stray.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "leads to ensemble") {
		t.Errorf("got %v", err)
	}
}
