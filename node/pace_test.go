package node_test

import (
	"strings"
	"testing"
	"time"

	"github.com/caucus-project/caucus/internal/raftlog/datadir"
	"github.com/caucus-project/caucus/internal/raftlog/vfs"
	"github.com/caucus-project/caucus/node"
)

// The election timeout is the ensemble's: who joins is told, and who states another is refused, when it
// joins and at every later start.
func TestC14_OneElectionTimeout(t *testing.T) {
	config := func(name string) node.Config {
		return node.Config{Name: name, Data: t.TempDir(), Listen: "127.0.0.1:0", HTTP: "off"}
	}
	founder, second, third := config("n1"), config("n2"), config("n3")
	founder.Heartbeat, founder.Election = 20*time.Millisecond, 200*time.Millisecond
	n := open(t, founder)
	at, _, _ := n.Addresses()

	second.Join = []string{at}
	joined := open(t, second)
	for _, dir := range []string{founder.Data, second.Data} {
		id, err := datadir.Read(vfs.OS{}, dir)
		if err != nil || id.Heartbeat != 20_000 || id.Election != 200_000 {
			t.Errorf("%s keeps %d and %d, %v", dir, id.Heartbeat, id.Election, err)
		}
	}
	third.Join, third.Election = []string{at}, 400*time.Millisecond
	refused(t, third, "--heartbeat 20ms --election 400ms", "founded with 20ms and 200ms")

	if err := joined.Close(); err != nil {
		t.Fatal(err)
	}
	second.Heartbeat = 40 * time.Millisecond
	refused(t, second, second.Data, "--heartbeat 40ms --election 200ms", "founded with 20ms and 200ms")
	second.Heartbeat, second.Join = 0, nil
	open(t, second)
}

func open(t *testing.T, cfg node.Config) *node.Node {
	t.Helper()
	n, err := node.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

func refused(t *testing.T, cfg node.Config, words ...string) {
	t.Helper()
	n, err := node.Open(t.Context(), cfg)
	if err == nil {
		n.Close()
		t.Fatal("it was let in")
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%v does not say %q", err, w)
		}
	}
}
