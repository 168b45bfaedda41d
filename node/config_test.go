package node_test

import (
	"strings"
	"testing"
	"time"

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
