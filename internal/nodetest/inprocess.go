package nodetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/caucus-project/caucus/node"
)

// InProcess opens n nodes in this process, the first alone and the others joined through it, on free
// ports. All are in the group of the nodes when it returns. They are closed, and must close without an
// error, at the end of the test. Edit may change the configuration of each; nil changes nothing.
func InProcess(t testing.TB, n int, edit func(i int, cfg *node.Config)) []*node.Node {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	var nodes []*node.Node
	for i := range n {
		cfg := node.Config{Name: fmt.Sprintf("n%d", i+1), Data: t.TempDir(),
			Listen: "127.0.0.1:0", PeerListen: "127.0.0.1:0", HTTP: "127.0.0.1:0"}
		if i > 0 {
			first, _, _ := nodes[0].Addresses()
			cfg.Join = []string{first}
		}
		if edit != nil {
			edit(i, &cfg)
		}
		opened, err := node.Open(ctx, cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := opened.Close(); err != nil {
				t.Errorf("%s: %v", opened.Name(), err)
			}
		})
		nodes = append(nodes, opened)
		Eventually(t, opened.Name()+" is in the group of the nodes", func() bool {
			_, known := opened.Leader()
			return known
		})
	}
	return nodes
}
