package node_test

import (
	"testing"

	"github.com/caucus-project/caucus/internal/nodetest"
	"github.com/caucus-project/caucus/node"
)

// What is stated for a node becomes the ensemble's limit once the node has started, whatever it was before; a
// node for which nothing is stated leaves it as it is.
func TestB13_TheLimitOnMemoryIsTold(t *testing.T) {
	cfg := node.Config{Data: t.TempDir(), Listen: "127.0.0.1:0", HTTP: "off", MaxMemory: 2 << 30}
	limited := func(n *node.Node, want string) {
		t.Helper()
		nodetest.Eventually(t, "maxmemory is "+want, func() bool {
			r := does(t, n, "CONFIG GET maxmemory")
			return len(r.Items) == 2 && r.Items[1].Str == want
		})
	}
	n := open(t, cfg)
	limited(n, "2147483648")
	does(t, n, "CONFIG SET maxmemory 1gb")
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	n = open(t, cfg)
	limited(n, "2147483648")
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	cfg.MaxMemory = 0
	limited(open(t, cfg), "2147483648")
}
